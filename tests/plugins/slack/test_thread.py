"""A bot keeps alerts of the same ``dedup_key`` together: it edits, and where an edit would be too quiet, it replies."""

import json
from urllib.parse import parse_qsl

import jsonschema
import pytest

from tocsin import Receipt
from tocsin.rendering import REPEATED
from tocsin.testing import Answer

CHANNEL = "C0000000001"


@pytest.mark.parametrize("values", [{"status": "acknowledged"}, {"status": "resolved"}, {"priority": "LOW"}])
def test_what_is_not_louder_edits_the_message(simulator, send, alert, bodies, schema, values):
    first = send()
    second = send(alert(title="Disk", **values), previous=first)

    (body,) = bodies("chat.update")
    jsonschema.validate(body, schema("chat.update"))
    assert (body["channel"], body["ts"]) == (CHANNEL, first.provider_id)
    assert (body["parse"], body["link_names"]) == ("none", False)
    assert second.provider_id == first.provider_id
    assert second.details == {"edited": True}
    assert simulator.posted(first.provider_id)["text"].endswith("Disk")


def test_what_is_louder_is_a_reply_that_the_channel_sees_too(simulator, send, alert, bodies, schema):
    first = send(alert(priority="LOW"))
    second = send(alert(priority="CRITICAL"), previous=first, louder=True)

    reply = bodies("chat.postMessage")[1]
    jsonschema.validate(reply, schema("chat.postMessage"))
    assert (reply["channel"], reply["thread_ts"], reply["reply_broadcast"]) == (CHANNEL, first.provider_id, True)
    assert second.provider_id not in (first.provider_id, None)
    assert second.details == {"thread_ts": first.provider_id}
    assert bodies("chat.update") == []


def test_each_reply_stands_under_the_first_message(send, bodies):
    first = send()
    second = send(previous=first, louder=True)
    third = send(previous=second, louder=True)

    assert [body.get("thread_ts") for body in bodies("chat.postMessage")] == [None, *[first.provider_id] * 2]
    assert third.details["thread_ts"] == first.provider_id


def test_after_a_reply_both_it_and_its_parent_tell_the_latest(simulator, send, alert, bodies):
    first = send(alert(priority="LOW"))
    reply = send(alert(priority="HIGH"), previous=first, louder=True)
    last = send(alert(status="resolved"), previous=reply)

    assert [body["ts"] for body in bodies("chat.update")] == [reply.provider_id, first.provider_id]
    assert {simulator.posted(ts)["text"] for ts in (first.provider_id, reply.provider_id)} == {"🟠 Resolved: Disk full"}
    assert last == Receipt(provider_id=reply.provider_id, details={"thread_ts": first.provider_id, "edited": True})


def test_a_parent_that_is_gone_does_not_keep_its_reply_from_being_edited(simulator, send, alert):
    first = send()
    reply = send(previous=first, louder=True)
    simulator.delete(first.provider_id)

    assert send(alert(status="resolved"), previous=reply).provider_id == reply.provider_id


def test_the_simpler_form_takes_the_blocks_away(simulator, send, alert):
    first = send()
    send(alert(status="resolved"), previous=first, plain=True)

    assert simulator.posted(first.provider_id)["attachments"] == []


@pytest.mark.parametrize("plain", [False, True])
def test_an_edit_shows_the_alerts_characters_as_they_are(simulator, send, alert, plain):
    """chat.update has no ``mrkdwn`` to switch off."""
    first = send(alert(title="*a* _b_ ~c~ `d` :tada:"), plain=plain)
    send(alert(title="*a* _b_ ~c~ `d` :tada:", message="> e"), previous=first, plain=plain)
    posted, edited = simulator.received()

    assert posted.text.splitlines()[0] == edited.text.splitlines()[0] == "🟠 *a* _b_ ~c~ `d` :tada:"
    assert "> e" in edited.text
    assert "mrkdwn" not in edited.raw


