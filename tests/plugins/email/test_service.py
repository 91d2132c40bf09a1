"""What a service reports about mails: each recipient has an outcome, and a copy is known by its Message-ID."""

import pytest

from tocsin import Alert, NotificationConfig, NotificationService
from tocsin.rendering import REPEATED
from tocsin.testing import Fault

ALERT = Alert(title="Disk full", message="/var is at 98 %", dedup_key="disk-1")


@pytest.fixture
def service_with():
    """A service with one channel that tries again at once."""
    started = []

    def start(channel, **values):
        config = NotificationConfig(max_retries=2, retry_delay=0.01, backoff="constant", **values)
        started.append(NotificationService(config))
        started[-1].add_channel("email", channel)
        return started[-1]

    yield start
    for service in started:
        service.close(1)


def mails_to(simulator, address):
    return [mail for mail in simulator.received() if mail.address == address]


def test_a_recipient_that_is_refused_fails_alone_and_makes_the_channel_fail(simulator, channel, service_with):
    simulator.fail(Fault("refused_recipient", address="desk@example.com"))
    result = service_with(channel).send_notification(ALERT).results["email"]

    assert not result.success
    assert [(each.success, str(each.error_kind)) for each in result.recipients] == [
        (True, "None"),
        (False, "invalid_recipient"),
    ]
    assert [mail.address for mail in simulator.received()] == ["ops@example.com"]


def test_a_recipient_that_is_refused_for_now_is_tried_again_alone(simulator, channel, service_with):
    simulator.fail(Fault("server_error", address="desk@example.com"))
    result = service_with(channel).send_notification(ALERT).results["email"]

    assert result.success
    assert [len(each.attempts) for each in result.recipients] == [1, 2]
    assert sorted(mail.address for mail in simulator.received()) == ["desk@example.com", "ops@example.com"]


def test_a_copy_after_an_unknown_outcome_has_the_same_message_id_and_is_marked(simulator, channel, service_with):
    simulator.fail(Fault("lost_answer", address="ops@example.com"))
    service_with(channel).send_notification(ALERT)
    first, second = mails_to(simulator, "ops@example.com")
    (other,) = mails_to(simulator, "desk@example.com")

    assert first.raw["Message-ID"] == second.raw["Message-ID"] != other.raw["Message-ID"]
    assert [REPEATED in mail.raw["Subject"] for mail in (first, second)] == [False, True]


def test_a_receipt_says_accepted_with_the_servers_queue_id(simulator, channel, service_with):
    result = service_with(channel).send_notification(ALERT).results["email"]
    receipts = [each.receipt for each in result.recipients]

    assert {str(receipt.state) for receipt in receipts} == {"accepted"}
    assert {receipt.provider_id for receipt in receipts} == {mail.provider_id for mail in simulator.received()}


def test_a_message_that_is_refused_is_sent_once_more_as_plain_text(simulator, channel_to, service_with):
    simulator.fail(Fault("refused_payload", address="ops@example.com"))
    result = service_with(channel_to(simulator, to=["ops@example.com"])).send_notification(ALERT).results["email"]

    assert result.success
    assert [mail.raw.get_content_type() for mail in simulator.received()] == ["text/plain"]


@pytest.mark.parametrize("kind", ["unauthorized", "refused_recipient"])
def test_what_must_not_be_tried_again_is_tried_once(kind, simulator, channel_to, service_with):
    simulator.fail(kind)
    result = service_with(channel_to(simulator, to=["ops@example.com"])).send_notification(ALERT).results["email"]

    assert [len(each.attempts) for each in result.recipients] == [1]
    assert simulator.received() == []


def test_alerts_about_the_same_thing_are_one_thread_for_each_recipient(simulator, channel, service_with):
    service = service_with(channel)
    for status in ("firing", "resolved", "firing"):
        service.send_notification(Alert(title="Disk full", message="", dedup_key="disk-1", status=status))
    mails = mails_to(simulator, "ops@example.com")
    roots = {mail.raw["References"].split()[0] for mail in mails}
    others = {mail.raw["References"].split()[0] for mail in mails_to(simulator, "desk@example.com")}

    assert len(mails) == 3
    assert len({mail.raw["Message-ID"] for mail in mails}) == 3
    assert len(roots) == 1
    assert roots.isdisjoint(others)
    assert [mail.raw["In-Reply-To"] for mail in mails[1:]] == [mail.raw["Message-ID"] for mail in mails[:-1]]
