"""Each documented answer has its kind, scope and outcome; nothing of the provider's own text is passed on."""

import json

import pytest

from tocsin import DeliveryTimeout, PayloadError, ServerError
from tocsin.http import HttpResponse
from tocsin.testing import Fault
from tocsin_slack.answer import Reply, check_webhook
from tocsin_slack.errors import API_WORDS, EDIT_IMPOSSIBLE, THREAD_IMPOSSIBLE, WEBHOOK_WORDS

CANARY = "canary-4711"

AUTH = ("auth", "channel", "credentials")
GONE = ("invalid_recipient", "recipient", "gone")
PAYLOAD = ("payload", "message", "refused")
CLIENT = ("client", "message", "refused")
LATER = ("server", "channel", "retry")
UNKNOWN = ("server", "channel", "unknown")
LIMITED = ("rate_limited", "recipient", "retry")
BOT_LIMITED = ("rate_limited", "channel", "retry")

API = {
    **dict.fromkeys(["not_authed", "invalid_auth", "not_allowed_token_type", "is_bot", "team_not_found"], AUTH),
    **dict.fromkeys(["account_inactive", "token_revoked", "token_expired", "missing_scope", "accesslimited"], AUTH),
    **dict.fromkeys(["app_access_restricted", "enterprise_is_restricted", "two_factor_setup_required"], AUTH),
    "access_denied": ("auth", "recipient", "credentials"),
    **dict.fromkeys(["channel_not_found", "channel_is_limited_access", "not_in_channel", "no_permission"], GONE),
    **dict.fromkeys(["is_archived", "is_inactive", "ekm_access_denied", "messages_tab_disabled"], GONE),
    **dict.fromkeys(["restricted_action", "restricted_action_read_only_channel", "posting_to_channel_denied"], GONE),
    **dict.fromkeys(["restricted_action_thread_only_channel", "restricted_action_thread_locked"], GONE),
    "restricted_action_non_threadable_channel": GONE,
    **dict.fromkeys(["invalid_blocks", "invalid_blocks_format", "invalid_attachments", "no_text"], PAYLOAD),
    **dict.fromkeys(["attachment_payload_limit_exceeded", "too_many_attachments", "metadata_too_large"], PAYLOAD),
    **dict.fromkeys(["metadata_must_be_sent_from_app", "invalid_metadata_format"], PAYLOAD),
    "invalid_metadata_schema": PAYLOAD,
    **dict.fromkeys(["msg_too_long", "msg_blocks_too_long", "markdown_text_conflict"], PAYLOAD),
    **dict.fromkeys(["ratelimited", "rate_limited"], BOT_LIMITED),
    **dict.fromkeys(["service_unavailable", "request_timeout", "update_failed"], LATER),
    **dict.fromkeys(["team_added_to_org", "org_login_required"], LATER),
    "external_channel_migrating": ("server", "recipient", "retry"),
    **dict.fromkeys(["fatal_error", "internal_error"], UNKNOWN),
    "unknown_method": ("config", "message", "refused"),
    **dict.fromkeys(["message_limit_exceeded", "method_deprecated", "deprecated_endpoint"], CLIENT),
    **dict.fromkeys(["invalid_arguments", "invalid_arg_name", "invalid_array_arg", "invalid_charset"], CLIENT),
    **dict.fromkeys(["invalid_form_data", "invalid_post_type", "missing_post_type"], CLIENT),
    **dict.fromkeys(["cannot_reply_to_message", "message_not_found", "cant_update_message"], CLIENT),
    **dict.fromkeys(["edit_window_closed", "block_mismatch", "streaming_state_conflict"], CLIENT),
    **dict.fromkeys(["thread_not_found", "invalid_thread_ts"], CLIENT),
    # What only files, drafts, canvases, contact cards, broadcast edits and foreign identities meet.
    **dict.fromkeys(["as_user_not_supported", "send_on_behalf_not_allowed", "too_many_contact_cards"], CLIENT),
    **dict.fromkeys(["draft_already_deleted", "draft_already_sent", "draft_has_conflict", "draft_not_found"], CLIENT),
    **dict.fromkeys(["duplicate_channel_not_found", "duplicate_message_not_found", "missing_file_data"], CLIENT),
    **dict.fromkeys(["blocked_file_type", "file_deleted", "file_is_deleted", "file_not_found"], CLIENT),
    **dict.fromkeys(["file_share_limit_reached", "max_file_sharing_exceeded", "unable_to_share_files"], CLIENT),
    **dict.fromkeys(["cant_broadcast_message", "no_dual_broadcast_content_update"], CLIENT),
    **dict.fromkeys(["slack_connect_blocked_file_type", "slack_connect_canvas_sharing_blocked"], CLIENT),
    **dict.fromkeys(["slack_connect_clip_sharing_blocked", "slack_connect_file_link_sharing_blocked"], CLIENT),
    **dict.fromkeys(["slack_connect_file_upload_sharing_blocked", "slack_connect_lists_sharing_blocked"], CLIENT),
}
HOOK_AUTH = ("auth", "recipient", "credentials")
WEBHOOK = [
    (403, "invalid_token", HOOK_AUTH),
    (404, "no_service", GONE),
    (404, "no_service_id", GONE),
    (403, "no_active_hooks", GONE),
    (404, "no_team", GONE),
    (403, "team_disabled", GONE),
    (404, "channel_not_found", GONE),
    (410, "channel_is_archived", GONE),
    (400, "user_not_found", GONE),
    (403, "action_prohibited", GONE),
    (403, "posting_to_general_channel_denied", GONE),
    (400, "invalid_payload", PAYLOAD),
    (400, "invalid_blocks", PAYLOAD),
    (400, "invalid_blocks_format", PAYLOAD),
    (400, "invalid_attachments", PAYLOAD),
    (400, "no_text", PAYLOAD),
    (400, "missing_text_or_fallback_or_attachments", PAYLOAD),
    (400, "too_many_attachments", PAYLOAD),
    (429, "rate_limited", LIMITED),
    (500, "rollup_error", LATER),
]


