"""What providers say of messages later, and what holds for the next message after a success."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import (
    Alert,
    AuthError,
    Capabilities,
    ChannelConfigError,
    InvalidRecipient,
    Receipt,
    ReceiptUpdate,
    Recipient,
    Scope,
    ServerError,
    UnknownChannel,
    hookimpl,
)
from tocsin.dispatch.receipts import updated
from tocsin.store import Delivery


class Phone:
    """A channel that returns scripted receipts, or raises, one after the other."""

    capabilities = Capabilities(receipts=True)

    def __init__(self, *steps, kinds=("",)):
        self.steps = list(steps)
        self.calls = []
        self.recipients = tuple(
            Recipient.of(f"{kind}{number}", label=f"{kind}{number}", kind=kind) for number, kind in enumerate(kinds)
        )

    @hookimpl
    def send(self, recipient, context):
        self.calls.append((recipient.label, context))
        step = self.steps.pop(0) if self.steps else Receipt(provider_id=f"SM{len(self.calls)}")
        step = step() if callable(step) else step
        if isinstance(step, Exception):
            raise step
        return step


def alert(**fields):
    return Alert(**{"title": "Disk full", "message": "98 %"} | fields)


def the_result(report):
    (one,) = report.results["x"].recipients
    return one


def test_an_update_makes_an_accepted_delivery_delivered_in_report_and_history(make_service):
    reports = []
    service = make_service({"x": Phone()}, observers=[reports.append])
    service.send_notification(alert())
    result = service.record_receipt("x", ReceiptUpdate(provider_id="SM1", state="delivered", details={"price": "0.01"}))
    service.close()

    assert (str(result.state), result.receipt.details["price"]) == ("delivered", "0.01")
    assert str(the_result(service.get_recent_deliveries()[0]).state) == "delivered"
    assert [str(the_result(report).state) for report in reports] == ["accepted", "delivered"]


def test_a_later_failure_makes_the_channel_failed_and_is_counted_once(make_service):
    service = make_service({"x": Phone()})
    service.send_notification(alert())
    update = ReceiptUpdate(
        provider_id="SM1", state="failed", error_kind="payload", error="filtered", hint="Say less.", provider_code=30007
    )
    for _ in range(2):
        service.record_receipt("x", update)

    (report,) = service.get_recent_deliveries()
    assert (report.is_successful, report.results["x"].error) == (False, "0: filtered")
    assert the_result(report).receipt.details == {"provider_code": "30007"}
    statistics = service.get_statistics()
    assert (statistics["successful_deliveries"], statistics["failed_deliveries"]) == (0, 1)


def test_a_destination_that_turned_out_to_be_gone_is_paused(make_service):
    phone = Phone()
    service = make_service({"x": phone})
    service.send_notification(alert())
    update = ReceiptUpdate(provider_id="SM1", state="failed", error_kind="invalid_recipient", error="unknown number")
    service.record_receipt("x", update)
    report = service.send_notification(alert())

    assert len(phone.calls) == 1
    assert the_result(report).error == "not tried, the recipient is paused: unknown number"


def test_an_update_that_overtakes_the_answer_is_kept_for_it(make_service):
    service = None

    def overtaken():
        assert service.record_receipt("x", ReceiptUpdate(provider_id="SM9", state="delivered")) is None
        assert service.record_receipt("x", ReceiptUpdate(provider_id="SM9", state="accepted")) is None
        return Receipt(provider_id="SM9")

    service = make_service({"x": Phone(overtaken)})
    service.send_notification(alert())
    service.close()

    assert str(the_result(service.get_recent_deliveries()[0]).state) == "delivered"


def test_an_update_for_an_unknown_message_changes_nothing_and_an_unknown_channel_raises(make_service):
    service = make_service({"x": Phone()})

    assert service.record_receipt("x", ReceiptUpdate(provider_id="nobody", state="delivered")) is None
    with pytest.raises(UnknownChannel):
        service.record_receipt("y", ReceiptUpdate(provider_id="SM1", state="delivered"))


UPDATES = st.lists(
    st.builds(
        ReceiptUpdate,
        provider_id=st.just("SM1"),
        state=st.sampled_from(["accepted", "failed", "delivered"]),
        progress=st.integers(0, 3),
    ),
    max_size=6,
)


@given(UPDATES, st.randoms())
def test_the_furthest_state_wins_in_whatever_order_and_however_often(updates, random):
    shuffled = [*updates, *updates[:2]]
    random.shuffle(shuffled)
    ends = []
    for sequence in (updates, shuffled):
        delivery = Delivery(
            alert_id="a", channel="x", recipient_id="r", recipient="r", key="k", rank=0, due=0.0, expires=9.0,
            state="accepted", receipt=Receipt(provider_id="SM1"),
        )  # fmt: skip
        for update in sequence:
            delivery = updated(delivery, update)
        ends.append((str(delivery.state), delivery.receipt.progress))

    assert ends[0] == ends[1]


def test_a_success_may_hold_its_recipient_back_and_no_other(make_service, clock):
    phone = Phone(Receipt(hold=7.0), kinds=("a", "b"))
    service = make_service({"x": phone}, workers=1)
    service.send_notification(alert())
    began = clock.monotonic()
    service.send_notification(alert())

    assert clock.monotonic() - began == 7.0
    assert [label for label, _ in phone.calls] == ["a0", "b1", "b1", "a0"]


def test_a_credential_in_an_address_pauses_that_recipient_until_the_channel_is_enabled_again(make_service, clock):
    phone = Phone(AuthError("revoked", scope=Scope.RECIPIENT))
    service = make_service({"x": phone})
    for _ in range(3):
        report = service.send_notification(alert())
        clock.advance(3600)

    assert len(phone.calls) == 1
    assert (the_result(report).error_kind, the_result(report).error) == (
        "auth",
        "not tried, the recipient is paused: revoked",
    )
    assert [one["cause"] for one in service.get_channel_health()["x"]["circuit"]["recipients"].values()] == ["auth"]
    service.enable_channel("x")
    assert service.send_notification(alert()).is_complete


def test_a_channel_may_leave_such_a_credential_to_a_probe(make_service, clock):
    phone = Phone(AuthError("refused", scope=Scope.RECIPIENT, lasting=False))
    service = make_service({"x": phone})
    service.send_notification(alert())
    clock.advance(60)

    assert service.send_notification(alert()).is_complete


@pytest.mark.parametrize("error", [InvalidRecipient, AuthError])
def test_what_may_heal_by_itself_is_not_tried_until_a_probe_is_due(make_service, clock, error):
    phone = Phone(error("not there", scope=Scope.RECIPIENT, lasting=False))
    service = make_service({"x": phone})
    service.send_notification(alert())
    report = service.send_notification(alert())

    assert (len(phone.calls), the_result(report).error) == (1, "not tried for another 5 s: not there")
    clock.advance(6)
    assert service.send_notification(alert()).is_complete


def test_a_setting_that_forbids_the_call_tells_nothing_of_the_receiver(make_service, clock):
    phone = Phone(*[ServerError("down")] * 5, ChannelConfigError("a private address"))
    service = make_service({"x": phone}, max_retries=0)
    for _ in range(5):
        service.send_notification(alert())
    clock.advance(6)
    service.send_notification(alert())

    assert service.get_channel_health()["x"]["circuit"]["state"] == "half_open"


def test_a_credential_of_the_channel_concerns_the_recipients_of_its_kind(make_service):
    phone = Phone(AuthError("revoked"), kinds=("bot", "bot", "hook"))
    service = make_service({"x": phone}, workers=1)
    report = service.send_notification(alert())

    assert [label for label, _ in phone.calls] == ["bot0", "hook2"]
    assert [one.error_kind for one in report.results["x"].recipients] == ["auth", "auth", None]


@pytest.mark.parametrize(
    ("first", "then", "louder"),
    [
        ({"priority": "LOW"}, {"priority": "HIGH"}, True),
        ({"priority": "HIGH"}, {"priority": "LOW"}, False),
        ({}, {}, False),
        ({}, {"status": "resolved"}, False),
        ({"priority": "LOW"}, {"status": "acknowledged", "priority": "HIGH"}, False),
        ({"status": "resolved"}, {}, True),
    ],
)
def test_an_alert_is_louder_when_more_urgent_or_firing_again(make_service, first, then, louder):
    phone = Phone()
    service = make_service({"x": phone})
    for fields in (first, then):
        service.send_notification(alert(dedup_key="disk", **fields))

    assert phone.calls[1][1].previous.provider_id == "SM1"
    assert [context.louder for _, context in phone.calls] == [False, louder]
