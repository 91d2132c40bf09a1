"""A status callback is believed where Twilio signed it, and says how far its message has come."""

import hashlib
import itertools
import json
import pathlib
import re
import types
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

import tocsin_sms
from tocsin import NotificationConfig, NotificationService, ReceiptUpdate, Secret, TocsinError
from tocsin_sms import CallbackError, InvalidSignature, SmsChannel, parse_callback
from tocsin_sms.errors import CODES
from tocsin_sms.signature import is_signed

VECTORS = json.loads((pathlib.Path(__file__).parent / "twilio_signature_vectors.json").read_text(encoding="utf-8"))[
    "vectors"
]
URL = "https://example.com/twilio"
TOKEN = "canary-token"
SID = "SM00000000000000000000000000000001"
NUMBER = "+15005550010"
FORM = {"MessageSid": SID, "MessageStatus": "delivered", "To": NUMBER, "From": "+15005550006", "AccountSid": "AC1"}
PENDING = ["accepted", "scheduled", "queued", "sending", "sent"]
LOST = ["failed", "undelivered", "canceled"]


def signed(form, url=URL, token=TOKEN):
    """What Twilio's own library signs the form with."""
    return RequestValidator(token).compute_signature(url, form)


def parsed(url=URL, **changes):
    form = {name: value for name, value in (FORM | changes).items() if value is not None}
    return parse_callback(url, form, signed(form, url), auth_token=TOKEN)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["url"])
def test_twilios_own_signatures_are_right(vector):
    fields = {name: [value] for name, value in vector["params"].items()}

    assert is_signed(vector["url"], fields, vector["X-Twilio-Signature"], vector["auth_token"])
    assert not is_signed(vector["url"], fields, vector["X-Twilio-Signature"], vector["auth_token"] + "x")
    assert not is_signed(vector["url"] + "x", fields, vector["X-Twilio-Signature"], vector["auth_token"])
    assert not is_signed(vector["url"], fields | {"x": ["y"]}, vector["X-Twilio-Signature"], vector["auth_token"])


@given(
    st.dictionaries(st.text(max_size=9).filter(str.isprintable), st.text(max_size=20), max_size=6),
    st.sampled_from(
        ["https://example.com/cb", "http://user:pass@example.com:8080/a?b=c%20d", "https://[2001:db8::1]/x"]
    ),
    st.text("abc", min_size=1),
)
def test_whatever_twilios_library_signs_is_signed_here(form, url, token):
    signature = signed(form, url, token)
    fields = {name: [value] for name, value in form.items()}

    assert is_signed(url, fields, signature, token)
    assert not is_signed(url, fields, signature[:-2] + "A=" if signature[-2] != "A" else "B=", token)


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ("https://example.com/cb?a=1", "https://example.com:443/cb?a=1"),
        ("https://example.com:443/cb?a=1", "https://example.com/cb?a=1"),
        ("http://example.com/cb", "http://example.com:80/cb"),
        ("http://example.com:80/cb", "http://example.com/cb"),
        ("https://example.com/cb", "https://example.com:8443/cb"),
        ("https://example.com:8443/cb", "https://example.com:8443/cb"),
        ("https://example.com/cb", "https://example.com/cb#rc=3&rp=all"),
        ("https://user:pass@example.com/cb", "https://user:pass@example.com:443/cb"),
        ("https://[2001:db8::1]/cb", "https://[2001:db8::1]:443/cb"),
        ("https://example.com", "https://example.com:443"),
    ],
)
def test_the_url_is_tried_with_and_without_its_port_and_fragment(told, asked):
    assert parse_callback(asked, FORM, signed(FORM, told), auth_token=TOKEN).state == "delivered"


@pytest.mark.parametrize(
    "asked",
    [
        "https://example.org/twilio",
        "http://example.com/twilio",
        "https://example.com/twilio/",
        "https://example.com/twilio?",
        "https://example.com/Twilio",
        "no url",
        "",
    ],
)
def test_another_url_is_refused(asked):
    with pytest.raises(InvalidSignature):
        parse_callback(asked, FORM, signed(FORM), auth_token=TOKEN)


@pytest.mark.parametrize(
    ("form", "signature"),
    [
        (FORM, "x"),
        (FORM, ""),
        (FORM, None),
        (FORM, "é\udc80"),
        (FORM, signed(FORM, token="another")),
        (FORM | {"MessageStatus": "failed"}, signed(FORM)),
        (FORM | {"ErrorCode": "30003"}, signed(FORM)),
        ({"MessageSid": SID, "MessageStatus": "delivered"}, signed(FORM)),
        ({}, signed(FORM)),
    ],
)
def test_a_wrong_signature_is_refused_and_nothing_is_repeated(form, signature):
    with pytest.raises(InvalidSignature) as caught:
        parse_callback(URL, form, signature, auth_token=TOKEN)

    assert isinstance(caught.value, TocsinError)
    assert not any(word in repr(caught.value) for word in (NUMBER, TOKEN, SID, "example.com", signed(FORM)))


