"""The simulator is as strict as the provider."""

import pytest

from tocsin.testing import FaultKind
from tocsin_discord.format import (
    CONTENT_LIMIT,
    DESCRIPTION_LIMIT,
    FIELD_NAME_LIMIT,
    FIELD_VALUE_LIMIT,
    FIELDS_LIMIT,
    FOOTER_LIMIT,
    TITLE_LIMIT,
    TOTAL_LIMIT,
)
from tocsin_discord.names import THREAD_NAME_LIMIT, USERNAME_LIMIT


@pytest.fixture
def post(simulator, http):
    """Execute the first webhook; gives the status and the code."""

    def call(body, query="?wait=true"):
        answer = http.post(f"{simulator.addresses()[0]}{query}", json=body)
        return answer.status, answer.json().get("code")

    return call


def embed(**values):
    return {"embeds": [values]}


def field(name="n", value="v"):
    return {"name": name, "value": value}


FORM = (400, 50035)
TAKEN = (200, None)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"content": "x" * CONTENT_LIMIT}, TAKEN),
        ({"content": " " + "x" * CONTENT_LIMIT + "\n"}, TAKEN),
        ({"content": "x" * (CONTENT_LIMIT + 1)}, FORM),
        ({}, (400, 50006)),
        ({"content": " \n", "embeds": []}, (400, 50006)),
        (embed(title="x" * TITLE_LIMIT), TAKEN),
        (embed(title="x" * (TITLE_LIMIT + 1)), FORM),
        (embed(description="x" * DESCRIPTION_LIMIT), TAKEN),
        (embed(description="x" * (DESCRIPTION_LIMIT + 1)), FORM),
        (embed(footer={"text": "x" * FOOTER_LIMIT}), TAKEN),
        (embed(footer={"text": "x" * (FOOTER_LIMIT + 1)}), FORM),
        (embed(fields=[field()] * FIELDS_LIMIT), TAKEN),
        (embed(fields=[field()] * (FIELDS_LIMIT + 1)), FORM),
        (embed(fields=[field("x" * FIELD_NAME_LIMIT)]), TAKEN),
        (embed(fields=[field("x" * (FIELD_NAME_LIMIT + 1))]), FORM),
        (embed(fields=[field(value="x" * FIELD_VALUE_LIMIT)]), TAKEN),
        (embed(fields=[field(value="x" * (FIELD_VALUE_LIMIT + 1))]), FORM),
        (embed(fields=[field("")]), FORM),
        (embed(fields=[field(value=" ")]), FORM),
        (embed(color=0xFFFFFF), TAKEN),
        (embed(color=0x1000000), FORM),
        (embed(color="#FF0000"), FORM),
        ({"content": "x", "username": "x" * USERNAME_LIMIT}, TAKEN),
        ({"content": "x", "username": "x" * (USERNAME_LIMIT + 1)}, FORM),
        ({"content": "x", "username": " "}, FORM),
        ({"content": "x", "username": "myDiscord"}, FORM),
        ({"content": "x", "username": "clydesdale"}, FORM),
        ({"content": "x", "thread_name": "x" * (THREAD_NAME_LIMIT + 1)}, FORM),
        ({"content": "x", "thread_name": "x" * THREAD_NAME_LIMIT}, (400, 220003)),
        ({"embeds": [{"title": "x"}] * 10}, TAKEN),
        ({"embeds": [{"title": "x"}] * 11}, FORM),
        ({"embeds": [{"description": "x" * (TOTAL_LIMIT // 2)}] * 2}, TAKEN),
        ({"embeds": [{"description": "x" * (TOTAL_LIMIT // 2)}, {"description": "x" * (TOTAL_LIMIT // 2 + 1)}]}, FORM),
    ],
)
def test_messages_are_checked(post, body, answer):
    assert post(body) == answer


@pytest.mark.parametrize(
    ("query", "names", "answer"),
    [
        ("", {}, (400, 220001)),
        ("", {"thread_name": "x"}, TAKEN),
        ("&thread_id=42", {}, TAKEN),
        ("&thread_id=42", {"thread_name": "x"}, (400, 220002)),
        ("&thread_id=43", {}, (404, 10003)),
    ],
)
def test_a_forum_takes_either_a_thread_or_the_name_of_a_new_one(simulator, post, query, names, answer):
    simulator.forums = set(simulator.hooks)

    assert post({"content": "x"} | names, query=f"?wait=true{query}") == answer


def test_a_message_in_a_thread_is_found_by_the_thread_alone(simulator, http):
    webhook = simulator.addresses()[0]
    message = http.post(f"{webhook}?wait=true&thread_id=42", json={"content": "x"}).json()["id"]
    answers = [
        http.request("PATCH", f"{webhook}/messages/{message}{query}", json={"content": "y"}).status
        for query in ("", "?thread_id=42")
    ]

    assert answers == [404, 200]


def test_each_answer_tells_what_is_left_of_the_bucket(simulator, http):
    simulator.exhaust(1.5)
    answers = [http.post(simulator.addresses()[0], json={"content": "x"}).headers for _ in range(2)]

    assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["0", "4"]
    assert answers[0]["X-RateLimit-Reset-After"] == "1.5"


def test_without_wait_nothing_is_said(simulator, post):
    assert post({"content": "x"}, query="") == (204, None)
    assert len(simulator.received()) == 1


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/webhooks/3/gone", (404, 10015)),
        ("/api/webhooks/100000000000000001/wrong", (401, 50027)),
        ("/api/webhooks/nothing", (404, 0)),
        ("/somewhere", (404, 0)),
    ],
)
def test_an_unknown_webhook_is_refused(simulator, http, path, answer):
    found = http.post(f"{simulator.url}{path}", json={"content": "x"})

    assert (found.status, found.json()["code"]) == answer
    assert simulator.received() == []


def test_an_edit_needs_a_message(simulator, http):
    found = http.request("PATCH", f"{simulator.addresses()[0]}/messages/7", json={"content": "x"})

    assert (found.status, found.json()["code"]) == (404, 10008)


def test_a_body_that_is_no_json_object_is_no_message(simulator, http):
    for content in (b"{", b"[]", b"\xff"):
        assert http.post(simulator.addresses()[0], content=content).json()["code"] == 50006


def test_what_a_person_reads(simulator, post):
    post(
        {
            "content": r"a\_b",
            "embeds": [
                {"title": "t", "fields": [field(r"\*n\*", "```\nx\\_`\u2060`\n```")], "footer": {"text": r"f\_"}}
            ],
        }
    )

    assert simulator.received()[0].text == "a_b\nt\n*n*\nx\\_``\nf\\_"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FaultKind.RATE_LIMITED, "rate_limited"),
        (FaultKind.SERVER_ERROR, "server"),
        (FaultKind.UNAUTHORIZED, "auth"),
        (FaultKind.REFUSED_RECIPIENT, "invalid_recipient"),
        (FaultKind.REFUSED_PAYLOAD, "payload"),
        (FaultKind.LIE, "timeout"),
        (FaultKind.STATUS, "server"),
        (FaultKind.GARBAGE, "timeout"),
        (FaultKind.OVERSIZE, "timeout"),
        (FaultKind.HALF_ANSWER, "timeout"),
        (FaultKind.LOST_ANSWER, "connection"),
        (FaultKind.RESET, "connection"),
    ],
)
def test_every_fault_is_met(simulator, refused, kind, expected):
    simulator.fail(kind)
    error = refused()

    assert error.kind == expected
    assert (error.outcome == "unknown") is (expected in ("timeout", "connection"))
