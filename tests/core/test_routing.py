"""Which channels an alert goes to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import Alert
from tocsin.routing import Routing, parse_routes

ROUTES = [
    {"name": "audit", "channels": ["log"], "continue": True},
    {
        "name": "risk desk",
        "match": {"priority": ["CRITICAL", "high"], "type": "RISK"},
        "channels": ["ops", "sms"],
        "fallback": ["mail"],
    },
    {"name": "team", "match": {"labels": {"team": "data"}, "source": {"regex": "db-.*"}}, "channels": ["data", "log"]},
    {"name": "rest", "channels": ["mail"]},
]


def decide(routes=ROUTES, ready=("a", "b"), **fields):
    parsed, problems = parse_routes(routes, lambda path: path)
    assert problems == []
    return Routing.decide(Alert(**{"title": "t", "message": ""} | fields), parsed, ready)


def test_without_routes_all_ready_channels_carry_it():
    assert decide([]).channels == ("a", "b")


def test_an_alert_that_names_its_channels_goes_only_there():
    assert decide(channels=["x"], priority="CRITICAL", alert_type="RISK").channels == ("x",)


@pytest.mark.parametrize(
    ("fields", "channels", "fallback"),
    [
        ({"priority": "HIGH", "alert_type": "RISK"}, ("log", "ops", "sms"), ("mail",)),
        ({"priority": "LOW", "alert_type": "RISK"}, ("log", "mail"), ()),
        ({"labels": {"team": "data"}, "source": "db-1"}, ("log", "data"), ()),
        ({"labels": {"team": "data"}, "source": "xdb-1"}, ("log", "mail"), ()),
        ({"labels": {"team": "data"}}, ("log", "mail"), ()),
    ],
)
def test_the_first_matching_route_wins_unless_one_continues(fields, channels, fallback):
    routing = decide(**fields)

    assert (routing.channels, routing.fallback) == (channels, fallback)


def test_the_decision_says_why_not():
    steps = decide(priority="HIGH").steps

    assert [(step.route.name, step.why_not) for step in steps] == [
        ("audit", None),
        ("risk desk", "type=RISK"),
        ("team", "labels.team=data"),
        ("rest", None),
    ]


def test_nothing_matches_is_said():
    routing = decide([{"match": {"symbol": "BTC"}, "channels": ["a"]}])

    assert (routing.channels, routing.reason) == ((), "no route matches")


@pytest.mark.parametrize(
    ("route", "words"),
    [
        ("x", "must be a table"),
        ({}, "names no channels"),
        ({"channel": ["a"]}, "unknown key 'channel'; did you mean 'channels'?"),
        ({"channels": ["a"], "match": []}, "match must be a table"),
        ({"channels": ["a"], "match": {"prio": "HIGH"}}, "cannot match on 'prio'; did you mean 'priority'?"),
        ({"channels": ["a"], "match": {"priority": "HIHG"}}, "did you mean 'HIGH'?"),
        ({"channels": ["a"], "match": {"symbol": []}}, "symbol lists no value"),
        ({"channels": ["a"], "match": {"symbol": {"regex": "("}}}, "broken regex"),
        ({"channels": ["a"], "match": {"symbol": {"rx": "a"}}}, "takes a value, a list, or"),
        ({"channels": ["a"], "continue": "maybe"}, "must be true or false"),
        ({"channels": [None]}, "must be a string"),
    ],
)
def test_what_is_wrong_with_a_route_is_told_with_its_number(route, words):
    routes, problems = parse_routes([{"channels": ["ok"]}, route], lambda path: path)

    assert len(routes) == 1
    assert problems[0].place == "routes.1"
    assert "route 2: " in problems[0].message
    assert words in problems[0].message


NAMES = st.sampled_from(["a", "b", "c"])
ROUTE = st.fixed_dictionaries(
    {"channels": st.lists(NAMES, min_size=1, max_size=3)},
    optional={
        "match": st.dictionaries(st.sampled_from(["symbol", "source"]), NAMES),
        "fallback": st.lists(NAMES, max_size=3),
        "continue": st.booleans(),
    },
)


@given(routes=st.lists(ROUTE, max_size=6), symbol=st.none() | NAMES, source=st.none() | NAMES)
def test_no_channel_is_chosen_twice_or_both_chosen_and_fallback(routes, symbol, source):
    routing = decide(routes, symbol=symbol, source=source)

    assert len(set(routing.channels)) == len(routing.channels)
    assert not set(routing.channels) & set(routing.fallback)
    taken = [step.route for step in routing.steps if step.taken]
    assert all(route.continues for route in taken[:-1])
