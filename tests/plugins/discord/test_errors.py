"""Each documented answer has its kind, scope and outcome; nothing of the provider's own text is passed on."""

import json

import pytest

from tocsin import DeliveryTimeout, Scope
from tocsin.http import HttpResponse
from tocsin.testing import Answer, Fault
from tocsin_discord.errors import CODES, EDIT_IMPOSSIBLE, failure

CANARY = "canary-4711"

GONE = ("invalid_recipient", "recipient", "gone")
AUTH = ("auth", "recipient", "credentials")
PAYLOAD = ("payload", "message", "refused")
LIMITED = ("rate_limited", "recipient", "retry")
LATER = ("server", "channel", "retry")
UNKNOWN = ("server", "channel", "unknown")
CLIENT = ("client", "message", "refused")
BLOCKED = ("client", "channel", "refused")

# docs.discord.com/developers/topics/opcodes-and-status-codes#json: status, code, and what it is.
ROWS = [
    (404, 10003, GONE),
    (404, 10004, GONE),
    (404, 10015, GONE),
    (404, 10016, GONE),
    (403, 50001, GONE),
    (403, 50013, GONE),
    (400, 50008, GONE),
    (400, 50024, GONE),
    (400, 50083, GONE),
    (403, 160005, GONE),
    (400, 40058, GONE),
    (400, 40066, GONE),
    (400, 40067, GONE),
    (400, 220001, GONE),
    (400, 220003, GONE),
    (400, 220004, GONE),
    (401, 40001, AUTH),
    (401, 50014, AUTH),
    (401, 50027, AUTH),
    (403, 20009, PAYLOAD),
    (413, 40005, PAYLOAD),
    (400, 50006, PAYLOAD),
    (400, 50035, PAYLOAD),
    (400, 50109, PAYLOAD),
    (400, 200000, PAYLOAD),
    (400, 200001, PAYLOAD),
    (400, 240000, PAYLOAD),
    (429, 20016, LIMITED),
    (429, 20022, LIMITED),
    (429, 20028, LIMITED),
    (429, 20029, LIMITED),
    (429, 40062, LIMITED),
    (403, 40004, LATER),
    (403, 40006, LATER),
    (503, 130000, LATER),
    (403, 40333, BLOCKED),
    (400, 50041, ("config", "message", "refused")),
    (403, 50067, CLIENT),
    (403, 50095, CLIENT),
    (400, 160006, CLIENT),
    (400, 220002, CLIENT),
    (404, 10008, CLIENT),
    (400, 30046, CLIENT),
    (403, 50005, CLIENT),
    (403, 50021, CLIENT),
]


def facts(error):
    return (str(error.kind), str(error.scope), str(error.outcome))


@pytest.mark.parametrize(("status", "code", "expected"), ROWS, ids=[row[1] for row in ROWS])
def test_every_documented_code_has_its_kind(simulator, refused, status, code, expected):
    simulator.script(status, code, message=CANARY)
    error = refused()

    assert facts(error) == expected
    assert (error.status_code, error.provider_code) == (status, code)
    assert CODES[code].words in error.message
    assert simulator.calls == 1
    assert CANARY not in f"{error.message} {error.hint} {error.provider_code}"


def test_the_table_above_is_whole():
    assert {row[1] for row in ROWS} == set(CODES)
    assert set(CODES) >= EDIT_IMPOSSIBLE


@pytest.mark.parametrize("code", CODES)
def test_every_refusal_says_what_to_do(code):
    row = CODES[code]

    assert row.hint.endswith((".", "once.")) or row.failure.default_outcome == "retry"


def test_a_code_that_is_not_known_is_judged_by_its_status(simulator, refused):
    simulator.script(400, 99999, message=CANARY)
    error = refused()

    assert facts(error) == PAYLOAD
    assert error.provider_code == 99999
    assert CANARY not in f"{error.message} {error.hint}"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, AUTH),
        (404, GONE),
        (410, GONE),
        (302, CLIENT),
        (413, PAYLOAD),
        (500, UNKNOWN),
        (501, ("server", "channel", "refused")),
        (502, UNKNOWN),
        (503, LATER),
        (504, UNKNOWN),
        (520, UNKNOWN),
        (521, LATER),
        (522, LATER),
        (523, LATER),
        (524, UNKNOWN),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message": "500: Internal Server Error", "code": 0}'])
