"""What goes to Twilio, and what comes back."""

import json
import threading
from urllib.parse import parse_qsl, urlencode

import jsonschema
import pytest
from twilio.rest import Client

from tocsin import DeliveryTimeout, Outcome
from tocsin.rendering import REPEATED
from tocsin.testing import Answer, Fault, FaultKind, Request
from tocsin_sms import SmsChannel

CALLBACK = "https://alerts.example.com/twilio?a=1#rc=3"
SERVICE = "MG00000000000000000000000000000001"


def test_a_message_goes_to_its_number_alone_and_its_sid_is_kept(simulator, send):
    receipt = send(to=1)

    (received,) = simulator.received()
    assert (received.address, received.text) == ("+15005550011", "HIGH: Disk full\n/var is at 98 %")
    assert (receipt.state, receipt.provider_id) == ("accepted", received.provider_id)
    assert dict(receipt.details) == {"segments": 1, "encoding": "GSM-7", "status": "queued"}


def test_the_request_and_the_answer_are_the_documented_ones(simulator, channel_to, send, forms, schemas):
    send()
    send(
        by=channel_to(messaging_service_sid=SERVICE, validity_period=600, smart_encoded=True, status_callback=CALLBACK)
    )

    first, second = forms()
    assert set(first) == {"To", "From", "Body"}
    assert (second["MessagingServiceSid"], second["ValidityPeriod"]) == (SERVICE, "600")
    assert (second["SmartEncoded"], second["StatusCallback"]) == ("true", CALLBACK)
    for form in (first, second):
        jsonschema.validate(form, schemas["create_message"])
        created = simulator.accept(request(form), simulator.received()[0])
        jsonschema.validate(json.loads(created.body), schemas["message"])


def request(form):
    return Request("POST", "/", {}, {}, urlencode(form).encode())


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        ({}, {"from_": "+15005550006"}),
        (
            {"from_number": None, "messaging_service_sid": SERVICE, "validity_period": 36_000, "smart_encoded": False},
            {"messaging_service_sid": SERVICE, "validity_period": 36_000, "smart_encoded": False},
        ),
        ({"status_callback": CALLBACK}, {"from_": "+15005550006", "status_callback": CALLBACK}),
    ],
)
def test_the_wire_format_is_that_of_twilios_own_client(simulator, channel_to, send, settings, fields):
    """The same message through the stock client makes the same request."""
    send(by=channel_to(**settings))
    known = simulator.settings()
    client = Client(known["account_sid"], known["auth_token"])
    client.api.base_url = simulator.url
    client.messages.create(to="+15005550010", body="HIGH: Disk full\n/var is at 98 %", **fields)
    client.http_client.session.close()

    ours, stock = simulator.requests
    same_request(ours, stock)


def test_an_api_key_authenticates_as_in_twilios_own_client(simulator, send):
    settings = simulator.key_settings()
    send(by=SmsChannel(**settings))
    client = Client(settings["api_key_sid"], settings["api_key_secret"], settings["account_sid"])
    client.api.base_url = simulator.url
    client.messages.create(to="+15005550010", from_="+15005550006", body="HIGH: Disk full\n/var is at 98 %")
    client.http_client.session.close()

    assert len(simulator.received()) == 2
    same_request(*simulator.requests)


def same_request(ours, stock):
    assert (ours.method, ours.path, ours.query) == (stock.method, stock.path, stock.query)
    assert sorted(parse_qsl(ours.body.decode())) == sorted(parse_qsl(stock.body.decode()))
    for name in ("Authorization", "Content-Type", "Accept", "User-Agent", "X-Twilio-Client"):
        assert ours.headers[name] == stock.headers[name]


@pytest.mark.parametrize(
    ("left", "period"), [(1.0, "3600"), (3600.0, "3600"), (3600.5, "3601"), (36_000.0, "36000"), (86_400.0, "36000")]
)
def test_a_text_is_given_up_at_the_alerts_end_but_not_within_an_hour(send, forms, left, period):
    send(patience=left)

    assert forms()[0]["ValidityPeriod"] == period


@pytest.mark.parametrize("period", [1, 36_000])
def test_a_validity_period_that_was_set_is_kept(channel_to, send, forms, period):
    send(by=channel_to(validity_period=period), patience=5000.0)

    assert forms()[0]["ValidityPeriod"] == str(period)