def facts(error):
    return (str(error.kind), str(error.scope), str(error.outcome))


@pytest.mark.parametrize(("word", "expected"), API.items(), ids=API)
def test_every_word_of_the_web_api_has_its_kind(simulator, refused, word, expected):
    simulator.script(word, detail=CANARY, response_metadata={"messages": [CANARY]})
    error = refused(to=1)

    assert facts(error) == expected
    assert (error.status_code, error.provider_code) == (200, word)
    assert word in error.message
    assert simulator.calls == 1
    assert CANARY not in f"{error.message} {error.hint} {error.provider_code}"


@pytest.mark.parametrize(("status", "word", "expected"), WEBHOOK, ids=[row[1] for row in WEBHOOK])
def test_every_word_of_a_webhook_has_its_kind(simulator, refused, status, word, expected):
    simulator.script(word, status=status)
    error = refused(to=0)

    assert facts(error) == expected
    assert (error.status_code, error.provider_code) == (status, word)
    assert simulator.calls == 1


def test_the_tables_above_are_whole():
    assert set(API) == set(API_WORDS)
    assert {row[1] for row in WEBHOOK} == set(WEBHOOK_WORDS)
    assert set(API_WORDS) >= EDIT_IMPOSSIBLE | THREAD_IMPOSSIBLE


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update", "auth.test", "conversations.info"])
def test_every_word_that_slack_documents_is_known(described, method):
    assert set(described["errors"][method]) - set(API_WORDS) == set()


@pytest.mark.parametrize(
    ("word", "row"), [*API_WORDS.items(), *WEBHOOK_WORDS.items()], ids=[*API_WORDS, *WEBHOOK_WORDS]
)
def test_every_refusal_says_what_to_do(word, row):
    assert row.hint.endswith((".", "once.", "app")) or row.failure.default_outcome == "retry"


def test_a_new_word_is_shown_so_that_it_can_be_looked_up(simulator, refused):
    simulator.script("channel_on_holiday")
    error = refused(to=1)

    assert facts(error) == CLIENT
    assert error.provider_code == "channel_on_holiday"
    assert error.message == "Slack says channel_on_holiday (HTTP 200)"


@pytest.mark.parametrize("word", [CANARY, "", "<b>", "Disk full", "xoxb_1", "a" * 51, "ab", 7, None])
def test_what_is_no_word_is_not_repeated(simulator, refused, word):
    simulator.script(word)
    error = refused(to=1)

    assert facts(error) == CLIENT
    assert (error.message, error.provider_code) == ("Slack refused it for a reason of its own (HTTP 200)", None)


def test_a_webhooks_new_word_is_shown_and_anything_else_is_not():
    with pytest.raises(PayloadError, match="hook_on_holiday") as caught:
        check_webhook(HttpResponse(400, {}, b"hook_on_holiday"))
    assert caught.value.provider_code == "hook_on_holiday"
    with pytest.raises(PayloadError) as caught:
        check_webhook(HttpResponse(400, {}, CANARY.encode()))
    assert CANARY not in f"{caught.value} {caught.value.provider_code}"


@pytest.mark.parametrize(("status", "word"), [(200, "no_service"), (200, "invalid_blocks")])
def test_a_webhook_that_lies_at_200_is_believed_by_its_word(simulator, refused, status, word):
    simulator.script(word, status=status)

    assert refused(to=0).provider_code == word


def test_a_detail_behind_a_webhooks_word_is_dropped():
    with pytest.raises(Exception, match="invalid_blocks") as caught:
        check_webhook(HttpResponse(400, {}, f"invalid_blocks: {CANARY}".encode()))

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"OK", b"ok\nmore", b"<html>ok</html>", b'{"ok":true}', b"\xff", b"k" * 300])
@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_webhook_that_does_not_say_ok_leaves_it_unknown(status, body):
    with pytest.raises(DeliveryTimeout) as caught:
        check_webhook(HttpResponse(status, {}, body))

    assert caught.value.outcome == "unknown"


