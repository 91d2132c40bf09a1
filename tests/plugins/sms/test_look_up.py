"""A message that may have been sent is looked for before it is sent again, since Twilio knows no idempotency key."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import jsonschema
import pytest
from twilio.rest import Client

from tocsin import DeliveryTimeout, NotificationConfig, NotificationService, Outcome
from tocsin.rendering import REPEATED
from tocsin.testing import Answer, FaultKind
from tocsin_sms.earlier import PAGE_SIZE

TRIAL = "Sent from your Twilio trial account - "


@pytest.fixture
def lost(simulator, refused):
    """Send an alert whose answer gets lost: Twilio has the message, and the channel cannot know."""

    def call(what, **values):
        simulator.fail(FaultKind.LOST_ANSWER)
        refused(what, **values)
        return simulator.received()[-1]

    return call


@pytest.fixture
def listing(simulator, monkeypatch):
    """Let the list of messages be answered like this."""
    usual = simulator.other

    def call(answer):
        wrong = answer if isinstance(answer, Answer) else Answer(200, json.dumps(answer).encode())
        monkeypatch.setattr(simulator, "other", lambda request: wrong if "Messages" in request.path else usual(request))

    return call


def entry(**changes):
    """A message of the list, as Twilio has it."""
    usual = {
        "sid": "SM0",
        "status": "sent",
        "num_segments": "1",
        "body": "HIGH: Disk full\n/var is at 98 %",
        "date_created": datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000"),
    }
    return usual | changes


def test_a_message_that_twilio_has_is_not_sent_again(simulator, alert, lost, send):
    what = alert()
    first = lost(what)
    receipt = send(what, attempt=2, repeated=True)

    assert [message.provider_id for message in simulator.received()] == [first.provider_id]
    assert (receipt.state, receipt.provider_id) == ("accepted", first.provider_id)
    assert dict(receipt.details) == {"segments": 1, "encoding": "GSM-7", "status": "queued"}


def test_a_first_attempt_looks_for_nothing(simulator, send):
    send()

    assert [request.method for request in simulator.requests] == ["POST"]


def test_without_an_earlier_message_the_copy_is_sent_and_marked(simulator, send):
    send(attempt=2, repeated=True)

    assert [message.text.startswith(REPEATED) for message in simulator.received()] == [True]


def test_it_can_be_switched_off(simulator, channel_to, alert, lost, send):
    what = alert()
    lost(what)
    send(what, by=channel_to(look_up=False), attempt=2, repeated=True)

    assert [REPEATED in message.text for message in simulator.received()] == [False, True]
    assert {request.method for request in simulator.requests} == {"POST"}


@pytest.mark.parametrize("values", [{"plain": True}, {"repeated": True}, {"plain": True, "repeated": True}])
def test_each_form_of_the_alert_is_recognised(simulator, alert, lost, send, values):
    what = alert()
    first = lost(what, **values)

    assert send(what, attempt=3, repeated=True).provider_id == first.provider_id


@pytest.mark.parametrize(("emoji", "text"), [(False, "HIGH: Disk full"), (True, "HIGH: 🚨 Disk full")])
def test_the_text_is_looked_for_as_it_was_sent(simulator, channel_to, alert, lost, send, emoji, text):
    """With or without the alert's emoji, as the setting has it."""
    channel, what = channel_to(emoji=emoji), alert(title="🚨 Disk full", message="", data={})
    first = lost(what, by=channel)

    assert first.text.startswith(text)
    assert send(what, by=channel, attempt=2, repeated=True).provider_id == first.provider_id


@pytest.mark.parametrize("code", [20500, 20503, None])
def test_a_5xx_is_looked_up_since_nothing_says_that_no_message_was_created(simulator, alert, code):
    simulator.script(503 if code != 20500 else 500, code, "Service is unavailable")
    settings = simulator.settings() | {"rate_limit": 0, "to": [simulator.addresses()[0]]}
    config = NotificationConfig.from_mapping({"channels": {"sms": settings}, "delivery": {"retry_delay": 0}})
    with NotificationService(config) as service:
        report = service.send_notification(alert())

    assert report.is_complete
    assert [request.method for request in simulator.requests] == ["POST", "GET", "POST"]
    assert [REPEATED in message.text for message in simulator.received()] == [True]


def test_what_has_arrived_meanwhile_is_delivered(simulator, alert, lost, send):
    what = alert()
    simulator.callback("https://example.com", lost(what).provider_id, "delivered")
    receipt = send(what, attempt=2, repeated=True)

    assert (receipt.state, receipt.details["status"]) == ("delivered", "delivered")


@pytest.mark.parametrize("status", ["failed", "undelivered", "canceled"])
def test_what_twilio_gave_up_is_sent_again(simulator, alert, lost, send, status):
    what = alert()
    first = lost(what)
    simulator.callback("https://example.com", first.provider_id, status, 30008)

    assert send(what, attempt=2, repeated=True).provider_id != first.provider_id


def test_the_message_of_another_alert_with_the_same_text_is_left_to_it(simulator, alert, send):
    """Same words, another event: its own text is due."""
    first = send(alert())
    second = send(alert(), attempt=2, repeated=True)

    assert first.provider_id != second.provider_id


