"""`tocsin send --dry-run`: the request as it would leave, without secrets, and nothing leaves."""

import importlib

import pytest

from tocsin import Alert, NotificationConfig, NotificationService, Recipient, Secret, hookimpl
from tocsin.cli.dry_run import render


def test_the_request_is_shown_and_nothing_is_sent(tocsin, pager):
    result = tocsin("send", "Disk <full>", "98 %", "--dry-run")

    assert result.exit_code == 0
    assert pager.calls == 0
    assert f"POST {pager.url}/***/page" in result.stdout
    assert '"title": "Disk <full>"' in result.stdout
    assert "Authorization: ***" in result.stdout
    assert "Nothing was sent." in result.stderr


def test_secrets_addresses_and_configured_headers_are_masked(tocsin, pager, configure):
    configure('headers = { X-Team = "desk-7" }')
    result = tocsin("send", "t", "--dry-run")

    assert "X-Team: ***" in result.stdout
    for secret in ("CANARY", "desk-7", "alice@", "bernard@"):
        assert secret not in result.output


def test_recipients_that_get_the_same_are_shown_together_apart_from_their_keys(as_json, pager):
    requests = as_json("send", "t", "--dry-run")["requests"]

    assert [request["recipient"] for request in requests] == ["a…@example.com", "b…@example.com"]
    assert {request["method"] for request in requests} == {"POST"}
    assert '"to": "b…@example.com"' in requests[1]["body"]


def test_fallback_channels_are_marked(tocsin, pager, configure):
    configure('[channels.null]\n[[routes]]\nchannels = ["null"]\nfallback = ["pager"]\n')

    assert "(fallback)" in tocsin("send", "t", "--dry-run").stdout


def test_a_channel_that_cannot_take_part_is_named(tocsin, pager, configure):
    configure('[[routes]]\nchannels = ["pager", "gone"]\n')
    result = tocsin("send", "t", "--dry-run")

    assert result.exit_code == 1
    assert "✗ gone  no channel called 'gone'" in result.stderr


def test_where_no_route_matches_the_exit_code_is_that_of_a_send(tocsin, pager, configure):
    configure('[[routes]]\nmatch = { type = "RISK" }\nchannels = ["pager"]\n')

    assert tocsin("send", "t", "--dry-run").exit_code == 3


def test_without_http_the_plain_text_is_shown(tocsin):
    result = tocsin("send", "Disk full", "98 %", "--to", "null", "--dry-run")

    assert "null → null" in result.stdout
    assert "Disk full" in result.stdout


class Letter:
    """Has no HTTP, and shows what it would send."""

    token = Secret("CANARY-LETTER")
    recipients = (Recipient.of("somebody@example.com"),)

    @hookimpl
    def send(self, alert):
        raise AssertionError("a preview sends nothing")

    def preview(self, alert, recipient, context):
        return f"To: {recipient.address.reveal()}\n\nDear reader, {alert.title} {context.key}"


@pytest.fixture
def service():
    with NotificationService(NotificationConfig.from_mapping({})) as service:
        yield service


def test_a_channel_without_http_may_offer_a_preview(service):
    channel = service.add_channel("letter", Letter())
    rendered = render(channel, Alert(title="hello", message=""), channel.recipients[0], 1.0)

    assert rendered.body.startswith("To: s…@example.com\n\nDear reader, hello ")


def test_a_channel_that_fails_before_its_request_says_how(service, outside):
    module = importlib.import_module("pager_of_the_tests")

    class Broken(module.PagerChannel):
        @hookimpl
        def send(self, alert, recipient, context):
            raise RuntimeError(self.token.reveal())

    channel = service.add_channel("broken", Broken(token="CANARY-BROKEN", users=["u"]))
    rendered = render(channel, Alert(title="hello", message=""), channel.recipients[0], 1.0)

    assert rendered.error == "the channel raised RuntimeError"


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ({"form": {"To": "someone", "Body": "a & b"}}, "To: someone\nBody: a & b"),
        ({"content": b'{"a": 1}'}, '{\n  "a": 1\n}'),
        ({"content": b"\xff plain"}, "\ufffd plain"),
        ({"content": b"a=1&b=x%20y", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, "a: 1\nb: x y"),
        ({}, ""),
    ],
)
def test_bodies_are_laid_out_for_reading(service, outside, call, body):
    module = importlib.import_module("pager_of_the_tests")

    class Other(module.PagerChannel):
        @hookimpl
        def send(self, alert, recipient, context):
            context.http.request("PUT", Secret("https://example.com/CANARY-URL"), auth=("user", "CANARY"), **call)

    channel = service.add_channel("other", Other(token="CANARY-OTHER", users=["u"]))
    rendered = render(channel, Alert(title="hello", message=""), channel.recipients[0], 1.0)

    assert (rendered.method, rendered.url, rendered.body) == ("PUT", "https://example.com/…", body)
    assert rendered.headers["Authorization"] == "***"