def test_a_bare_status(status, expected, body):
    error = failure(HttpResponse(status, {}, body))

    assert facts(error) == expected
    assert error.provider_code is None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_known_code_counts_more_than_its_status(status):
    assert facts(failure(HttpResponse(status, {}, b'{"code": 130000}'))) == LATER


@pytest.mark.parametrize("body", [b'{"code": true}', b'{"code": "50027"}', b'{"code": 0}'])
def test_a_refusal_in_json_without_a_number_leaves_the_webhook_to_a_probe(body):
    error = failure(HttpResponse(403, {}, body))

    assert (error.kind, error.scope, error.lasting, error.provider_code) == ("auth", "recipient", False, None)


@pytest.mark.parametrize(
    ("status", "code"), [(404, 10015), (404, 0), (401, 50027), (401, 0), (403, 50013), (400, 50083)]
)
def test_a_webhook_that_is_gone_is_left_to_a_person(simulator, refused, status, code):
    simulator.script(status, code)

    assert refused().lasting


class TestCloudflare:
    """A page instead of JSON comes from before Discord: it concerns this machine's address, and no webhook."""

    def test_its_limit_holds_everything_back(self, simulator, refused):
        simulator.answer(Answer(429, b"<html>error code: 1015</html>", {"Retry-After": "600"}))
        error = refused()

        assert (error.kind, error.scope, error.retry_after) == ("rate_limited", Scope.CHANNEL, 600.0)

    def test_a_limit_without_a_wait_holds_everything_back_for_a_minute(self):
        error = failure(HttpResponse(429, {}, b"error code: 1015"))

        assert (error.scope, error.retry_after) == (Scope.CHANNEL, 60.0)

    def test_a_limit_of_discord_whose_body_was_lost_stays_with_its_webhook(self):
        error = failure(HttpResponse(429, {"X-RateLimit-Scope": "user", "Retry-After": "2"}, b"", complete=False))

        assert (error.scope, error.retry_after) == (Scope.RECIPIENT, 2.0)

    @pytest.mark.parametrize("body", [b"<html>error code: 1010</html>", b"", b'{"code": 40333}'])
    @pytest.mark.parametrize(("headers", "wait"), [({}, 60.0), ({"Retry-After": "600"}, 600.0)])
    def test_its_block_holds_everything_back_and_pauses_no_webhook(self, simulator, refused, body, headers, wait):
        simulator.answer(Answer(403, body, headers))
        error = refused()

        assert facts(error) == BLOCKED
        assert (error.lasting, error.retry_after) == (False, wait)
        assert simulator.calls == 1


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.25"}, 1.25),
        ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset-After": "1.25"}, None),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.25", "Retry-After": "4"}, 4.0),
        ({}, None),
    ],
)
@pytest.mark.parametrize(("status", "code"), [(400, 50035), (400, 99999), (503, 0)])
def test_what_follows_a_refusal_waits_for_its_bucket(status, code, headers, wait):
    body = json.dumps({"code": code}).encode()

    assert failure(HttpResponse(status, headers, body)).retry_after == wait


