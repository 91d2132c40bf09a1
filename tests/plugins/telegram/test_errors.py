"""Each documented answer has its kind, scope and outcome; nothing of the provider's own text is passed on."""

import json

import pytest

from tocsin import DeliveryTimeout, Scope
from tocsin.http import HttpResponse
from tocsin.testing import Fault
from tocsin_telegram.errors import PHRASES, Reply

CANARY = "canary-4711"

# What the Bot API says (core.telegram.org/bots/api, tdlib/telegram-bot-api): code, description, and what it is.
ROWS = [
    (400, "Bad Request: chat not found", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: user not found", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: PEER_ID_INVALID", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: chat_id is empty", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: CHAT_ID_INVALID", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: CHANNEL_INVALID", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: CHANNEL_PRIVATE", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: message thread not found", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: TOPIC_ID_INVALID", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: TOPIC_CLOSED", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: TOPIC_DELETED", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: not enough rights to send text messages to the chat", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: have no rights to send a message", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: need administrator rights in the channel chat", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: CHAT_WRITE_FORBIDDEN", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: CHAT_ADMIN_REQUIRED", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: CHAT_SEND_PLAIN_FORBIDDEN", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: CHAT_GUEST_SEND_FORBIDDEN", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: CHAT_RESTRICTED", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: USER_BANNED_IN_CHANNEL", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: have no write access to the chat", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: ALLOW_PAYMENT_REQUIRED_25", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: group chat was deactivated", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: group chat was upgraded to a supergroup chat", "invalid_recipient", "recipient", "gone"),
    (403, "Forbidden: bot was blocked by the user", "invalid_recipient", "recipient", "gone"),
    (403, "Forbidden: bot was kicked from the supergroup chat", "invalid_recipient", "recipient", "gone"),
    (403, "Forbidden: bot is not a member of the channel chat", "invalid_recipient", "recipient", "gone"),
    (403, "Forbidden: user is deactivated", "invalid_recipient", "recipient", "gone"),
    (403, "Forbidden: bot can't initiate conversation with a user", "invalid_recipient", "recipient", "gone"),
    (403, "Forbidden: bot can't send messages to bots", "invalid_recipient", "recipient", "gone"),
    (403, "Forbidden: bot can't send messages to the user", "invalid_recipient", "recipient", "gone"),
    (403, "Forbidden: the group chat was deleted", "invalid_recipient", "recipient", "gone"),
    (403, "Forbidden: a reason that is new", "invalid_recipient", "recipient", "gone"),
    (400, "Bad Request: can't parse entities: Unsupported start tag", "payload", "message", "refused"),
    (400, "Bad Request: message is too long", "payload", "message", "refused"),
    (400, "Bad Request: MESSAGE_TOO_LONG", "payload", "message", "refused"),
    (400, "Bad Request: MESSAGE_EMPTY", "payload", "message", "refused"),
    (400, "Bad Request: message text is empty", "payload", "message", "refused"),
    (400, "Bad Request: text must be non-empty", "payload", "message", "refused"),
    (400, "Bad Request: strings must be encoded in UTF-8", "payload", "message", "refused"),
    (400, "Bad Request: ENTITY_BOUNDS_INVALID", "payload", "message", "refused"),
    (400, "Bad Request: ENTITIES_TOO_LONG", "payload", "message", "refused"),
    (400, "Bad Request: a reason that is new", "payload", "message", "refused"),
    (400, "Bad Request: Logged out", "auth", "channel", "credentials"),
    (401, "Unauthorized", "auth", "channel", "credentials"),
    (401, "Unauthorized: invalid token specified", "auth", "channel", "credentials"),
    (404, "Not Found", "auth", "channel", "credentials"),
    (404, "Not Found: method not found", "auth", "channel", "credentials"),
    (405, "Method Not Allowed", "client", "message", "refused"),
    (409, "Conflict: terminated by other getUpdates request", "client", "message", "refused"),
    (413, "Request Entity Too Large", "payload", "message", "refused"),
    (421, "Misdirected Request: unallowed token specified", "auth", "channel", "credentials"),
    (429, "Too Many Requests: retry after 7", "rate_limited", "recipient", "retry"),
    (500, "Internal Server Error", "server", "channel", "retry"),
    (500, "Internal Server Error: restart", "server", "channel", "retry"),
    (
        500,
        "Internal Server Error: sent message was immediately deleted and can't be returned",
        "server",
        "channel",
        "unknown",
    ),
    (501, "Not Implemented", "server", "channel", "refused"),
    (502, "Bad Gateway", "server", "channel", "unknown"),
    (503, "Service Unavailable", "server", "channel", "retry"),
    (504, "Gateway Timeout", "server", "channel", "unknown"),
]


@pytest.mark.parametrize(("code", "description", "kind", "scope", "outcome"), ROWS, ids=[row[1] for row in ROWS])
def test_every_documented_answer_has_its_kind(simulator, refused, code, description, kind, scope, outcome):
    simulator.script(code, f"{description} {CANARY}")
    error = refused()

    assert (error.kind, error.scope, error.outcome) == (kind, scope, outcome)
    assert error.status_code == code
    assert simulator.calls == 1
    assert CANARY not in f"{error.message} {error.hint} {error.provider_code}"


@pytest.mark.parametrize("outcome", ["gone", "refused", "credentials"])
def test_what_must_never_be_retried_is_asked_for_once(outcome):
    """Two thirds of the answers are of these kinds; none of them carries a wait."""
    rows = [row for row in ROWS if row[4] == outcome]

    assert rows
    for code, description, *_ in rows:
        error = reply(code, {"ok": False, "error_code": code, "description": description}).error()
        assert (error.outcome, error.retry_after) == (outcome, None)


@pytest.mark.parametrize("phrase", PHRASES, ids=[phrase.text for phrase in PHRASES])
def test_every_phrase_is_in_the_table_above_and_says_what_to_do(phrase):
    assert any(phrase.text in description.lower() for _, description, *_ in ROWS)
    assert phrase.hint.endswith((".", "once."))
    assert phrase.text == phrase.text.lower()


@pytest.mark.parametrize(("code", "description", "kind", "scope", "outcome"), ROWS, ids=[row[1] for row in ROWS])
def test_not_ok_at_http_200_is_the_same_failure(simulator, refused, code, description, kind, scope, outcome):
    simulator.script(code, description, status=200)
    error = refused()

    assert (error.kind, error.scope, error.outcome) == (kind, scope, outcome)
    assert error.status_code == 200


@pytest.mark.parametrize("code", [None, 200, True, "400", 999])
def test_not_ok_without_a_code_is_a_failure(code):
    error = reply(200, {"ok": False, "error_code": code}).error()

    assert (error.kind, error.outcome) == ("client", "refused")


@pytest.mark.parametrize("body", [b"", b"<html>502 Bad Gateway</html>", b"[]", b'"ok"', b"\xff", b'{"ok": "true"}'])
def test_an_unreadable_answer_is_judged_by_its_status_or_unknown(body):
    assert Reply.of(HttpResponse(502, {}, body)).error().kind == "server"
    assert Reply.of(HttpResponse(404, {}, body)).error().kind == "auth"
    with pytest.raises(DeliveryTimeout):
        Reply.of(HttpResponse(200, {}, body))


def test_ok_under_a_failing_status_is_a_failure():
    assert not reply(500, {"ok": True, "result": {"message_id": 1}}).ok


def test_a_bare_403_is_not_telegrams():
    assert Reply.of(HttpResponse(403, {}, b"proxy says no")).error().kind == "auth"


def test_a_redirect_is_a_failure():
    error = Reply.of(HttpResponse(302, {"Location": "https://example.com"}, b"")).error()

    assert (error.kind, error.outcome) == ("client", "refused")
    assert "Redirects" in error.hint


class TestRetryAfter:
    """The wait stands in the parameters, in the words and in the header; the longest counts, so that none is cut."""

    @pytest.mark.parametrize(
        ("seconds", "words", "header", "expected"),
        [
            (7, "", None, 7.0),
            (7, "", "3", 7.0),
            (3, "", "7", 7.0),
            (None, "", "3", 3.0),
            (None, "Too Many Requests: retry after 35", None, 35.0),
            (5, "Too Many Requests: retry after 35", "3", 35.0),
            (0, "", None, 0.0),
            (2.5, "", None, 2.5),
            (-4, "", None, 0.0),
            (3600, "", None, 3600.0),
            (3601, "", None, 3600.0),
            (10**400, "", None, 3600.0),
            (None, "retry after 999999999", None, 3600.0),
            (True, "", "3", 3.0),
            ("9", "", None, None),
            (float("nan"), "", "3", 3.0),
            (None, "Too Many Requests: retry later", None, None),
        ],
    )
    def test_the_wait(self, seconds, words, header, expected):
        headers = {} if header is None else {"Retry-After": header}
        body = {"ok": False, "error_code": 429, "description": words, "parameters": {"retry_after": seconds}}

        assert reply(429, body, headers).error().retry_after == expected

    def test_the_wait_is_the_chats_and_the_tokens_where_no_chat_was_named(self):
        answer = reply(429, {"ok": False, "error_code": 429, "parameters": {"retry_after": 5}})

        assert answer.error().scope is Scope.RECIPIENT
        assert answer.error(waits=Scope.CHANNEL).scope is Scope.CHANNEL

    @pytest.mark.parametrize("parameters", [None, [], "x", 7])
    def test_parameters_that_make_no_sense(self, parameters):
        answer = reply(429, {"ok": False, "error_code": 429, "parameters": parameters}, {"Retry-After": "3"})

        assert answer.error().retry_after == 3.0

    def test_the_simulator_sends_both(self, simulator, refused):
        simulator.fail(Fault("rate_limited", retry_after=11))

        assert refused().retry_after == 11.0

    def test_a_date_in_the_header(self, simulator, refused):
        simulator.fail(Fault("rate_limited", retry_after="Wed, 01 Jan 2020 00:00:00 GMT"))

        assert refused().retry_after == 0.0


class TestOverlongAnswer:
    """An answer repeats both messages, each letter escaped: up to 100 kB, of which 64 kB are read."""

    def test_its_beginning_proves_that_the_message_was_taken(self):
        answer = Reply.of(HttpResponse(200, {}, overlong(b'{"ok":true,"result":{"message_id":42,'), complete=False))

        assert (answer.ok, answer.result) == (True, {"message_id": 42})

    @pytest.mark.parametrize("head", [b"x", b'{"ok":true,"result":{"text":', b'{"ok":false,"result":{"message_id":42,'])
    def test_any_other_beginning_proves_nothing(self, head):
        with pytest.raises(DeliveryTimeout):
            Reply.of(HttpResponse(200, {}, overlong(head), complete=False))

    def test_an_answer_that_was_cut_off_proves_nothing(self):
        with pytest.raises(DeliveryTimeout):
            Reply.of(HttpResponse(200, {}, b'{"ok":true,"result":{"message_id":42,', complete=False))

    def test_two_long_messages_are_taken_once(self, simulator, send, alert):
        first = send(alert(message="👍" * 4000))
        second = send(alert(message="👎" * 4000), previous=first, louder=True)

        assert second.provider_id == "2"
        assert len(simulator.received()) == 2


def overlong(head):
    return head.ljust(65_536, b"x")


def reply(status, body, headers=None):
    return Reply.of(HttpResponse(status, headers or {}, json.dumps(body).encode()))
