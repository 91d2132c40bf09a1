"""Health asks for the account's state; it never sends."""

import json

import jsonschema
import pytest

from tocsin import AuthError, DeliveryError
from tocsin.testing import Answer
from tocsin_sms import SmsChannel


def test_all_is_well(simulator, health, schemas):
    assert health().state == "ok"
    (request,) = simulator.requests
    assert (request.method, request.path) == ("GET", "/2010-04-01/Accounts/AC00000000000000000000000000000001.json")
    assert simulator.received() == []
    jsonschema.validate(json.loads(simulator.other(request).body), schemas["account"])


def test_an_api_key_is_tried_on_the_messages_since_only_a_main_key_sees_the_account(simulator, health):
    found = health(SmsChannel(**simulator.key_settings()))

    (request,) = simulator.requests
    assert found.state == "ok"
    assert (request.method, request.path, dict(request.query)) == (
        "GET",
        "/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json",
        {"PageSize": "1"},
    )


def test_an_api_key_that_was_revoked_is_refused(simulator, health):
    with pytest.raises(AuthError):
        health(SmsChannel(**simulator.key_settings() | {"api_key_secret": "canary-4711"}))


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_an_account_that_is_not_active(simulator, health, status):
    simulator.account_status = status
    found = health()

    assert (found.state, found.reason) == ("failing", f"the account is {status}")
    assert found.details["error_kind"] == "auth"


def test_a_new_state_is_not_repeated(simulator, health):
    simulator.account_status = "canary-4711"

    assert health().reason == "the account is not active"


@pytest.mark.parametrize(
    "changes", [{"auth_token": "canary-4711"}, {"account_sid": "AC00000000000000000000000000000099"}]
)
def test_refused_credentials(channel_to, health, changes):
    with pytest.raises(AuthError) as caught:
        health(channel_to(**changes))

    assert "canary-4711" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("answer", "kind"), [(Answer(503), "server"), (Answer(200, b"{"), "timeout"), (Answer(302), "client")]
)
def test_a_provider_that_fails_is_a_failure(simulator, health, monkeypatch, answer, kind):
    monkeypatch.setattr(simulator, "other", lambda request: answer)
    with pytest.raises(DeliveryError) as caught:
        health()

    assert caught.value.kind == kind
