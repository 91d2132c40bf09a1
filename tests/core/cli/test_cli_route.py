"""`tocsin route test`: the way of an alert, and why not another."""

import pytest

ROUTES = """
[channels.desk]
type = "null"
[channels.pager]
[[routes]]
name = "risk desk"
match = { priority = ["CRITICAL", "HIGH"], type = "RISK", labels = { team = "desk" } }
channels = ["desk", "pager"]
fallback = ["console"]
[[routes]]
match = { symbol = { regex = "BTC.*" } }
channels = ["desk"]
continue = true
[[routes]]
name = "rest"
match = { source = "cron" }
channels = ["pager", "nobody"]
"""


@pytest.fixture
def routes(configure):
    configure(ROUTES)


def test_the_tree_says_which_route_takes_it_and_which_were_not_asked(tocsin, routes):
    result = tocsin("route", "test", "priority=critical", "type=risk", "labels.team=desk")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "priority=critical type=risk labels.team=desk",
        "├─ ✓ route risk desk → desk, pager (unconfigured)",
        "├─ not asked: route 2, rest",
        "└─ fallback, where nobody accepted → console (unconfigured)",
    ]


def test_the_tree_says_why_not_and_what_continues(tocsin, routes):
    result = tocsin("route", "test", "symbol=BTCUSDT", "source=cron")

    assert result.stdout.splitlines() == [
        "symbol=BTCUSDT source=cron",
        "├─ ✗ route risk desk: needs priority=CRITICAL|HIGH",
        "├─ ✓ route 2 → desk, continues",
        "└─ ✓ route rest → pager (unconfigured), nobody (unknown)",
    ]


def test_no_matching_route_is_no_channel_matched(tocsin, routes):
    result = tocsin("route", "test", "priority=low")

    assert result.exit_code == 3
    assert "no route matches: nobody is told" in result.stdout


@pytest.mark.parametrize(
    ("conditions", "expected", "code"),
    [
        (["symbol=BTC"], "desk", 0),
        (["symbol=BTC", "source=cron"], "nobody, pager,desk", 0),
        (["symbol=BTC"], "desk,pager", 1),
        (["symbol=BTC"], "none", 1),
        (["priority=low"], "none", 0),
        (["priority=low"], "desk", 1),
        (["channels=pager"], "pager", 0),
    ],
)
def test_expectations_are_checked(tocsin, routes, conditions, expected, code):
    result = tocsin("route", "test", *conditions, "--expect", expected)

    assert result.exit_code == code
    assert ("as expected" if code == 0 else "✗ expected ") in result.stderr


def test_without_routes_every_ready_channel_carries_it(tocsin, pager):
    result = tocsin("route", "test")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["any alert", "└─ no routes are configured: all ready channels → pager"]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("prioriy=low", "did you mean 'priority'?"),
        ("team=desk", "a label is written labels.team=desk"),
        ("priority", "is no KEY=VALUE"),
        ("priority=hihg", "did you mean 'HIGH'?"),
    ],
)
def test_what_is_no_condition_is_a_usage_error(tocsin, routes, condition, words):
    result = tocsin("route", "test", condition)

    assert result.exit_code == 2
    assert words in result.stderr


def test_json_holds_the_decision(as_json, routes):
    found = as_json("route", "test", "symbol=BTC", "--expect", "desk")

    assert found["channels"] == ["desk"]
    assert found["as_expected"] is True
    assert found["steps"][0] == {
        "route": "risk desk",
        "taken": False,
        "why_not": "priority=CRITICAL|HIGH",
        "channels": ["desk", "pager"],
    }
    assert found["states"] == {"desk": "ready"}
