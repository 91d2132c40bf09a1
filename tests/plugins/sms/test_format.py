"""A text says the most important first, and no alert makes it longer than what may be spent."""

import json
import pathlib

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import Alert, AlertPriority, AlertStatus
from tocsin.rendering import REPEATED
from tocsin_sms.format import body
from tocsin_sms.segments import BODY_LIMIT, Encoding, segments_of

nasty = st.text(alphabet=st.sampled_from("<>&\"'@_ab/;#\n\t \u202e\u0301👩‍👩‍👧🇩🇪é漢€["), max_size=400)
texts = st.one_of(st.text(max_size=300), nasty, st.just("€" * 9000), st.just("👩‍👩‍👧" * 3000))
alerts = st.builds(
    Alert,
    title=texts.map(lambda text: ("x" + text)[:1000]),
    message=texts,
    priority=st.sampled_from(list(AlertPriority)),
    status=st.sampled_from(list(AlertStatus)),
    symbol=st.none() | nasty.map(lambda text: "s" + text[:200]),
    labels=st.dictionaries(st.text("abc", min_size=1), nasty.map(lambda text: "v" + text[:200]), max_size=20),
    data=st.dictionaries(
        st.text(min_size=1, max_size=20), texts | st.integers() | st.lists(texts, max_size=2), max_size=9
    ),
)
GOLDEN = pathlib.Path(__file__).parent / "golden"


@settings(max_examples=300, deadline=None)
@given(alerts, st.integers(1, 10), st.booleans(), st.booleans())
def test_any_alert_makes_a_text_within_its_segments(alert, segments, plain, repeated):
    fitted = body(alert, segments=segments, plain=plain, repeated=repeated)

    assert 0 < len(fitted.text.strip()) <= len(fitted.text) <= BODY_LIMIT
    assert segments_of(fitted.text) <= fitted.segments <= (1 if plain else segments)
    assert fitted.text.startswith(REPEATED) is repeated


@pytest.mark.parametrize("name", ["risk", "milestone", "worst"])
def test_a_text_is_the_golden_one(demo, name):
    """One for each number of segments that a person may want to pay for; they are for people to read."""
    expected = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))

    assert [attrs.asdict(body(demo[name], segments=segments)) for segments in (1, 2, 10)] == expected


def test_one_segment_holds_headline_and_message_and_shows_that_it_was_cut():
    fitted = body(Alert(title="Disk full", message="/var is at 98 %", priority="LOW", data={"k": "v" * 300}))

    assert (fitted.segments, fitted.encoding) == (1, Encoding.GSM7)
    assert fitted.text.startswith("LOW: Disk full\n/var is at 98 %\nk: vvv")
    assert fitted.text.endswith("v...")


def test_no_priority_adds_an_emoji():
    for priority in AlertPriority:
        assert body(Alert(title="T", message="m", priority=priority)).encoding is Encoding.GSM7


def test_an_emoji_of_the_alert_stays():
    fitted = body(Alert(title="To the 🚀", message=""))

    assert (fitted.text, fitted.encoding) == ("MEDIUM: To the 🚀", Encoding.UCS2)


def test_the_simpler_form_is_the_headline_alone(demo):
    assert body(demo["risk"], segments=5, plain=True).text == "HIGH: Position Risk Exceeded"


def test_a_resolved_alert_says_so_before_its_title():
    assert body(Alert(title="T", message="", status="resolved")).text == "MEDIUM: Resolved: T"


def test_the_mark_of_a_repeat_survives_any_cut():
    assert body(Alert(title="T" * 1000, message="m"), repeated=True).text.startswith(f"{REPEATED} MEDIUM: TTT")


def test_blank_messages_leave_no_blank_line():
    assert body(Alert(title="T", message=" \n ", symbol="X")).text == "MEDIUM: T\nSymbol: X"
