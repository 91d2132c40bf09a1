"""Health asks whether the token works and whether the bot may post; it never sends."""

from urllib.parse import parse_qsl

import jsonschema
import pytest

from tocsin import AuthError, DeliveryError
from tocsin.testing import Answer

CHANNEL = "C0000000001"


def test_all_is_well(simulator, health, schema):
    found = health()

    assert found.state == "ok"
    assert found.reason == (
        "the token works and the bot may post to every channel; 1 webhooks cannot be checked without sending"
    )
    assert [request.path for request in simulator.requests] == ["/api/auth.test", "/api/conversations.info"]
    assert simulator.received() == []
    form = dict(parse_qsl(simulator.requests[1].body.decode()))
    jsonschema.validate(form, schema("conversations.info"))
    assert form == {"channel": CHANNEL}


def test_webhooks_alone_are_unknown_and_not_called(simulator, channel_to, health):
    found = health(channel_to(bot_token=None, channel_ids=[]))

    assert (found.state, found.details) == ("unknown", {"webhooks": 1})
    assert simulator.calls == 0


def test_a_refused_token(channel_to, health):
    with pytest.raises(AuthError) as caught:
        health(channel_to(bot_token="xoxb-s3cr3t"))

    assert caught.value.scope == "channel"
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"is_archived": True}, "the channel is archived"),
        ({"is_member": False}, "the bot is not in the channel; invite it with /invite @app"),
        ({"is_member": False, "is_private": True}, "the bot is not in the channel; invite it with /invite @app"),
        (None, "Slack says channel_not_found (HTTP 200)"),
    ],
)
def test_a_channel_that_cannot_be_posted_to(simulator, health, facts, reason):
    if facts is None:
        simulator.channels.clear()
    else:
        simulator.channels[CHANNEL] = facts
    found = health()

    assert found.state == "failing"
    assert found.reason == f"1 of 1 channels cannot be posted to: C0…01: {reason}"
    assert found.details["error_kind"] == "invalid_recipient"


def test_a_public_channel_needs_no_member_where_the_scope_allows_it(simulator, health):
    simulator.scopes = "chat:write,chat:write.public,channels:read"
    simulator.channels[CHANNEL] = {"is_member": False, "is_private": False}

    assert health().state == "ok"


def test_a_direct_message_has_no_members(simulator, health):
    simulator.channels[CHANNEL] = {"is_im": True}

    assert health().state == "ok"


def test_a_token_that_may_not_post(simulator, health):
    simulator.scopes = "channels:read"
    found = health()

    assert (found.state, found.details["error_kind"]) == ("failing", "auth")
    assert "chat:write" in found.reason


def test_without_the_scope_to_look_channels_up_they_are_not_checked(simulator, health):
    simulator.scopes = "chat:write"
    found = health()

    assert found.state == "ok"
    assert "1 of 1 channels cannot be looked up" in found.reason


def test_people_and_names_are_not_looked_up(simulator, channel_to, health):
    found = health(channel_to(channel_ids=["U0000000001", "W0000000001", "#alerts"]))

    assert (found.state, found.details["unchecked"]) == ("ok", 4)
    assert simulator.calls == 1


def test_a_provider_that_fails_is_a_failure(simulator, health, monkeypatch):
    monkeypatch.setattr(simulator, "other", lambda request: Answer(503))
    with pytest.raises(DeliveryError) as caught:
        health()

    assert caught.value.kind == "server"


def test_a_provider_that_fails_in_the_middle_is_a_failure(simulator, health, monkeypatch):
    answer = simulator.other
    monkeypatch.setattr(simulator, "other", lambda request: answer(request) if "auth" in request.path else Answer(429))
    with pytest.raises(DeliveryError) as caught:
        health()

    assert caught.value.kind == "rate_limited"
