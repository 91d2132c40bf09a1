"""Settings are checked when they are read, and no message repeats a value."""

import subprocess
import sys

import pytest

from tocsin import Scope
from tocsin.settings import Sourced, build, settings_of
from tocsin_sms import SmsChannel
from tocsin_sms.converters import CALLBACK_LIMIT

GOOD = {
    "account_sid": "AC00000000000000000000000000000009",
    "auth_token": "secret-token",
    "from_number": "+15005550006",
    "to": ["+15005550010"],
}


def problems(**changes):
    """What is wrong with the settings that a file holds; None leaves a setting out."""
    values = {name: Sourced(value, "x") for name, value in (GOOD | changes).items() if value is not None}
    return build(SmsChannel, settings_of(SmsChannel, "sms"), values)[1]


def test_settings_have_the_documented_names():
    settings = {item.name: item for item in settings_of(SmsChannel, "sms")}

    assert {name: item.env for name, item in settings.items()} == {
        "account_sid": "TWILIO_ACCOUNT_SID",
        "auth_token": "TWILIO_AUTH_TOKEN",
        "api_key_sid": "TWILIO_API_KEY_SID",
        "api_key_secret": "TWILIO_API_KEY_SECRET",
        "to": "SMS_TO",
        "from_number": "TWILIO_FROM_NUMBER",
        "messaging_service_sid": "TWILIO_MESSAGING_SERVICE_SID",
        "max_segments": "SMS_MAX_SEGMENTS",
        "emoji": "SMS_EMOJI",
        "validity_period": "SMS_VALIDITY_PERIOD",
        "smart_encoded": "SMS_SMART_ENCODED",
        "status_callback": "TWILIO_STATUS_CALLBACK",
        "look_up": "SMS_LOOK_UP",
        "api_url": "TWILIO_API_URL",
    }
    assert [name for name, item in settings.items() if item.secret] == [
        "auth_token",
        "api_key_secret",
        "status_callback",
    ]
    assert [name for name, item in settings.items() if item.required] == ["account_sid", "to"]
    assert (settings["max_segments"].default, settings["api_url"].default) == (1, "https://api.twilio.com")


@pytest.mark.parametrize("number", ["+1234567", "+14155550123", "+123456789012345", "+442071838750"])
def test_e164_numbers_are_taken(number):
    assert problems(to=[number], from_number=number) == []


@pytest.mark.parametrize(
    "number",
    [
        "+0987654321",
        "14155550199",
        "004915112345678",
        "+1 415 555 0199",
        "+123456",
        "+1234567890123456",
        "+1415555012x",
        "+٣٣٣٣٣٣٣٣",
    ],
)
def test_anything_else_is_refused_without_being_repeated(number):
    (problem,) = problems(to=["+15005550010", number])

    assert problem.message.startswith("to item 2 must be a number in E.164 form")
    assert number not in problem.message


@pytest.mark.parametrize("sender", ["12345", "ACME Alerts", "A", "A-1 B_2&C+3"])
def test_short_codes_and_sender_names_are_taken(sender):
    assert problems(from_number=sender) == []


@pytest.mark.parametrize("sender", ["+0123456789", "ACME Alerts 1", "ÄCME", "1234567890", "a.b", ""])
def test_other_senders_are_refused(sender):
    assert len(problems(from_number=sender)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"account_sid": "SK00000000000000000000000000000009"},
        {"account_sid": "AC/../x"},
        {"messaging_service_sid": "AC00000000000000000000000000000009"},
        {"max_segments": 0},
        {"max_segments": 11},
        {"validity_period": 0},
        {"validity_period": 36_001},
        {"api_key_sid": "AC00000000000000000000000000000009"},
        {"api_key_sid": "SK1:x"},
        {"smart_encoded": "perhaps"},
        {"look_up": "perhaps"},
        {"api_url": "api.twilio.com"},
    ],
)
def test_wrong_values_are_refused_without_being_repeated(changes):
    ((name, value),) = changes.items()
    (problem,) = problems(**changes)

    assert problem.message.startswith(f"{name} ")
    assert str(value) not in problem.message or isinstance(value, int)


@pytest.mark.parametrize("changes", [{"max_segments": "10"}, {"validity_period": "36000"}, {"validity_period": 1}])
def test_the_ends_of_a_range_belong_to_it(changes):
    assert problems(**changes) == []


def test_a_messaging_service_takes_the_place_of_the_sender():
    assert problems(from_number=None, messaging_service_sid="MG00000000000000000000000000000009") == []


def test_an_api_key_takes_the_place_of_the_auth_token():
    assert problems(auth_token=None, api_key_sid="SK00000000000000000000000000000009", api_key_secret="x") == []


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/twilio?alert=1#rc=3",
        "http://example.com",
        "https://user:pass@alerts.example.co.uk:8443/a_b",
        "https://8.8.8.8/twilio",
        "https://[2606:4700::1111]/twilio",
        "https://example.com/" + "a" * (CALLBACK_LIMIT - 20),
    ],
)
def test_a_public_url_may_take_status_callbacks(url):
    assert problems(status_callback=url) == []
    assert url not in repr(SmsChannel(**GOOD, status_callback=url))


@pytest.mark.parametrize(
    "url",
    [
        "https://my_host.example.com/twilio",
        "https://localhost/twilio",
        "https://alerts.localhost/twilio",
        "https://alerts/twilio",
        "https://printer.local/twilio",
        "https://127.0.0.1/twilio",
        "https://10.0.0.7/twilio",
        "https://[::1]/twilio",
        "https://169.254.169.254/latest",
        "ftp://example.com/twilio",
        "example.com/twilio",
        "https://example.com/a b",
        "https://example.com/" + "a" * (CALLBACK_LIMIT - 19),
        "",
    ],
)
def test_a_url_that_twilio_cannot_reach_is_refused_without_being_repeated(url):
    (problem,) = problems(status_callback=url)

    assert problem.message.startswith("status_callback ")
    assert not url or url not in problem.message


@pytest.mark.parametrize(
    "changes",
    [
        {"from_number": None},
        {"to": ""},
        {"auth_token": None},
        {"auth_token": None, "api_key_sid": "SK00000000000000000000000000000009"},
        {"api_key_secret": "canary-4711"},
    ],
)
def test_without_sender_number_or_credentials_the_channel_is_unconfigured(changes):
    assert [problem.missing for problem in problems(**changes)] == [True]


def test_the_token_and_the_numbers_are_not_shown():
    channel = SmsChannel(**GOOD)

    assert GOOD["auth_token"] not in repr(channel)
    assert "5550010" not in repr(channel)
    assert [recipient.label for recipient in channel.recipients] == ["+1…10"]


def test_the_rate_is_that_of_a_long_code():
    """One segment a second for all recipients together, since they share the sender."""
    capabilities = SmsChannel.capabilities

    assert (capabilities.rate_limit, capabilities.rate_scope) == (1.0, Scope.CHANNEL)


def test_a_configured_channel_has_not_loaded_twilio():
    """Twilio's client takes a third of a second to load; only the first send pays for it."""
    code = f"import sys, tocsin_sms; tocsin_sms.SmsChannel(**{GOOD!r}); print('twilio' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\n"