class TestWhatWasRefused:
    """A refused form is told by Discord's own words, which never hold content."""

    @pytest.mark.parametrize(
        ("errors", "words"),
        [
            (
                {"embeds": {"0": {"title": {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": CANARY}]}}}},
                "; embeds.0.title BASE_TYPE_MAX_LENGTH)",
            ),
            ({"_errors": [{"code": "UNION_TYPE_CHOICES"}]}, "; UNION_TYPE_CHOICES)"),
            ({"content": {"_errors": [{"code": CANARY}]}}, "; content)"),
            ({CANARY: {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH"}]}}, "code 50035)"),
            ({"content": {"_errors": []}}, "code 50035)"),
            ({"content": [CANARY]}, "code 50035)"),
            ([CANARY], "code 50035)"),
            (None, "code 50035)"),
        ],
    )
    def test_the_place_and_the_word(self, errors, words):
        body = json.dumps({"code": 50035, "message": CANARY, "errors": errors}).encode()
        error = failure(HttpResponse(400, {}, body))

        assert error.message.endswith(words)
        assert CANARY not in error.message

    def test_a_tree_without_end_is_not_followed(self):
        tree = {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH"}]}
        for _ in range(50):
            tree = {"a": tree}

        assert (
            "BASE_TYPE"
            not in failure(HttpResponse(400, {}, json.dumps({"code": 50035, "errors": tree}).encode())).message
        )


class TestRetryAfter:
    """The body's float counts, then the header; a wait concerns what Discord says it concerns."""

    @pytest.mark.parametrize(
        ("seconds", "header", "expected"),
        [
            (0.64, "1", 0.64),
            (64.57, None, 64.57),
            (None, "3", 3.0),
            (-4, "3", 0.0),
            (10**400, None, 3600.0),
            (True, "3", 3.0),
            ("9", "3", 9.0),
            ("soon", "3", 3.0),
            ("inf", None, 3600.0),
            ([1], "3", 3.0),
            (float("nan"), "3", 3.0),
            (None, None, None),
            (None, "soon", None),
        ],
    )
    def test_the_wait(self, seconds, header, expected):
        """No wait at all is left to the retries' own."""
        headers = {} if header is None else {"Retry-After": header}
        body = json.dumps({"message": "limited", "retry_after": seconds, "global": False}).encode()

        assert failure(HttpResponse(429, headers, body)).retry_after == expected

    @pytest.mark.parametrize(
        ("body", "headers", "scope"),
        [
            ({"retry_after": 1.5, "global": False}, {"X-RateLimit-Scope": "user"}, Scope.RECIPIENT),
            ({"retry_after": 1.5, "global": False}, {"X-RateLimit-Scope": "shared"}, Scope.RECIPIENT),
            ({"retry_after": 1.5, "global": True}, {}, Scope.CHANNEL),
            ({"retry_after": 1.5}, {"X-RateLimit-Global": "true"}, Scope.CHANNEL),
            ({"retry_after": 1.5}, {"X-RateLimit-Scope": "global"}, Scope.CHANNEL),
        ],
    )
    def test_what_it_holds_back(self, body, headers, scope):
        error = failure(HttpResponse(429, headers, json.dumps(body).encode()))

        assert (error.scope, error.retry_after) == (scope, 1.5)

    def test_a_shared_limit_waits_for_its_resource_and_not_for_its_bucket(self):
        headers = {"X-RateLimit-Scope": "shared", "X-RateLimit-Remaining": "9", "X-RateLimit-Reset-After": "64.57"}
        body = b'{"message": "The resource is being rate limited.", "retry_after": 1336.57, "global": false}'

        assert failure(HttpResponse(429, headers | {"Retry-After": "1337"}, body)).retry_after == 1336.57

    def test_the_bucket_tells_where_nothing_else_does(self):
        assert failure(HttpResponse(429, {"X-RateLimit-Reset-After": "2.5"}, b'{"code": 0}')).retry_after == 2.5

    def test_the_simulator_sends_a_float_and_a_whole_number(self, simulator, refused):
        simulator.fail(Fault("rate_limited", retry_after=2.5))

        assert refused().retry_after == 2.5


@pytest.mark.parametrize(
    "answer",
    [
        Answer(204),
        Answer(200, b""),
        Answer(200, b"<html>"),
        Answer(200, b"{}"),
        Answer(200, b'{"id": 1}'),
        Answer(200, b'{"id": "x"}'),
        Answer(200, b'["1"]'),
        Answer(200, b"<html>" + b" " * 70_000),
    ],
    ids=lambda answer: f"{answer.status}-{answer.body[:10]}",
)
def test_a_success_that_shows_no_message_leaves_it_unknown(simulator, refused, answer):
    simulator.answer(answer)
    error = refused()

    assert isinstance(error, DeliveryTimeout)
    assert (error.outcome, error.status_code) == ("unknown", answer.status)


def test_a_message_whose_echo_is_too_long_to_read_was_saved(simulator, send):
    """It is not sent again, but cannot be edited: its id is lost."""
    simulator.answer(Answer(200, json.dumps({"content": "\U0001f534" * 8000, "id": "1"}).encode()))

    assert send().provider_id is None