def test_a_webhooks_ok_must_be_whole_and_at_200():
    check_webhook(HttpResponse(200, {}, b"ok"))
    check_webhook(HttpResponse(200, {}, b"ok\n"))
    with pytest.raises(DeliveryTimeout):
        check_webhook(HttpResponse(200, {}, b"ok", complete=False))
    with pytest.raises(DeliveryTimeout):
        check_webhook(HttpResponse(202, {}, b"ok"))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, HOOK_AUTH),
        (403, HOOK_AUTH),
        (404, GONE),
        (410, GONE),
        (302, CLIENT),
        (413, PAYLOAD),
        (500, UNKNOWN),
        (501, ("server", "channel", "refused")),
        (502, UNKNOWN),
        (503, LATER),
        (504, UNKNOWN),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"hook_on_holiday"])
def test_a_bare_status_of_a_webhook(status, expected, body):
    with pytest.raises(Exception, match=str(status)) as caught:
        check_webhook(HttpResponse(status, {}, body))

    assert facts(caught.value) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, AUTH),
        (403, AUTH),
        (404, ("config", "message", "refused")),
        (410, ("config", "message", "refused")),
        (302, CLIENT),
        (413, PAYLOAD),
        (500, UNKNOWN),
        (501, ("server", "channel", "refused")),
        (502, UNKNOWN),
        (503, LATER),
        (504, UNKNOWN),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"ok": false, "error": "something_new"}'])
def test_a_bare_status_of_the_web_api(status, expected, body):
    assert facts(Reply.of(HttpResponse(status, {}, body)).error()) == expected


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_known_word_counts_more_than_its_status(status):
    with pytest.raises(ServerError) as caught:
        check_webhook(HttpResponse(status, {}, b"rollup_error"))
    reply = Reply.of(HttpResponse(status, {}, b'{"ok": false, "error": "service_unavailable"}'))

    assert facts(caught.value) == facts(reply.error()) == LATER


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"ok"', b"\xff", b'{"ok": "true"}', b'{"ok": 1}'])
def test_an_unreadable_answer_at_200_leaves_it_unknown(body):
    with pytest.raises(DeliveryTimeout):
        Reply.of(HttpResponse(200, {}, body))


def test_ok_under_a_failing_status_is_a_failure():
    reply = Reply.of(HttpResponse(500, {}, b'{"ok": true, "ts": "1.1", "channel": "C1"}'))

    assert not reply.ok
    assert facts(reply.error()) == UNKNOWN


@pytest.mark.parametrize("body", [{}, {"ts": "1.1"}, {"channel": "C1"}, {"ts": 1.1, "channel": "C1"}])
def test_ok_without_a_message_leaves_it_unknown(simulator, refused, body):
    simulator.script("", ok=True, **body)

    assert refused(to=1).outcome == "unknown"


def test_a_warning_with_ok_is_a_success(simulator, send):
    simulator.script("", ok=True, ts="1.1", channel="C1", warning="missing_charset")

    assert send(to=1).provider_id == "1.1"


@pytest.mark.parametrize(
    ("needed", "hint"),
    [
        ("chat:write", "Add the scope chat:write to the app and install it again."),
        ("channels:read,groups:read", "Add the scope channels:read,groups:read to the app and install it again."),
        (f"{CANARY} <b>", "Add the scope chat:write to the app and install it again."),
        (7, "Add the scope chat:write to the app and install it again."),
    ],
)
def test_a_missing_scope_is_named(needed, hint):
    body = {"ok": False, "error": "missing_scope", "needed": needed}

    assert Reply.of(HttpResponse(200, {}, json.dumps(body).encode())).error().hint == hint


class TestRetryAfter:
    """429 carries the wait in a header, for the bot or for this webhook alone."""

    @pytest.mark.parametrize("to", [0, 1])
    @pytest.mark.parametrize(
        ("header", "expected"),
        [(7, 7.0), ("2.5", 2.5), (None, None), ("soon", None), ("Wed, 01 Jan 2020 00:00:00 GMT", 0.0)],
    )
    def test_the_wait(self, simulator, refused, to, header, expected):
        simulator.fail(Fault("rate_limited", retry_after=header))
        error = refused(to=to)

        assert facts(error) == (BOT_LIMITED if to else LIMITED)
        assert (error.retry_after, error.status_code) == (expected, 429)

    @pytest.mark.parametrize("body", [b"", b"<html>", b'{"ok":false,"error":"something_new"}'])
    def test_429_needs_no_word(self, body):
        error = Reply.of(HttpResponse(429, {"Retry-After": "3"}, body)).error()

        assert (facts(error), error.retry_after) == (BOT_LIMITED, 3.0)
