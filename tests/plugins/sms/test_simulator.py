"""The simulator is as strict as the provider."""

import json

import pytest

from tocsin.testing import FaultKind


@pytest.fixture
def create(simulator, http):
    """One POST to Messages.json; None leaves a field out."""
    settings = simulator.settings()

    def post(auth=(settings["account_sid"], settings["auth_token"]), json=None, **fields):
        form = {"To": "+15005550010", "From": "+15005550006", "Body": "x"} | fields
        form = {name: value for name, value in form.items() if value is not None}
        address = f"{simulator.url}/2010-04-01/Accounts/{settings['account_sid']}/Messages.json"
        return http.post(address, form=None if json else form, json=json, auth=auth)

    return post


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": None}, 21604),
        ({"To": "+0987654321"}, 21211),
        ({"To": "+15005550006"}, 21266),
        ({"From": None}, 21603),
        ({"From": "+15005550007"}, 21606),
        ({"Body": None}, 21602),
        ({"Body": " "}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"StatusCallback": "https://my_host.example.com"}, 21609),
        ({"StatusCallback": "https://example.com/" + "a" * 3981}, 21609),
        ({"ValidityPeriod": "0"}, 21624),
        ({"ValidityPeriod": "36001"}, 21624),
    ],
)
def test_it_refuses(simulator, create, fields, code):
    answer = create(**fields)

    assert (answer.status, answer.json()["code"]) == (400, code)
    assert simulator.received() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"Body": "x" * 1600},
        {"ValidityPeriod": "1"},
        {"ValidityPeriod": "36000"},
        {"StatusCallback": "https://example.com/" + "a" * 3980},
    ],
)
def test_exactly_the_limit_is_taken(create, fields):
    assert create(**fields).status == 201


def test_json_and_wrong_credentials_are_refused_before_anything_else(simulator, create):
    assert create(json={"To": "+15005550010"}).status == 415
    assert create(auth=("AC1", "x")).json()["code"] == 20003
    assert simulator.received() == []


@pytest.mark.parametrize("kind", sorted(set(FaultKind) - {FaultKind.HANG, FaultKind.DRIP}))
def test_every_fault_is_met_and_the_next_message_is_taken(simulator, send, refused, kind):
    simulator.fail(kind)
    refused()

    assert send().provider_id


def test_settings_are_plain_values(simulator):
    assert json.loads(json.dumps(simulator.settings())) == simulator.settings()
    assert simulator.settings()["to"] == simulator.addresses()


def test_a_restricted_key_may_send_without_being_allowed_to_look(simulator, create, http):
    keys = simulator.key_settings()
    auth, simulator.key_may_look = (keys["api_key_sid"], keys["api_key_secret"]), False

    assert create(auth=auth).status == 201
    for path in ("/Messages.json", ".json"):
        answer = http.get(f"{simulator.url}/2010-04-01/Accounts/{keys['account_sid']}{path}", auth=auth)
        assert (answer.status, answer.json()["code"]) == (401, 20003)
