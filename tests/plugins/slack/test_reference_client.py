"""The requests are those of slack_sdk, Slack's own client, for the same message."""

import json
from urllib.parse import parse_qsl

import pytest
from slack_sdk import WebClient, WebhookClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.attachments import BlockAttachment
from slack_sdk.models.blocks import Block
from slack_sdk.models.metadata import Metadata

from tocsin.testing.showcase import showcase
from tocsin_slack.format import POSTED, message

CHANNEL = "C0000000001"
TOKEN = "xoxb-100000000001-simulated"


@pytest.fixture
def reference(simulator):
    """Slack's client for the Web API, to the simulator."""
    return WebClient(token=TOKEN, base_url=f"{simulator.url}/api/")


def seen(request):
    """What of a request Slack looks at; slack_sdk writes the media type without a blank."""
    media = request.headers["Content-Type"].replace(" ", "").lower()
    body = json.loads(request.body) if "json" in media else dict(parse_qsl(request.body.decode()))
    return request.method, request.path, request.headers.get("Authorization"), media, body


def last_two(simulator):
    ours, theirs = simulator.requests[-2:]
    return seen(ours), seen(theirs)


def arguments(alert, *, plain=False, edit=False):
    """The message in the words of slack_sdk, whose models check it on the way."""
    body = message(alert, plain=plain, edit=edit)
    made = [
        BlockAttachment(color=one["color"], fallback=one["fallback"], blocks=Block.parse_all(one["blocks"]))
        for one in body["attachments"]
    ]
    return {"text": body["text"], "attachments": made, **POSTED}


def metadata():
    return Metadata(event_type="tocsin_alert", event_payload={"key": "0" * 32})


@pytest.mark.parametrize("name", showcase())
def test_a_new_message(simulator, send, reference, name):
    alert = showcase()[name]
    receipt = send(alert)
    answer = reference.chat_postMessage(channel=CHANNEL, metadata=metadata(), **arguments(alert))
    ours, theirs = last_two(simulator)

    assert ours == theirs
    assert ours[:4] == ("POST", "/api/chat.postMessage", f"Bearer {TOKEN}", "application/json;charset=utf-8")
    assert (receipt.provider_id is None, answer["ok"], answer["channel"]) == (False, True, CHANNEL)


def test_the_simpler_form(simulator, send, reference):
    send(showcase()["worst"], plain=True)
    reference.chat_postMessage(channel=CHANNEL, **arguments(showcase()["worst"], plain=True))
    ours, theirs = last_two(simulator)

    assert ours == theirs


def test_an_edit(simulator, send, reference):
    alert = showcase()["worst"]
    first = send()
    send(alert, previous=first)
    changed = {name: value for name, value in arguments(alert, edit=True).items() if name in ("text", "attachments")}
    reference.chat_update(channel=CHANNEL, ts=first.provider_id, parse="none", link_names=False, **changed)
    ours, theirs = last_two(simulator)

    assert ours == theirs
    assert ours[1] == "/api/chat.update"


def test_a_reply(simulator, send, reference):
    alert = showcase()["worst"]
    first = send()
    send(alert, previous=first, louder=True)
    under = {"thread_ts": first.provider_id, "reply_broadcast": True}
    reference.chat_postMessage(channel=CHANNEL, metadata=metadata(), **under, **arguments(alert))
    ours, theirs = last_two(simulator)

    assert ours == theirs


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("name", showcase())
def test_a_webhook(simulator, send, name, plain):
    alert = showcase()[name]
    send(alert, to=0, plain=plain)
    answer = WebhookClient(simulator.addresses()[0]).send_dict(arguments(alert, plain=plain))
    ours, theirs = last_two(simulator)

    assert ours == theirs
    assert ours[2] is None
    assert (answer.status_code, answer.body) == (200, "ok")


def test_health_and_the_search_for_a_copy_ask_the_same(simulator, health, reference, send):
    health()
    send(repeated=True)
    ours = [seen(request) for request in simulator.requests[:3]]
    oldest = ours[2][4]["oldest"]
    simulator.requests.clear()
    reference.auth_test()
    reference.conversations_info(channel=CHANNEL)
    reference.conversations_history(channel=CHANNEL, include_all_metadata=True, limit=15, oldest=oldest)
    theirs = [seen(request) for request in simulator.requests]

    assert ours[1:] == theirs[1:]
    assert ours[0][:3] == theirs[0][:3]


def test_what_slack_sdk_takes_for_a_failure_is_one(simulator, refused, reference):
    for word in ("channel_not_found", "invalid_auth", "fatal_error"):
        simulator.script(word)
        simulator.script(word)
        assert refused().provider_code == word
        with pytest.raises(SlackApiError, match=word):
            reference.chat_postMessage(channel=CHANNEL, text="t")
