"""What goes to Slack, and what comes back."""

import json
import threading

import jsonschema
import pytest

from tocsin import AlertPriority, AlertStatus, Receipt
from tocsin.rendering import REPEATED
from tocsin.testing import Answer
from tocsin_slack.thread import Earlier, Step

CHANNEL = "C0000000001"


def test_a_webhook_takes_the_message_and_tells_nothing_about_it(simulator, send, bodies, schema):
    receipt = send(to=0)

    (received,) = simulator.received()
    assert received.address == simulator.addresses()[0]
    assert "Disk full" in received.text
    assert receipt == Receipt()
    jsonschema.validate(bodies()[0], schema("incoming webhook"))


def test_a_bot_posts_to_its_channel_and_keeps_what_finds_the_message_again(simulator, send, bodies, schema):
    receipt = send(to=1)

    (received,) = simulator.received()
    assert (received.address, received.provider_id) == (CHANNEL, receipt.provider_id)
    assert receipt.details == {"status": "firing", "priority": "HIGH"}
    (body,) = bodies("chat.postMessage")
    jsonschema.validate(body, schema("chat.postMessage"))
    assert (body["channel"], body["mrkdwn"], body["unfurl_links"], body["unfurl_media"]) == (CHANNEL, *[False] * 3)


def test_the_token_goes_into_the_header_and_json_says_its_charset(simulator, send):
    send(to=1)

    headers = simulator.requests[0].headers
    assert headers["Authorization"] == "Bearer xoxb-100000000001-simulated"
    assert headers["Content-Type"] == "application/json; charset=utf-8"


def test_the_token_does_not_go_to_a_webhook(simulator, send):
    send(to=0)

    assert "Authorization" not in simulator.requests[0].headers


def test_an_address_of_the_api_may_end_in_a_slash(simulator, channel_to, send):
    send(by=channel_to(api_url=f"{simulator.url}/proxy/api/"))

    assert simulator.requests[0].path == "/proxy/api/chat.postMessage"


@pytest.mark.parametrize("to", [0, 1])
def test_the_simpler_form_is_sent_when_asked_for(send, simulator, to):
    send(to=to, plain=True)

    assert simulator.received()[0].raw["attachments"] == []


@pytest.mark.parametrize("to", [0, 1])
def test_a_copy_that_may_be_the_second_one_is_marked(simulator, send, to):
    send(to=to, repeated=True)

    assert REPEATED in simulator.received()[0].text