def test_a_deleted_message_is_posted_anew(simulator, send, alert, bodies):
    first = send()
    simulator.delete(first.provider_id)
    second = send(alert(status="resolved"), previous=first)

    assert second.provider_id != first.provider_id
    assert second.details == {}
    assert "thread_ts" not in bodies("chat.postMessage")[1]


@pytest.mark.parametrize(
    "word",
    [
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "is_inactive",
        "block_mismatch",
        "streaming_state_conflict",
    ],
)
def test_what_cannot_be_edited_is_posted_anew(simulator, send, alert, word):
    first = send()
    simulator.script(word)

    assert send(alert(status="resolved"), previous=first).provider_id != first.provider_id


@pytest.mark.parametrize(
    "word",
    [
        "message_not_found",
        "cannot_reply_to_message",
        "thread_not_found",
        "invalid_thread_ts",
        "restricted_action_thread_locked",
        "restricted_action_non_threadable_channel",
    ],
)
def test_where_no_reply_can_stand_a_message_does(simulator, send, alert, bodies, word):
    first = send(alert(priority="LOW"))
    simulator.script(word)
    second = send(alert(priority="CRITICAL"), previous=first, louder=True)

    assert "thread_ts" not in bodies("chat.postMessage")[2]
    assert second.details == {}


def test_a_reply_that_slack_silently_made_a_message_starts_a_thread_of_its_own(simulator, send, bodies):
    first = send()
    simulator.delete(first.provider_id)
    second = send(previous=first, louder=True)
    send(previous=second, louder=True)

    assert second.details == {}
    assert bodies("chat.postMessage")[2]["thread_ts"] == second.provider_id


@pytest.mark.parametrize("louder", [False, True])
@pytest.mark.parametrize("word", ["channel_not_found", "ratelimited", "fatal_error", "invalid_auth"])
def test_any_other_refusal_of_an_edit_or_a_reply_is_a_failure(simulator, send, alert, refused, word, louder):
    first = send()
    simulator.script(word)

    assert refused(alert(status="resolved"), previous=first, louder=louder).provider_code == word
    assert simulator.calls == 2


def test_an_edit_carries_no_mark_of_a_repeat(simulator, send, alert):
    first = send()
    send(alert(status="resolved"), previous=first, repeated=True)

    assert REPEATED not in simulator.received()[1].text
    assert simulator.calls == 2


@pytest.mark.parametrize("louder", [False, True])
def test_a_webhook_sends_a_new_message_each_time(simulator, send, alert, louder):
    first = send(to=0)
    send(alert(status="resolved"), to=0, previous=first, louder=louder)

    assert [request.path.split("/")[1] for request in simulator.requests] == ["services"] * 2


@pytest.mark.parametrize(
    "receipt",
    [
        None,
        Receipt(),
        Receipt(provider_id="1.1", details={"channel": 7}),
        Receipt(provider_id="1.1", details={"channel": "C1", "thread_ts": 7}),
    ],
)
def test_a_receipt_that_names_no_message_leads_to_a_new_one(simulator, send, receipt):
    send(previous=receipt)

    assert simulator.requests[0].path.endswith("chat.postMessage")


def test_a_kept_receipt_that_went_through_json_still_finds_its_message(send, alert):
    first = send()
    again = Receipt(**json.loads(json.dumps(first.to_dict())))

    assert send(alert(status="resolved"), previous=again).details["edited"] is True


def test_a_direct_message_is_edited_at_the_id_that_slack_answered(simulator, channel_to, send, alert, monkeypatch):
    sender = channel_to(channel_ids=["U0000000001"])
    opened = {"ok": True, "channel": "D0000000001", "ts": "1.1"}
    monkeypatch.setattr(simulator, "accept", lambda request, message: Answer(200, json.dumps(opened).encode()))
    first = send(by=sender, to=1)
    send(alert(status="resolved"), by=sender, to=1, previous=first)

    assert first.details["channel"] == "D0000000001"
    assert json.loads(simulator.requests[0].body)["channel"] == "U0000000001"
    assert json.loads(simulator.requests[1].body)["channel"] == "D0000000001"


