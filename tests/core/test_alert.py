"""An alert checks and normalises what it is given."""

import contextlib
import copy
import json
import pickle
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import Alert, AlertChannel, AlertError, AlertPriority, AlertStatus, AlertType

NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_title_and_message_are_enough():
    alert = Alert(title="Disk full", message="")

    assert (alert.alert_type, alert.priority, alert.status) == (
        AlertType.CUSTOM,
        AlertPriority.MEDIUM,
        AlertStatus.FIRING,
    )
    assert len(alert.alert_id) == 32
    assert alert.created_at.utcoffset() is not None


@pytest.mark.parametrize("written", ["high", "HIGH", " High ", AlertPriority.HIGH])
def test_enumerations_are_parsed_in_any_case(written):
    assert Alert(title="t", message="", priority=written).priority is AlertPriority.HIGH


def test_priorities_have_their_colours_and_emoji():
    assert [p.color for p in AlertPriority] == ["#FF0000", "#FF8800", "#FFFF00", "#00FF00", "#0088FF"]
    assert [p.emoji for p in AlertPriority] == ["🔴", "🟠", "🟡", "🟢", "ℹ️"]
    assert [p.value for p in AlertPriority] == ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"]


def test_well_known_channels_are_their_names():
    assert Alert(title="t", message="", channels=[AlertChannel.SLACK, "slack-ops", "slack"]).channels == (
        "slack",
        "slack-ops",
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": ""}, "title is empty"),
        ({"title": " \n\t"}, "title is empty"),
        ({"title": None}, "title must be a string, got NoneType"),
        ({"title": b"x"}, "title must be a string, got bytes"),
        ({"title": "x" * 1001}, "at most 1,000"),
        ({"message": "x" * 262_145}, "at most 262,144"),
        ({"priority": "urgent"}, "priority must be one of CRITICAL, HIGH"),
        ({"priority": "critcal"}, "did you mean 'CRITICAL'"),
        ({"priority": 3}, "got int"),
        ({"alert_type": None}, "alert_type must be one of"),
        ({"channels": "slack"}, "channels must be a list"),
        ({"channels": [1]}, "channels must be a string"),
        ({"symbol": ""}, "symbol is empty"),
        ({"labels": {"a": 1}}, "a label's value must be a string"),
        ({"labels": ["a"]}, "labels must be a mapping"),
        ({"data": []}, "data must be a mapping"),
        ({"data": {"a": float("nan")}}, "data.a cannot be written as JSON: the float nan"),
        ({"data": {"a": [0, float("inf")]}}, r"data.a\[1\] cannot be written"),
        ({"data": {"a": datetime.now(UTC)}}, "a value of type datetime"),
        ({"data": {"a": {1: 2}}}, "a key of type int"),
        ({"data": {"a": 10**5000}}, "a value of type int"),
        ({"data": {"a": "x" * (1 << 20)}}, "at most 1,048,576"),
        ({"data": {f"name {number}": "x" * 1000 for number in range(1100)}}, "at most 1,048,576"),
        ({"data": {"x" * (1 << 20): 1}}, "at most 1,048,576"),
        ({"data": {"a": ["x" * (1 << 20)]}}, "at most 1,048,576"),
        ({"data": {"a": {"b": "x" * (1 << 20)}}}, "at most 1,048,576"),
        ({"created_at": datetime(2026, 1, 1)}, "no time zone"),
        ({"created_at": "yesterday"}, "no ISO 8601 time"),
        ({"created_at": 5}, "must be a datetime"),
        ({"status": "open"}, "status must be one of firing"),
        ({"alert_id": ""}, "alert_id is empty"),
    ],
)
def test_a_value_that_no_channel_could_carry_is_told(fields, words):
    with pytest.raises(AlertError, match=words):
        Alert(**{"title": "t", "message": "m"} | fields)


def test_an_alert_error_is_a_value_error():
    assert issubclass(AlertError, ValueError)


def test_data_may_be_32_levels_deep_and_no_deeper():
    deep = {}
    for _ in range(31):
        deep = {"a": deep}
    Alert(title="t", message="", data=deep)

    with pytest.raises(AlertError, match="deeper than 32"):
        Alert(title="t", message="", data={"a": deep, "b": {"a": deep}})


def test_a_reference_to_itself_is_told_as_too_deep():
    loop = {}
    loop["loop"] = loop

    with pytest.raises(AlertError, match="deeper than 32"):
        Alert(title="t", message="", data=loop)


def test_control_characters_are_dropped_and_surrogates_replaced():
    alert = Alert(title="a\x00b\r\nc\x1b[31m", message="1\r\n2\t3\x07\ud800", data={"k\x00": "\udfff\x9b"})

    assert alert.title == "ab c[31m"
    assert alert.message == "1\n2\t3\ufffd"
    assert alert.data == {"k": "\ufffd"}


def test_data_is_a_copy_and_frozen():
    given_data = {"list": [1], "map": {"a": 1}}
    alert = Alert(title="t", message="", data=given_data)
    given_data["list"].append(2)

    assert alert.data == {"list": [1], "map": {"a": 1}}
    for change in (
        lambda: alert.data.update(x=1),
        lambda: alert.data["list"].append(1),
        lambda: alert.data["map"].pop("a"),
        lambda: setattr(alert, "title", "x"),
    ):
        with pytest.raises((TypeError, attrs.exceptions.FrozenInstanceError)):
            change()


def test_an_alert_can_be_hashed_copied_and_pickled():
    alert = Alert(title="t", message="", data={"a": [1, {"b": None}]}, labels={"team": "ops"})

    assert {alert, copy.deepcopy(alert), pickle.loads(pickle.dumps(alert))} == {alert}


def test_the_repr_shows_no_content():
    shown = repr(
        Alert(title="c4n4ry", message="c4n4ry", data={"c4n4ry": "c4n4ry"}, labels={"a": "c4n4ry"}, symbol="c4n4ry")
    )

    assert "c4n4ry" not in shown


def test_the_dictionary_of_an_alert_has_every_field():
    assert list(Alert(title="t", message="").to_dict()) == [field.name for field in attrs.fields(Alert)]


@given(
    title=st.text(),
    message=st.text(),
    data=st.dictionaries(st.text(), NESTED),
    labels=st.dictionaries(st.text(), st.text()),
)
def test_every_alert_survives_json(title, message, data, labels):
    try:
        alert = Alert(title=title, message=message, data=data, labels=labels, priority="LOW")
    except AlertError:
        return

    assert Alert.from_json(alert.to_json()) == alert
    assert json.loads(alert.to_json())["priority"] == "LOW"
    alert.to_json().encode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON: .* at line 1 column 2"),
        ("[]", "must be an object"),
        ("{}", "needs title and message"),
        ('{"title": "t", "message": "m", "priorty": "LOW"}', "did you mean 'priority'"),
        ('{"title": "t", "message": "m", "data": {"a": NaN}}', "NaN is not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_text_that_is_no_alert_is_told(text, words):
    with pytest.raises(AlertError, match=words):
        Alert.from_json(text)


@given(st.dictionaries(st.sampled_from([field.name for field in attrs.fields(Alert)]) | st.text(), NESTED))
def test_any_json_is_an_alert_or_an_error_with_words(values):
    try:
        alert = Alert.from_json(json.dumps(values))
    except AlertError as error:
        words = str(error)
    else:
        words = alert.alert_id
    assert words


@given(st.text() | st.binary().map(lambda data: data.decode("utf-8", "surrogateescape")))
def test_any_text_is_an_alert_or_an_error(text):
    with contextlib.suppress(AlertError):
        Alert.from_json(text)