class TestSameDedupKey:
    """A bot keeps alerts of the same ``dedup_key`` together."""

    @pytest.mark.parametrize("status", ["acknowledged", "resolved"])
    def test_a_new_status_edits_the_message(self, simulator, send, alert, bodies, schema, status):
        first = send()
        second = send(alert(status=status), previous=first)

        (body,) = bodies("chat.update")
        jsonschema.validate(body, schema("chat.update"))
        assert (body["channel"], body["ts"]) == (CHANNEL, first.provider_id)
        assert (body["parse"], body["link_names"]) == ("none", False)
        assert second.provider_id == first.provider_id
        assert second.details == first.details | {"edited": True, "status": status}
        assert simulator.posted(first.provider_id)["text"] == f"🟠 {status.capitalize()}: Disk full"

    def test_less_urgency_edits_and_more_of_it_is_a_reply_that_all_see(self, send, alert, bodies, schema):
        first = send(alert(priority="MEDIUM"))
        second = send(alert(priority="LOW"), previous=first)
        third = send(alert(priority="CRITICAL"), previous=second)

        assert second.details["edited"] is True
        reply = bodies("chat.postMessage")[1]
        jsonschema.validate(reply, schema("chat.postMessage"))
        assert (reply["thread_ts"], reply["reply_broadcast"]) == (first.provider_id, True)
        assert third.provider_id not in (first.provider_id, None)
        assert third.details["thread_ts"] == first.provider_id

    def test_after_a_reply_the_first_message_is_still_the_one_that_is_edited(self, send, alert, bodies):
        first = send(alert(priority="LOW"))
        reply = send(alert(priority="HIGH"), previous=first)
        last = send(alert(status="resolved"), previous=reply)

        assert bodies("chat.update")[0]["ts"] == first.provider_id == last.provider_id

    def test_firing_again_after_it_was_resolved_is_a_new_message(self, send, alert, bodies):
        first = send()
        second = send(alert(status="resolved"), previous=first)
        third = send(alert(), previous=second)

        assert third.provider_id != first.provider_id
        assert "thread_ts" not in bodies("chat.postMessage")[1]

    def test_the_simpler_form_takes_the_blocks_away(self, simulator, send, alert):
        first = send()
        send(alert(status="resolved"), previous=first, plain=True)

        assert simulator.posted(first.provider_id)["attachments"] == []

    def test_a_deleted_message_is_posted_anew(self, simulator, send, alert):
        first = send()
        simulator.delete(first.provider_id)
        second = send(alert(status="resolved"), previous=first)

        assert second.provider_id != first.provider_id
        assert "edited" not in second.details

    @pytest.mark.parametrize("word", ["cant_update_message", "edit_window_closed", "block_mismatch"])
    def test_what_cannot_be_edited_is_posted_anew(self, simulator, send, alert, word):
        first = send()
        simulator.script(word)

        assert send(alert(status="resolved"), previous=first).provider_id != first.provider_id

    @pytest.mark.parametrize("word", ["cannot_reply_to_message", "restricted_action_thread_locked"])
    def test_where_no_reply_can_stand_a_message_does(self, simulator, send, alert, bodies, word):
        first = send(alert(priority="LOW"))
        simulator.script(word)
        second = send(alert(priority="CRITICAL"), previous=first)

        assert "thread_ts" not in bodies("chat.postMessage")[2]
        assert "thread_ts" not in second.details

    @pytest.mark.parametrize("word", ["channel_not_found", "ratelimited", "fatal_error"])
    def test_any_other_refusal_of_an_edit_is_a_failure(self, simulator, send, alert, refused, word):
        first = send()
        simulator.script(word)

        assert refused(alert(status="resolved"), previous=first).provider_code == word
        assert simulator.calls == 2

    def test_an_edit_carries_no_mark_of_a_repeat(self, simulator, send, alert):
        first = send()
        send(alert(status="resolved"), previous=first, repeated=True)

        assert REPEATED not in simulator.received()[1].text

    def test_a_webhook_sends_a_new_message_each_time(self, simulator, send, alert):
        first = send(to=0)
        send(alert(status="resolved"), to=0, previous=first)

        assert [request.path.split("/")[1] for request in simulator.requests] == ["services"] * 2


@pytest.mark.parametrize(
    ("status", "priority", "then", "rank", "step"),
    [
        ("firing", "HIGH", "firing", "HIGH", Step.EDIT),
        ("firing", "HIGH", "firing", "LOW", Step.EDIT),
        ("firing", "HIGH", "firing", "CRITICAL", Step.REPLY),
        ("acknowledged", "HIGH", "firing", "HIGH", Step.EDIT),
        ("acknowledged", "HIGH", "firing", "CRITICAL", Step.REPLY),
        ("resolved", "HIGH", "firing", "LOW", Step.NEW),
        ("resolved", "LOW", "firing", "CRITICAL", Step.NEW),
        ("resolved", "HIGH", "resolved", "HIGH", Step.EDIT),
        ("firing", "LOW", "resolved", "CRITICAL", Step.EDIT),
        ("", "", "firing", "CRITICAL", Step.EDIT),
        ("what", "EVER", "firing", "CRITICAL", Step.EDIT),
    ],
)
def test_what_follows_from_status_and_urgency(alert, status, priority, then, rank, step):
    earlier = Earlier("C1", "1.1", status, priority)

    assert earlier.step(alert(status=AlertStatus(then), priority=AlertPriority(rank))) is step


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


def test_many_threads_share_one_channel(simulator, send):
    threads = [threading.Thread(target=send, kwargs={"to": number % 2}) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    hook, channel = simulator.addresses()
    assert (len(simulator.received(hook)), len(simulator.received(channel))) == (6, 6)