def test_two_lost_alerts_with_the_same_text_find_one_message_each(simulator, alert, lost, send):
    one, other = alert(), alert()
    lost(one), lost(other)
    found = {send(what, attempt=2, repeated=True).provider_id for what in (one, other)}

    assert found == {message.provider_id for message in simulator.received()}
    assert len(found) == 2


@pytest.mark.parametrize(("age", "found"), [(-300, True), (0, True), (50, True), (70, False), (3600, False)])
def test_a_message_from_before_the_alert_is_another_ones(listing, alert, send, age, found):
    listing({"messages": [entry()]})
    what = alert(created_at=datetime.now(UTC) + timedelta(seconds=age))

    assert (send(what, attempt=2, repeated=True).provider_id == "SM0") is found


def test_another_number_is_not_looked_at(simulator, alert, lost, send):
    what = alert()
    first = lost(what, to=0)

    assert send(what, to=1, attempt=2, repeated=True).provider_id != first.provider_id


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{TRIAL}HIGH: Disk full\n/var is at 98 %", True),
        ("HIGH: Disk full\n/var is at 98 %\n", True),
        ("HIGH: Disk full\n/var is at 99 %", False),
        ("xHIGH: Disk full\n/var is at 98 %", False),
    ],
)
def test_what_twilio_puts_before_a_text_does_not_hide_it(listing, alert, send, text, found):
    listing({"messages": [entry(body=text)]})

    assert (send(alert(), attempt=2, repeated=True).provider_id == "SM0") is found


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"messages": None},
        {"messages": [5, None, {}]},
        {"messages": [entry(body=5), entry(sid=None), entry(date_created="soon"), entry(date_created=5)]},
        {"messages": [entry(date_created="Mon, 99 Nov 2026 25:00:00 +0000"), entry(body="")]},
        Answer(200, b"<html>"),
        Answer(206, b'{"messages": []}'),
        Answer(302),
        Answer(401, b'{"code": 20003}'),
        Answer(404),
        Answer(500),
        Answer(503),
    ],
)
def test_where_nothing_can_be_looked_up_the_marked_copy_is_sent(simulator, listing, send, answer):
    """Rather twice than never; a restricted API key may send without being allowed to look."""
    listing(answer)
    send(attempt=2, repeated=True)

    assert [message.text.startswith(REPEATED) for message in simulator.received()] == [True]


@pytest.mark.parametrize("status", ["a-new-word", ""])
def test_a_status_that_nobody_knows_yet_is_not_repeated(listing, alert, send, status):
    listing({"messages": [entry(status=status)]})

    assert "status" not in send(alert(), attempt=2, repeated=True).details


def test_too_many_requests_hold_the_copy_back_too(simulator, listing, refused):
    listing(Answer(429, b'{"code": 20429}', {"Retry-After": "7"}))
    error = refused(attempt=2, repeated=True)

    assert (error.kind, error.retry_after) == ("rate_limited", 7.0)
    assert simulator.received() == []


def test_a_look_up_that_took_all_the_time_leaves_the_outcome_unknown(simulator, channel, context, alert, monkeypatch):
    """There is no time left for the copy, either; the next attempt looks again."""

    class Over:
        def remaining(self):
            return 0.0

    monkeypatch.setattr(simulator, "other", lambda request: Answer(200, b"<html>"))
    with pytest.raises(DeliveryTimeout) as caught:
        channel.send(alert(), channel.recipients[0], context(Over(), attempt=2, repeated=True))

    assert caught.value.outcome is Outcome.UNKNOWN
    assert simulator.received() == []


def test_the_look_up_is_twilios_own(simulator, send, schemas):
    """The same request as the stock client makes, and an answer as it is documented."""
    send(attempt=2, repeated=True)
    settings = simulator.settings()
    client = Client(settings["account_sid"], settings["auth_token"])
    client.api.base_url = simulator.url
    client.messages.page(to="+15005550010", page_size=PAGE_SIZE)
    client.http_client.session.close()

    ours, _, stock = simulator.requests
    assert (ours.method, ours.path, dict(ours.query)) == (stock.method, stock.path, dict(stock.query))
    assert dict(ours.query) == {"To": "+15005550010", "PageSize": str(PAGE_SIZE)}
    for name in ("Authorization", "Accept", "User-Agent"):
        assert ours.headers[name] == stock.headers[name]
    (listed,) = json.loads(simulator.other(stock).body)["messages"]
    jsonschema.validate(listed, schemas["message"])
    assert dict(parse_qsl(simulator.requests[1].body.decode()))["To"] == "+15005550010"


def test_a_page_of_long_messages_fits_into_one_answer():
    """Answers are read to 64 kB, and in JSON a letter beyond ASCII takes six bytes; here each has five segments."""
    fields = {"uri": "/2010-04-01/Accounts/AC0/Messages/SM0.json" * 2, "more": "x" * 900}
    page = {"messages": [entry(body="я" * 335, **fields)] * PAGE_SIZE}

    assert len(json.dumps(page)) < 65_536
