"""Whole deliveries: what follows from each answer, through the service and on a clock of the test's own."""

import pytest

from tocsin import Alert, NotificationConfig, NotificationService
from tocsin.testing import FakeClock, Fault

GROUP, USER = "-1001000000001", "200000002"
NEW_ID = -1009999999999
BROKEN_ENTITY = 'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 0'


@pytest.fixture
def clock():
    """Time that moves when all wait for it."""
    return FakeClock()


@pytest.fixture
def service(simulator, clock):
    """A service with this channel alone, to one group and one user."""
    delivery = {"retry_delay": 0.01, "max_retries": 2, "workers": 1}
    tables = {"telegram": simulator.settings()}
    config = NotificationConfig.from_mapping({"channels": tables, "delivery": delivery})
    with NotificationService(config, strict=True, clock=clock) as running:
        yield running


@pytest.fixture
def to_group(simulator, clock):
    """A service whose channel has the group alone."""
    table = simulator.settings() | {"chat_ids": [GROUP]}
    config = NotificationConfig.from_mapping({"channels": {"telegram": table}, "delivery": {"retry_delay": 0.01}})
    with NotificationService(config, strict=True, clock=clock) as running:
        yield running


def recipients(report):
    return report.results["telegram"].recipients


def disk(**values):
    return Alert(**({"title": "Disk full", "message": "m", "priority": "HIGH", "dedup_key": "disk"} | values))


def test_an_entity_error_is_followed_by_plain_text_once(simulator, to_group, requests):
    simulator.script(400, BROKEN_ENTITY)
    report = to_group.send_notification(disk())

    assert report.is_complete
    assert ["parse_mode" in fields for fields in requests()] == [True, False]


def test_a_second_entity_error_is_the_end(simulator, to_group, requests):
    simulator.script(400, BROKEN_ENTITY)
    simulator.script(400, BROKEN_ENTITY)
    report = to_group.send_notification(disk())

    assert not report.is_complete
    assert ["parse_mode" in fields for fields in requests()] == [True, False]


@pytest.mark.parametrize(
    ("code", "description"), [(403, "Forbidden: bot was blocked by the user"), (400, "Bad Request: chat not found")]
)
def test_a_chat_that_takes_nothing_is_tried_once_and_never_again(simulator, service, code, description):
    simulator.script(code, description)
    first = service.send_notification(disk())
    calls = simulator.calls
    second = service.send_notification(disk(dedup_key="other"))

    assert [one.success for one in recipients(first)] == [False, True]
    assert [one.success for one in recipients(second)] == [False, True]
    assert (calls, simulator.calls) == (2, 3)


def test_a_refused_token_stops_the_whole_channel_at_once(simulator, service):
    simulator.fail(Fault("unauthorized", times=0))
    report = service.send_notification(disk())

    assert not any(one.success for one in recipients(report))
    assert simulator.calls == 1
    assert service.get_channel_health()["telegram"]["circuit"]["state"] == "open"


def test_a_wait_is_kept_to_and_holds_back_its_chat_alone(simulator, service, clock):
    simulator.fail(Fault("rate_limited", retry_after=40, address=GROUP))
    report = service.send_notification(disk())

    assert report.is_complete
    assert clock.monotonic() >= 40
    assert [message.address for message in simulator.received()] == [USER, GROUP]


def test_a_message_a_second_goes_to_each_chat(simulator, service, clock):
    for number in range(3):
        assert service.send_notification(disk(dedup_key=f"d{number}")).is_complete

    assert 2 <= clock.monotonic() < 3
    assert len(simulator.received()) == 6


def test_a_resolved_alert_edits_and_a_more_urgent_one_answers(simulator, to_group, requests):
    to_group.send_notification(disk())
    to_group.send_notification(disk(status="acknowledged"))
    to_group.send_notification(disk(priority="CRITICAL"))
    to_group.send_notification(disk(priority="CRITICAL", status="resolved"))

    assert [message.text.splitlines()[0] for message in simulator.received()] == [
        "🟠 Disk full",
        "🟠 Acknowledged: Disk full",
        "🔴 Disk full",
        "🔴 Resolved: Disk full",
    ]
    assert [message.provider_id for message in simulator.received()] == ["1", "1", "2", "2"]
    assert requests("sendMessage")[1]["reply_parameters"]["message_id"] == 1


def test_an_upgrade_is_remembered_for_later_alerts(simulator, to_group, requests):
    simulator.upgrade(GROUP, NEW_ID)
    reports = [to_group.send_notification(disk(dedup_key=f"d{number}")) for number in range(3)]

    assert all(report.is_complete for report in reports)
    assert [fields["chat_id"] for fields in requests()] == [int(GROUP), NEW_ID, NEW_ID, NEW_ID]


def test_the_report_tells_accepted_and_the_messages_id(to_group):
    (found,) = recipients(to_group.send_notification(disk()))

    assert (found.state, found.receipt.state, found.receipt.provider_id) == ("accepted", "accepted", "1")