def test_region_and_edge_are_not_read_from_the_environment(simulator, send, monkeypatch):
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC_other")
    send()

    assert simulator.requests[0].path.startswith("/2010-04-01/Accounts/AC0000")


def test_a_base_address_with_a_path_is_kept(simulator, channel_to, refused):
    assert refused(by=channel_to(api_url=f"{simulator.url}/proxy/")).kind == "auth"
    assert simulator.requests[0].path == "/proxy/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json"


def test_twilio_is_set_up_once_for_all_sends(channel, send):
    send()
    gateway = channel._gateway
    send(to=1)

    assert channel._gateway is gateway


@pytest.mark.parametrize(("limit", "segments"), [(1, 1), (3, 3), (10, 7)])
def test_segments_are_limited_and_counted_on_the_receipt(channel_to, send, alert, limit, segments):
    receipt = send(alert(message="x" * 1000), by=channel_to(max_segments=limit))

    assert receipt.details["segments"] == segments


def test_the_encoding_is_on_the_receipt(send, alert):
    assert send(alert(title="Стоп")).details["encoding"] == "UCS-2"


def test_a_messaging_service_that_counts_later_leaves_our_count(channel_to, send, alert):
    receipt = send(alert(message="x" * 200), by=channel_to(messaging_service_sid=SERVICE, max_segments=2))

    assert dict(receipt.details) == {"segments": 2, "encoding": "GSM-7", "status": "accepted"}


def test_the_simpler_form_is_sent_when_asked_for(simulator, send):
    send(plain=True)

    assert simulator.received()[0].text == "HIGH: Disk full"


def test_a_copy_that_may_be_the_second_one_is_marked(simulator, send):
    send(repeated=True)

    assert simulator.received()[0].text.startswith(f"{REPEATED} HIGH: ")


@pytest.mark.parametrize("kind", [FaultKind.GARBAGE, FaultKind.HALF_ANSWER, FaultKind.OVERSIZE, FaultKind.LOST_ANSWER])
def test_an_answer_that_nobody_can_read_leaves_the_outcome_unknown(simulator, refused, kind):
    simulator.fail(kind)

    assert refused().outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sid": None, "status": "queued"},
        {"sid": "SM1"},
        {"sid": 1, "status": "queued"},
        {"sid": "SM1", "status": 2},
    ],
)
def test_a_created_message_without_sid_or_status_is_no_proof(simulator, refused, monkeypatch, body):
    monkeypatch.setattr(simulator, "accept", lambda *_: Answer(201, json.dumps(body).encode()))
    error = refused()

    assert isinstance(error, DeliveryTimeout)
    assert (error.outcome, error.status_code) == (Outcome.UNKNOWN, 201)


@pytest.mark.parametrize(
    "fields", [{"date_created": 5}, {"num_segments": None}, {"num_segments": [1]}, {"error_code": {}}, {"price": {}}]
)
def test_odd_fields_that_are_not_needed_do_no_harm(simulator, send, fields):
    simulator.script(201, None, **fields)

    assert send().provider_id == "SM0"


@pytest.mark.parametrize("status", ["accepted", "scheduled", "queued", "sending", "sent", "a-new-word"])
def test_a_created_message_on_its_way_is_accepted(simulator, send, status):
    simulator.script(201, None, status=status)
    receipt = send()

    assert receipt.state == "accepted"
    assert receipt.details.get("status", "a-new-word") == status
    assert (receipt.progress > 0) is (status != "a-new-word")


@pytest.mark.parametrize("status", ["failed", "undelivered", "canceled"])
@pytest.mark.parametrize(
    ("code", "kind"), [(30007, "payload"), (30006, "invalid_recipient"), (None, "payload"), (12345, "payload")]
)
def test_a_message_created_as_lost_is_a_failure(simulator, refused, status, code, kind):
    simulator.script(201, None, status=status, error_code=code)
    error = refused()

    assert (error.kind, error.status_code) == (kind, 201)
    assert status in error.message


def test_one_faulty_number_does_not_touch_the_other(simulator, send, refused):
    simulator.fail(Fault("refused_recipient", address="+15005550010", times=0))

    assert refused(to=0).kind == "invalid_recipient"
    assert send(to=1).provider_id


def test_threads_share_a_channel(simulator, send):
    failures = []

    def work(to):
        try:
            for _ in range(5):
                send(to=to)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number % 2,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len({message.provider_id for message in simulator.received()}) == 40
    assert [len(simulator.received(address)) for address in simulator.addresses()] == [20, 20]