def test_a_signature_under_an_empty_token_proves_nothing():
    with pytest.raises(InvalidSignature):
        parse_callback(URL, FORM, signed(FORM, token=""), auth_token="")


@pytest.mark.parametrize(
    "form",
    [FORM, list(FORM.items()), urlencode(FORM), urlencode(FORM).encode()],
    ids=["mapping", "pairs", "text", "body"],
)
@pytest.mark.parametrize("token", [TOKEN, Secret(TOKEN)], ids=["text", "secret"])
def test_the_form_may_come_as_mapping_pairs_or_body(form, token):
    assert parse_callback(URL, form, signed(FORM), auth_token=token).provider_id == SID


def test_blank_fields_are_part_of_what_is_signed():
    form = FORM | {"ErrorMessage": ""}

    assert parse_callback(URL, urlencode(form), signed(form), auth_token=TOKEN).state == "delivered"


def test_fields_that_twilio_adds_later_are_signed_and_left_alone():
    assert parsed(RawDlrDoneDate="2611230930", ChannelPrefix="sms", Zukunft="ü€漢").details == {"status": "delivered"}


@pytest.mark.parametrize("body", [json.dumps(FORM), json.dumps(FORM).encode()])
def test_a_body_in_json_is_signed_by_its_hash(body):
    raw = body if isinstance(body, bytes) else body.encode()
    url = f"{URL}?bodySHA256={hashlib.sha256(raw).hexdigest()}"

    assert parse_callback(url, body, signed({}, url), auth_token=TOKEN).provider_id == SID
    with pytest.raises(InvalidSignature):
        parse_callback(url, body + body[:1], signed({}, url), auth_token=TOKEN)
    with pytest.raises(InvalidSignature):
        parse_callback(f"{URL}?bodySHA256=0", body, signed({}, url), auth_token=TOKEN)


@pytest.mark.parametrize("body", ["[]", "{", "x", "[" * 5000])
def test_a_signed_body_that_is_no_json_object_is_refused(body):
    url = f"{URL}?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    with pytest.raises(CallbackError):
        parse_callback(url, body, signed({}, url), auth_token=TOKEN)


@pytest.mark.parametrize("form", [5, [1], [("a",)], [("a", 1)], {"a": None}, {"a": ["b"]}])
def test_what_is_no_form_is_refused(form):
    with pytest.raises(CallbackError):
        parse_callback(URL, form, "x", auth_token=TOKEN)


@pytest.mark.parametrize("missing", ["MessageSid", "MessageStatus"])
def test_a_signed_request_that_names_no_message_or_status_is_no_status_callback(missing):
    with pytest.raises(CallbackError) as caught:
        parsed(**{missing: None})

    assert not isinstance(caught.value, InvalidSignature)
    assert NUMBER not in str(caught.value)


def test_the_names_of_the_older_api_do():
    update = parsed(MessageSid=None, MessageStatus=None, SmsSid=SID, SmsStatus="sent")

    assert (update.provider_id, update.details["status"]) == (SID, "sent")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        *((status, "accepted") for status in PENDING),
        *((status, "failed") for status in LOST),
        ("delivered", "delivered"),
        ("read", "delivered"),
    ],
)
def test_each_status_has_its_state(status, state):
    update = parsed(MessageStatus=status)

    assert (update.provider_id, update.state, update.details) == (SID, state, {"status": status})
    assert (update.error_kind is not None) is (state == "failed")


def test_a_status_that_nobody_knows_yet_changes_nothing():
    assert parsed(MessageStatus="canary-4711") == ReceiptUpdate(provider_id=SID, state="accepted", progress=0)


