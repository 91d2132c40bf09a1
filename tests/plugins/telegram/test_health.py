"""Health asks who the bot is and whether it sees each chat; it never sends."""

import json

import jsonschema
import pytest

from tocsin import AuthError, DeliveryError
from tocsin.testing import Answer

GROUP = "-1001000000001"


def test_all_is_well(simulator, health, requests, schemas):
    found = health()

    assert (found.state, found.details["chats"]) == ("ok", 2)
    assert [request.path.rpartition("/")[2] for request in simulator.requests] == ["getMe", "getChat", "getChat"]
    assert simulator.received() == []
    for fields in requests("getChat"):
        jsonschema.validate(fields, schemas["getChat"])


@pytest.mark.parametrize("token", ["1:wrong", "malformed"])
def test_a_refused_token(channel_to, health, token):
    with pytest.raises(AuthError) as caught:
        health(channel_to(bot_token=token))

    assert token not in f"{caught.value} {caught.value.hint}"


def test_a_chat_that_the_bot_does_not_see(simulator, health):
    simulator.chats.discard(GROUP)
    found = health()

    assert found.state == "failing"
    assert found.reason == "1 of 2 chats cannot be reached: -1…01: Telegram: chat not found (HTTP 400)"
    assert found.details["error_kind"] == "invalid_recipient"


def test_an_upgraded_group_is_followed_here_too(simulator, health):
    simulator.upgrade(GROUP, -1009999999999)

    found = health()

    assert found.state == "ok"
    assert found.reason.endswith("; -1…01 became a supergroup, put its new id into chat_ids")
    assert "9999999999" not in found.reason


@pytest.mark.parametrize(("known", "state"), [([f"{GROUP}:7"], "ok"), ([], "failing")])
def test_a_topic_needs_a_group_with_topics(simulator, channel_to, health, known, state):
    simulator.chats.update(known)
    found = health(channel_to(chat_ids=[f"{GROUP}:7"]))

    assert found.state == state
    assert ("has no topics" in found.reason) is (state == "failing")


@pytest.mark.parametrize("chat", [f"{GROUP}:1", "200000002:7"])
def test_the_general_topic_and_a_private_chats_topics_need_no_forum(channel_to, health, chat):
    assert health(channel_to(chat_ids=[chat])).state == "ok"


def test_a_wait_that_names_no_chat_is_for_all_of_them(simulator, health, monkeypatch):
    body = {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 9}}
    monkeypatch.setattr(simulator, "other", lambda request: Answer(429, json.dumps(body).encode()))
    with pytest.raises(DeliveryError) as caught:
        health()

    assert (caught.value.kind, caught.value.scope, caught.value.retry_after) == ("rate_limited", "channel", 9.0)


def test_a_provider_that_fails_is_a_failure(simulator, health, monkeypatch):
    monkeypatch.setattr(simulator, "other", lambda request: Answer(503))
    with pytest.raises(DeliveryError) as caught:
        health()

    assert caught.value.kind == "server"
