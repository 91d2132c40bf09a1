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


@settings(max_examples=300)
@given(alerts, st.integers(1, 10), st.booleans(), st.booleans(), st.booleans())
def test_any_alert_makes_a_text_within_its_segments(alert, segments, emoji, plain, repeated):
    fitted = body(alert, segments=segments, emoji=emoji, plain=plain, repeated=repeated)

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


def test_an_emoji_of_the_alert_is_dropped_and_leaves_the_room_of_gsm7():
    alert = Alert(
        title="🚨 Disk full 👩‍👩‍👧", message="1️⃣ /var ⚠️ is at 98 % 👍🏽.\nNow ✅\n" + "m" * 200, data={"up": "🇩🇪"}
    )
    fitted = body(alert)

    assert fitted.text.startswith("MEDIUM: Disk full\n1 /var is at 98 %.\nNow\nmmm")
    assert (fitted.encoding, len(fitted.text)) == (Encoding.GSM7, 160)
    assert body(alert, segments=2).text.endswith("mmm")  # of the flag's row nothing is left to say


def test_an_emoji_that_was_asked_for_stays_and_costs_its_room():
    alert = Alert(title="Disk full 🚨", message="m" * 200)

    assert body(alert, emoji=True).text == "MEDIUM: Disk full 🚨\n" + "m" * 48 + "…"
    assert body(alert, emoji=True).encoding is Encoding.UCS2


@pytest.mark.parametrize("title", ["Диск 🚨", "Δίσκος πλήρης 🚨", "漢字 🚨"])
def test_a_text_that_is_ucs2_anyway_keeps_its_emoji(title):
    assert body(Alert(title=title, message="")).text == f"MEDIUM: {title}"


@pytest.mark.parametrize("plain", [True, False])
def test_a_text_that_is_nothing_but_emoji_stays(plain):
    assert body(Alert(title="🚀🇩🇪", message="👍" * (not plain)), plain=plain).text.startswith("MEDIUM: 🚀🇩🇪")


def test_a_message_speaks_for_a_title_of_emoji():
    assert body(Alert(title="🚨", message="Disk full")).text == "MEDIUM:\nDisk full"
    assert body(Alert(title="🚨", message="Disk full"), plain=True).text == "MEDIUM: 🚨"


def test_an_override_of_a_value_turns_nothing_and_costs_nothing():
    alert = Alert(title="\u202eexe", message="\u2067gnp", labels={"\u202ateam": "a\u202d"})

    assert attrs.astuple(body(alert)) == ("MEDIUM: exe\ngnp\nteam: a", Encoding.GSM7, 1)


def test_the_simpler_form_is_the_headline_alone(demo):
    assert body(demo["risk"], segments=5, plain=True).text == "HIGH: Position Risk Exceeded"


def test_a_resolved_alert_says_so_before_its_title():
    assert body(Alert(title="T", message="", status="resolved")).text == "MEDIUM: Resolved: T"


def test_the_mark_of_a_repeat_survives_any_cut():
    assert body(Alert(title="T" * 1000, message="m"), repeated=True).text.startswith(f"{REPEATED} MEDIUM: TTT")


def test_blank_messages_leave_no_blank_line():
    assert body(Alert(title="T", message=" \n ", symbol="X")).text == "MEDIUM: T\nSymbol: X"