class TestAfterAnUnknownAttempt:
    """The message may have arrived although its answer was lost; its metadata tells."""

    def test_a_new_message_carries_the_key_of_its_delivery_and_nothing_else(self, send, bodies, schema):
        send()

        (body,) = bodies("chat.postMessage")
        assert body["metadata"] == {"event_type": "tocsin_alert", "event_payload": {"key": "0" * 32}}

    def test_the_simpler_form_has_no_metadata(self, send, bodies):
        send(plain=True)

        assert "metadata" not in bodies("chat.postMessage")[0]

    def test_what_arrived_is_not_sent_again(self, simulator, refused, send, schema):
        simulator.fail("lost_answer")
        assert refused().outcome == "unknown"
        receipt = send(repeated=True)

        (received,) = simulator.received()
        assert receipt == Receipt(provider_id=received.provider_id, details={"found": True})
        form = dict(parse_qsl(simulator.requests[1].body.decode()))
        jsonschema.validate(form, schema("conversations.history"))
        assert (form["channel"], form["include_all_metadata"], form["limit"]) == (CHANNEL, "1", "15")

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_what_was_posted_behind_a_gateway_that_lost_the_answer_is_not_sent_again(
        self, simulator, refused, send, monkeypatch, status
    ):
        accept = simulator.accept
        monkeypatch.setattr(simulator, "accept", lambda *message: (accept(*message), Answer(status))[1])
        assert refused().outcome == "unknown"
        monkeypatch.undo()

        assert send(repeated=True).provider_id == simulator.received()[0].provider_id
        assert len(simulator.received()) == 1

    def test_a_reply_that_arrived_is_found_with_its_thread(self, simulator, refused, send):
        first = send(key="1" * 32)
        simulator.fail("lost_answer")
        refused(previous=first, louder=True)

        assert send(previous=first, louder=True, repeated=True).details == {
            "thread_ts": first.provider_id,
            "found": True,
        }

    def test_what_did_not_arrive_is_sent_with_a_mark(self, simulator, send):
        send(key="1" * 32)
        send(repeated=True)

        assert [REPEATED in received.text for received in simulator.received()] == [False, True]

    def test_only_messages_since_the_alert_are_looked_through(self, simulator, send, alert):
        send(alert(created_at="2026-11-23T09:30:00+00:00"), repeated=True)
        send(alert(created_at="2999-01-01T00:00:00+00:00"), repeated=True)
        send(alert(created_at="1950-01-01T00:00:00+00:00"), repeated=True)

        asked = [dict(parse_qsl(r.body.decode())) for r in simulator.requests if r.path.endswith("history")]
        past, future, ancient = (float(form["oldest"]) for form in asked)
        assert past <= 1795426140.0
        assert future < 32472144000.0
        assert ancient == 0.0

    def test_without_the_scope_a_marked_copy_is_sent(self, simulator, refused, send):
        simulator.scopes = "chat:write"
        simulator.fail("lost_answer")
        refused()
        send(repeated=True)

        assert [REPEATED in received.text for received in simulator.received()] == [False, True]

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(503),
            Answer(429, headers={"Retry-After": "30"}),
            Answer(200, b"<html>"),
            Answer(200, b"{" + b" " * 70_000),
            Answer(200, b'{"ok": false, "error": "channel_not_found"}'),
            Answer(200, b'{"ok": true}'),
            Answer(200, b'{"ok": true, "messages": [null, 7, {"metadata": 7}, {"metadata": {"event_type": "other"}}]}'),
            Answer(200, b'{"ok": true, "messages": [{"metadata": {"event_type": "tocsin_alert"}, "ts": "1.1"}]}'),
            Answer(
                200,
                b'{"ok": true, "messages": [{"metadata": {"event_type": "tocsin_alert", "event_payload": {"key": "'
                + b"0" * 32
                + b'"}}}]}',
            ),
        ],
    )
    def test_a_search_that_fails_does_not_keep_the_alert_back(self, simulator, send, monkeypatch, answer):
        monkeypatch.setattr(simulator, "other", lambda request: answer)

        assert REPEATED in simulator.received()[0].text if send(repeated=True) else False
