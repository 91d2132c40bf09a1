"""Health asks who the bot is and whether it sees each chat; it never sends."""

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

    assert health().state == "ok"


def test_a_provider_that_fails_is_a_failure(simulator, health, monkeypatch):
    monkeypatch.setattr(simulator, "other", lambda request: Answer(503))
    with pytest.raises(DeliveryError) as caught:
        health()

    assert caught.value.kind == "server"