def test_progress_rises_along_the_way_of_a_message():
    way = ["queued", "sending", "sent", "delivered", "read"]
    progress = [parsed(MessageStatus=status).progress for status in way]

    assert progress == sorted(set(progress))
    for lost in LOST:
        assert parsed(MessageStatus="sent").progress < parsed(MessageStatus=lost).progress


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (21610, "invalid_recipient"),
        (30001, "rate_limited"),
        (30002, "auth"),
        (30003, "server"),
        (30004, "invalid_recipient"),
        (30005, "invalid_recipient"),
        (30006, "invalid_recipient"),
        (30007, "payload"),
        (30008, "server"),
        (30022, "rate_limited"),
        (30034, "config"),
        (30036, "expired"),
    ],
)
@pytest.mark.parametrize("status", LOST)
def test_the_code_of_a_failure_gives_its_kind(status, code, kind):
    update = parsed(MessageStatus=status, ErrorCode=str(code), ErrorMessage=f"canary-4711 {NUMBER}")

    assert (update.state, update.error_kind, update.provider_code) == ("failed", kind, str(code))
    assert update.hint
    assert CODES[code].words in update.error
    assert status in update.error
    assert not any(word in f"{update!r}" for word in ("canary-4711", NUMBER, "HTTP"))


@pytest.mark.parametrize("code", [None, "", "x", "-1", "٣٠٠٠٣", "1", "9" * 5000, NUMBER])
def test_a_failure_without_a_usable_code_is_still_a_failure(code):
    update = parsed(MessageStatus="undelivered", ErrorCode=code)

    assert (update.state, update.error_kind, update.provider_code) == ("failed", "payload", None)
    assert NUMBER not in update.error


def test_a_code_that_nobody_knows_yet_is_kept():
    update = parsed(MessageStatus="failed", ErrorCode="39999")

    assert (update.error_kind, update.provider_code) == ("payload", "39999")


def test_the_code_of_a_message_that_arrived_means_nothing():
    assert parsed(ErrorCode="30003").error_kind is None


@pytest.fixture
def service(simulator):
    """A service whose channel delivers to the simulator's two numbers."""
    config = NotificationConfig.from_mapping(
        {"delivery": {"retry_delay": 0.0}, "channels": {"sms": simulator.settings() | {"rate_limit": 0}}}
    )
    with NotificationService(config) as running:
        yield running


@pytest.fixture
def reported(simulator, service):
    """Let Twilio report of the message to the first number, and give what the service makes of it."""

    def call(status, code=None):
        sid = simulator.received("+15005550010")[0].provider_id
        form, signature = simulator.callback(URL, sid, status, code)
        update = parse_callback(URL, form, signature, auth_token=simulator.settings()["auth_token"])
        return service.record_receipt("sms", update)

    return call


@pytest.mark.parametrize("order", list(itertools.permutations(["queued", "sent", "delivered"])))
def test_reports_in_any_order_and_repeated_leave_the_furthest_state(service, alert, reported, order):
    service.send_notification(alert())
    results = [reported(status) for status in (*order, *order)]

    assert results[-1].state == "delivered"
    assert results[-1].receipt.details["status"] == "delivered"
    assert results[-1].receipt.details["segments"] == 1


def test_a_text_that_was_read_has_arrived(service, alert, reported):
    service.send_notification(alert())
    reported("read")
    result = reported("delivered")

    assert (result.state, result.receipt.details["status"]) == ("delivered", "read")


def test_a_number_that_does_not_exist_is_paused_once_the_carrier_says_so(simulator, service, alert, reported):
    service.send_notification(alert())
    result = reported("undelivered", 30005)
    report = service.send_notification(alert())

    assert (result.success, result.error_kind) == (False, "invalid_recipient")
    assert [len(simulator.received(to)) for to in simulator.addresses()] == [1, 2]
    assert [recipient.success for recipient in report.results["sms"].recipients] == [False, True]


def test_a_phone_that_is_off_is_not_paused(simulator, service, alert, reported):
    service.send_notification(alert())
    result = reported("undelivered", 30003)
    service.send_notification(alert())

    assert (result.success, result.error_kind) == (False, "server")
    assert [len(simulator.received(to)) for to in simulator.addresses()] == [2, 2]


def test_the_channel_says_that_there_are_receipts():
    assert SmsChannel.capabilities.receipts


def test_the_manuals_example_keeps_what_is_signed_and_refuses_the_rest(simulator, service, alert):
    (example,) = re.findall(r"```python\n(.*?)```", tocsin_sms.__doc__, re.DOTALL)
    names = {"URL": URL, "TOKEN": simulator.settings()["auth_token"], "service": service}
    exec(example, names)
    service.send_notification(alert())
    form, signature = simulator.callback(URL, simulator.received()[0].provider_id, "delivered")

    def answer(body, header):
        headers = {} if header is None else {"X-Twilio-Signature": header}
        return names["twilio_status"](types.SimpleNamespace(body=urlencode(body).encode(), headers=headers))

    assert answer(form, signature) == 204
    assert answer(form, "x") == answer(form, None) == answer(form | {"a": "b"}, signature) == 403
    assert answer({}, signed({}, token=names["TOKEN"])) == 400
