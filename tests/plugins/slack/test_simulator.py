"""The simulator is as strict as the provider."""

import html
import json

import pytest

from tocsin.testing import FaultKind
from tocsin_slack.format import BLOCK_TEXT_LIMIT, FIELD_LIMIT, FIELDS_LIMIT, HEADER_LIMIT, SECTION_LIMIT

CHANNEL = "C0000000001"


def plain(text):
    return {"type": "plain_text", "text": text}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text}


def section(text):
    return {"type": "section", "text": mrkdwn(text)}


def coloured(*blocks):
    return {"text": "t", "attachments": [{"color": "#00FF00", "blocks": list(blocks)}]}


@pytest.fixture
def post(simulator, http):
    """Post a body to the webhook; gives status and text."""

    def call(body):
        answer = http.post(simulator.addresses()[0], json=body)
        return answer.status, answer.text

    return call


@pytest.fixture
def call(simulator, http):
    """Call a method with the simulator's own token; gives the answer's JSON."""

    def ask(method, **body):
        headers = {"Authorization": f"Bearer {simulator.settings()['bot_token']}"}
        return http.post(f"{simulator.url}/api/{method}", json=body, headers=headers).json()

    return ask


@pytest.mark.parametrize(
    ("block", "taken"),
    [
        ({"type": "header", "text": plain("x" * HEADER_LIMIT)}, True),
        ({"type": "header", "text": plain("x" * (HEADER_LIMIT + 1))}, False),
        ({"type": "header", "text": mrkdwn("x")}, False),
        (section("x" * SECTION_LIMIT), True),
        (section("x" * (SECTION_LIMIT + 1)), False),
        (section(""), False),
        (section(" "), False),
        ({"type": "section"}, False),
        ({"type": "section", "text": {"type": "markdown", "text": "x"}}, False),
        ({"type": "section", "text": mrkdwn("x") | {"emoji": True}}, False),
        ({"type": "section", "text": plain("x") | {"verbatim": True}}, False),
        ({"type": "section", "fields": [mrkdwn("x" * FIELD_LIMIT)] * FIELDS_LIMIT}, False),
        ({"type": "section", "fields": [mrkdwn("x" * FIELD_LIMIT)]}, True),
        ({"type": "section", "fields": [mrkdwn("x" * (FIELD_LIMIT + 1))]}, False),
        ({"type": "section", "fields": [mrkdwn("x")] * FIELDS_LIMIT}, True),
        ({"type": "section", "fields": [mrkdwn("x")] * (FIELDS_LIMIT + 1)}, False),
        ({"type": "section", "fields": []}, False),
        ({"type": "context", "elements": [mrkdwn("x")] * 10}, True),
        ({"type": "context", "elements": [mrkdwn("x")] * 11}, False),
        ({"type": "context", "elements": []}, False),
        ({"type": "unheard-of"}, False),
    ],
)
def test_blocks_are_checked(post, block, taken):
    assert (post(coloured(block))[0] == 200) is taken


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"text": "t"}, (200, "ok")),
        (coloured(*[section("x")] * 50), (200, "ok")),
        (coloured(*[section("x")] * 51), (400, "invalid_attachments")),
        (coloured(), (400, "invalid_attachments")),
        ({"text": "t", "attachments": [{"color": "red", "blocks": [section("x")]}]}, (400, "invalid_attachments")),
        ({}, (400, "no_text")),
        ({"text": "t", "attachments": [{}] * 101}, (400, "too_many_attachments")),
        (coloured(*[section("x" * (BLOCK_TEXT_LIMIT // 5))] * 5), (200, "ok")),
        (coloured(*[section("x" * (BLOCK_TEXT_LIMIT // 5 + 1))] * 5), (400, "msg_blocks_too_long")),
    ],
)
def test_messages_are_checked(post, body, answer):
    assert post(body) == answer


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*HIGH*", "HIGH"),
        ("*Symbol*\n`a*b`", "Symbol\na*b"),
        ("*Details*\n```\nx: `1`y\n```", "Details\nx: `1`y\n"),
        ("<https://x.y?a=1&amp;b> &lt;", "https://x.y?a=1&b <"),
        ("<!date^1^{date}|then>", "then"),
        ("<!channel> <@U1> <#C1>", "<!channel> <@U1> <#C1>"),
        ("a\u2060b &nbsp;", "ab &nbsp;"),
    ],
)
def test_what_a_person_reads(simulator, post, text, shown):
    post(coloured(section(text)))

    assert simulator.received()[0].text == f"t\n{shown}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*b* _i_ ~s~ `c` \uff0aw\uff0a", "b i s c w"),
        ("momentum_001 a*b*c", "momentum_001 a*b*c"),
        ("a :tada: at 09:30:00", "a \N{WHITE SQUARE} at 09:30:00"),
        ("&gt; quoted\n\uff1e too", " quoted\n too"),
        ("<!date^00000000^{_}|*>b<!date^00000000^{_}|*> \x00", "*b* "),
        ("\u00ad&gt; a &gt; b", "> a > b"),
    ],
)
def test_text_is_formatted_unless_that_is_switched_off(simulator, post, text, shown):
    post({"text": text})
    post({"text": text, "mrkdwn": False})

    assert [message.text for message in simulator.received()] == [shown, html.unescape(text)]


def test_an_unknown_webhook_and_an_unknown_token_are_refused(simulator, http, call):
    assert http.post(f"{simulator.url}/services/T/B/other", json={"text": "t"}).text == "no_service"
    wrong = {"Authorization": "Bearer xoxb-wrong"}
    for headers, word in ((wrong, "invalid_auth"), ({}, "not_authed")):
        answer = http.post(f"{simulator.url}/api/chat.postMessage", json={"channel": CHANNEL}, headers=headers)
        assert answer.json() == {"ok": False, "error": word}
    assert call("chat.unheardOf") == {"ok": False, "error": "unknown_method"}
    assert simulator.received() == []


@pytest.mark.parametrize(
    ("facts", "word"),
    [(None, "channel_not_found"), ({"is_archived": True}, "is_archived"), ({"is_member": False}, "not_in_channel")],
)
def test_a_channel_that_takes_nothing(simulator, call, facts, word):
    simulator.channels = {} if facts is None else {CHANNEL: facts}

    assert call("chat.postMessage", channel=CHANNEL, text="t") == {"ok": False, "error": word}


def test_an_edit_needs_a_message(call):
    assert call("chat.update", channel=CHANNEL, ts="1.1", text="t")["error"] == "message_not_found"


def test_a_body_that_is_no_json_object_is_no_message(simulator, http):
    for content in (b"{", b"[]", b"\xff"):
        assert http.post(simulator.addresses()[0], content=content).text == "no_text"


@pytest.mark.parametrize("to", [0, 1])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FaultKind.RATE_LIMITED, "rate_limited"),
        (FaultKind.SERVER_ERROR, "server"),
        (FaultKind.UNAUTHORIZED, "auth"),
        (FaultKind.REFUSED_RECIPIENT, "invalid_recipient"),
        (FaultKind.REFUSED_PAYLOAD, "payload"),
        (FaultKind.LIE, "invalid_recipient"),
        (FaultKind.STATUS, "server"),
        (FaultKind.GARBAGE, "timeout"),
        (FaultKind.OVERSIZE, "timeout"),
        (FaultKind.HALF_ANSWER, "timeout"),
        (FaultKind.LOST_ANSWER, "connection"),
        (FaultKind.RESET, "connection"),
    ],
)
def test_every_fault_is_met_on_both_ways(simulator, refused, to, kind, expected):
    simulator.fail(kind)
    error = refused(to=to)

    assert error.kind == expected
    assert (error.outcome == "unknown") is (expected in ("timeout", "connection"))


def test_settings_are_plain_values(simulator):
    assert json.loads(json.dumps(simulator.settings())) == simulator.settings()
