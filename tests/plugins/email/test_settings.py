"""How the channel is configured, and what is refused before the first mail."""

import pytest

from tocsin.settings import MissingSetting, Sourced, build, settings_of
from tocsin_email import EmailChannel

LEAST = {"host": "smtp.example.com", "from_email": "alerts@example.com", "to": ["ops@example.com"]}


def channel(**changes):
    return EmailChannel(**(LEAST | changes))


@pytest.mark.parametrize(
    ("name", "env", "kind", "required"),
    [
        ("host", "SMTP_HOST", "string", True),
        ("port", "SMTP_PORT", "integer", False),
        ("username", "SMTP_USERNAME", "string", False),
        ("password", "SMTP_PASSWORD", "string", False),
        ("from_email", "SMTP_FROM_EMAIL", "string", True),
        ("to", "EMAIL_TO", "array", True),
        ("tls", "SMTP_TLS", "string", False),
        ("ca_file", "SMTP_CA_FILE", "string", False),
        ("client_cert_file", "SMTP_CLIENT_CERT_FILE", "string", False),
        ("client_key_file", "SMTP_CLIENT_KEY_FILE", "string", False),
        ("client_key_password", "SMTP_CLIENT_KEY_PASSWORD", "string", False),
        ("auth", "SMTP_AUTH", "string", False),
        ("ehlo_name", "SMTP_EHLO_NAME", "string", False),
        ("subject_prefix", "EMAIL_SUBJECT_PREFIX", "string", False),
    ],
)
def test_each_setting_has_its_environment_name(name, env, kind, required):
    setting = {item.name: item for item in settings_of(EmailChannel, "email")}[name]

    assert (setting.env, setting.kind, setting.required) == (env, kind, required)
    assert setting.help
    assert setting.secret is (name in ("password", "client_key_password"))


def test_smtp_from_is_a_keyword_for_the_sender():
    (sender,) = [item for item in settings_of(EmailChannel, "email") if item.name == "from_email"]

    assert "smtp_from" in sender.keywords


def test_values_from_the_environment_are_strings_and_lists_have_commas():
    raw = LEAST | {"port": "2525", "to": "b@example.com, c@example.com"}
    values = {name: Sourced(value, name) for name, value in raw.items()}
    made, problems = build(EmailChannel, settings_of(EmailChannel, "email"), values)

    assert problems == []
    assert made.port == 2525
    assert [recipient.address.reveal() for recipient in made.recipients] == ["b@example.com", "c@example.com"]


def test_the_default_is_starttls_on_port_587():
    assert (channel().port, channel().tls) == (587, "starttls")


def test_one_address_written_twice_is_one_recipient():
    made = channel(to=["Ops <ops@example.com>", "ops@EXAMPLE.com", "ops@example.com"])

    assert [recipient.address.reveal() for recipient in made.recipients] == ["ops@example.com"]


def test_a_recipient_is_shown_masked():
    (recipient,) = channel().recipients

    assert recipient.label == "o…@example.com"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"to": []}, "to is empty"),
        ({"username": "alerts"}, "belong together"),
        ({"password": "canary"}, "belong together"),
    ],
)
def test_what_is_missing_is_named(changes, words):
    with pytest.raises(MissingSetting, match=words):
        channel(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tls": "maybe"}, "must be one of starttls, implicit, none"),
        ({"tls": "start-tls"}, "did you mean 'starttls'"),
        ({"auth": "cram-md5"}, "must be one of auto"),
        ({"port": 0}, "between 1 and 65535"),
        ({"port": 65_536}, "between 1 and 65535"),
        ({"port": "canary"}, "whole number"),
        ({"port": 465}, 'set tls = "implicit"'),
        ({"tls": "none", "port": 465}, 'set tls = "implicit"'),
        ({"tls": "implicit"}, "set port = 465"),
        ({"host": "canary:25"}, "without a port"),
        ({"from_email": "canary"}, "must be a mail address"),
        ({"to": ["a@example.com", "canary"]}, "item 2 must be a mail address"),
        ({"to": "a@example.com\r\nBcc: canary@example.com"}, "must not hold control characters"),
        ({"from_email": "canary\n <a@example.com>"}, "must not hold control characters"),
        ({"ca_file": "/canary/ca.pem"}, "ca_file cannot be read"),
        ({"subject_prefix": "canary" * 11}, "at most 60"),
        ({"ehlo_name": "canary@x"}, "must be a host name"),
        ({"tls": "none", "username": "canary", "password": "canary"}, "would show username and password"),
    ],
)
def test_what_cannot_be_used_is_refused_without_quoting_it(changes, words):
    with pytest.raises(ValueError, match=words) as caught:
        channel(**changes)

    assert "canary" not in str(caught.value)


def test_a_file_that_holds_no_certificate_is_refused(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")

    with pytest.raises(ValueError, match="ca_file cannot be read"):
        channel(ca_file=str(tmp_path / "ca.pem"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_a_login_in_clear_text_is_allowed_on_this_machine_only(host):
    assert channel(host=host, tls="none", username="alerts", password="secret").tls == "none"


@pytest.mark.parametrize("port", [465, 2465])
def test_implicit_tls_has_a_port_of_its_own(port):
    assert channel(tls="implicit", port=port).port == port


def test_a_channel_does_not_show_password_user_or_addresses():
    addresses = {"from_email": "canary@example.com", "to": ["canary@example.com"]}
    shown = repr(channel(username="canary", password="canary", **addresses))

    assert "canary" not in shown
