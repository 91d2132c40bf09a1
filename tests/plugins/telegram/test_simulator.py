"""The simulator is as strict as the provider."""

import json

import pytest

from tocsin.testing import FaultKind
from tocsin_telegram.format import REQUEST_LIMIT, TEXT_LIMIT


@pytest.fixture
def call(simulator, http):
    """One call of the API, with the simulator's own token."""

    def ask(method="sendMessage", **fields):
        address = f"{simulator.url}/bot{simulator.settings()['bot_token']}/{method}"
        answer = http.post(address, json={"chat_id": "200000002"} | fields)
        return answer.status, answer.json()

    return ask


@pytest.mark.parametrize(
    ("fields", "description"),
    [
        ({"text": ""}, "Bad Request: message text is empty"),
        ({"text": " \n"}, "Bad Request: message text is empty"),
        ({"text": "<b></b>", "parse_mode": "HTML"}, "Bad Request: message text is empty"),
        ({"text": "x" * (TEXT_LIMIT + 1)}, "Bad Request: message is too long"),
        ({"text": "<b>x", "parse_mode": "HTML"}, "Bad Request: can't parse entities: Can't find end tag"),
        ({"text": "x", "parse_mode": "XML"}, "Bad Request: unsupported parse_mode"),
        ({"text": "x", "chat_id": 5}, "Bad Request: chat not found"),
        ({"text": "x", "chat_id": ""}, "Bad Request: chat_id is empty"),
        ({"text": "x", "message_thread_id": 5}, "Bad Request: message thread not found"),
        ({"text": "x", "message_thread_id": 1}, "Bad Request: message thread not found"),
        ({"text": "x", "reply_parameters": {"message_id": 9}}, "Bad Request: message to be replied not found"),
    ],
)
def test_it_refuses(simulator, call, fields, description):
    status, body = call(**fields)

    assert (status, body["ok"]) == (400, False)
    assert body["description"].startswith(description)
    assert simulator.received() == []


@pytest.mark.parametrize(("surplus", "status"), [(0, 200), (1, 413)])
def test_a_request_over_32_kib_is_refused(simulator, http, surplus, status):
    fixed = len(json.dumps({"chat_id": "200000002", "text": "x", "filler": ""}))
    body = json.dumps({"chat_id": "200000002", "text": "x", "filler": "y" * (REQUEST_LIMIT - fixed + surplus)})
    address = f"{simulator.url}/bot{simulator.settings()['bot_token']}/sendMessage"

    assert len(body) == REQUEST_LIMIT + surplus
    assert http.post(address, content=body.encode()).status == status


def test_exactly_the_limit_is_taken(call):
    assert call(text="👍" * TEXT_LIMIT)[1]["ok"]
    assert not call(text="👍" * (TEXT_LIMIT + 1))[1]["ok"]
    assert call(text="<b>" + "&amp;" * TEXT_LIMIT + "</b>", parse_mode="HTML")[1]["ok"]


def test_a_form_is_as_good_as_json(simulator, http):
    address = f"{simulator.url}/bot{simulator.settings()['bot_token']}/sendMessage"
    form = {"chat_id": "200000002", "text": "12", "link_preview_options": '{"is_disabled": true}'}

    assert http.post(address, form=form).status == 200
    assert simulator.received()[0].raw == {
        "chat_id": 200000002,
        "text": "12",
        "link_preview_options": {"is_disabled": True},
    }


def test_an_unknown_method_and_a_body_that_is_no_json(simulator, call, http):
    assert call("sendTelegram")[0] == 404
    address = f"{simulator.url}/bot{simulator.settings()['bot_token']}/sendMessage"
    assert http.post(address, content=b"{").status == 400


@pytest.mark.parametrize("kind", sorted(set(FaultKind) - {FaultKind.HANG, FaultKind.DRIP}))
def test_every_fault_is_met_and_the_next_message_is_taken(simulator, send, refused, kind):
    simulator.fail(kind)
    refused()

    assert send().provider_id


def test_settings_are_plain_values(simulator):
    assert json.loads(json.dumps(simulator.settings())) == simulator.settings()
    assert simulator.settings()["chat_ids"] == simulator.addresses()
