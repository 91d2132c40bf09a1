"""What may be configured, and what is refused before anything is sent."""

import certifi
import pytest

from tocsin import NotificationConfig, NotificationService, Secret
from tocsin_webhook import WebhookChannel
from tocsin_webhook.headers import to_headers

URL = "https://alerts.example.com/hook?token=abc"


def test_each_url_is_a_recipient_with_a_masked_label():
    channel = WebhookChannel(urls=[URL, "https://alerts.example.com/other"])

    assert [recipient.address.reveal() for recipient in channel.recipients] == [URL, "https://alerts.example.com/other"]
    assert [recipient.label.partition(" ")[0] for recipient in channel.recipients] == [
        "https://alerts.example.com/…"
    ] * 2


def test_the_environment_has_the_names_of_the_reference():
    secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    environ = {
        "WEBHOOK_NOTIFICATIONS_ENABLED": "true",
        "WEBHOOK_URLS": f"{URL}, https://b.example.com",
        "WEBHOOK_HEADERS": "Authorization=Bearer x=y, X-Team=ops",
        "WEBHOOK_SECRET": f"{secret} {secret.replace('MDEy', 'MDEz')}",
    }
    with NotificationService(NotificationConfig.from_env(environ), strict=True) as service:
        channel = service.channels["webhook"].instance

    assert len(channel.recipients) == len(channel.secret) == 2
    assert channel.headers == {"Authorization": Secret("Bearer x=y"), "X-Team": Secret("ops")}


@pytest.mark.parametrize(
    "url", ["ftp://example.com/x", "example.com/hook", "https://", "https://a b.example.com/", "x"]
)
def test_an_address_that_is_no_url_is_refused(url):
    with pytest.raises(ValueError, match="item 1 must be a URL"):
        WebhookChannel(urls=[url])


HOP_BY_HOP = ["Connection", "Transfer-Encoding", "upgrade", "TE", "Keep-Alive", "Proxy-Authorization", "Trailer"]
HOP_BY_HOP += ["Proxy-Authenticate", "Proxy-Connection", "HTTP2-Settings"]
OWN = ["Host", "Content-Type", "content-length", "Webhook-Id", "webhook-signature", "WEBHOOK-TIMESTAMP", "Expect"]
OWN += ["Content-Encoding", "Accept-Encoding"]


@pytest.mark.parametrize("name", HOP_BY_HOP)
def test_a_header_of_the_connection_is_refused(name):
    with pytest.raises(ValueError, match=f"must not hold {name.lower()}, which belongs to the connection"):
        to_headers({name: "x"})


@pytest.mark.parametrize("name", OWN)
def test_a_header_that_the_channel_sets_itself_is_refused(name):
    with pytest.raises(ValueError, match=f"must not hold {name.lower()}, which this channel sets itself"):
        to_headers({name: "x"})


@pytest.mark.parametrize("value", ["x\r\nInjected: yes", "x\ny", "x\x00", "caf\u00e9", "\U0001f525", "", "x\x7f"])
def test_a_value_that_could_become_another_header_is_refused(value):
    with pytest.raises(ValueError, match="item 1 must have a value in one line of ASCII characters"):
        to_headers({"X-Team": value})


@pytest.mark.parametrize("name", ["", "X Team", "X:Team", "X\r\nTeam", "Überschrift", "X(Team)"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match="item 1 must have a header's name"):
        to_headers({name: "c4n4ry"})


def test_a_header_stands_once_whatever_its_case():
    with pytest.raises(ValueError, match="name each header once"):
        to_headers({"X-Team": "a", "x-team": "b"})


def test_blanks_around_a_header_are_dropped():
    assert to_headers({" X-Team ": " ops team "}) == {"X-Team": Secret("ops team")}


def test_the_authorities_must_be_readable(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text("no certificate", encoding="utf-8")

    for wrong in (path, tmp_path / "missing.pem", tmp_path):
        with pytest.raises(ValueError, match="cannot be read as a file of PEM certificates") as caught:
            WebhookChannel(urls=[URL], ca_file=str(wrong))
        assert str(tmp_path) not in str(caught.value)


def test_authorities_of_ones_own_are_taken():
    assert WebhookChannel(urls=[URL], ca_file=certifi.where()).ca_file == certifi.where()
