"""Shared pieces of every format."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import Alert
from tocsin.rendering import clip, details, facts, graphemes, headline, measure, plain_text, without_overrides

FAMILY = "👨‍👩‍👧‍👦"


@pytest.mark.parametrize(
    ("text", "clusters"),
    [
        ("abc", ["a", "b", "c"]),
        ("e\u0301a", ["e\u0301", "a"]),
        (f"x{FAMILY}y", ["x", FAMILY, "y"]),
        ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"]),
        ("👍🏽!", ["👍🏽", "!"]),
        ("ℹ️x", ["ℹ️", "x"]),
        ("한", ["한"]),
        ("", []),
    ],
)
def test_a_letter_is_what_a_reader_sees(text, clusters):
    assert list(graphemes(text)) == clusters


@given(st.text())
def test_letters_put_together_are_the_text(text):
    assert "".join(graphemes(text)) == text


@given(text=st.text(), limit=st.integers(0, 40), unit=st.sampled_from(["characters", "utf16", "bytes"]))
def test_a_cut_text_fits_and_shows_that_it_was_cut(text, limit, unit):
    cut = clip(text, limit, unit)

    assert measure(cut, unit) <= limit
    if measure(text, unit) <= limit:
        assert cut == text
    else:
        assert cut == "" or cut.endswith("…")


def test_no_cut_falls_within_a_letter():
    assert clip(f"ab{FAMILY}", 5) == "ab…"
    assert clip("ae\u0301b", 3) == "a…"
    assert unicodedata.normalize("NFC", clip("e\u0301" * 10, 5)) == "éé…"


def test_the_plain_text_holds_everything():
    alert = Alert(
        title="Position Risk Exceeded", message="6.5 % > 5.0 %", priority="HIGH", alert_type="RISK", symbol="BTCUSDT",
        strategy_id="momentum_001", data={"risk_pct": 6.5, "deep": {"a": [1, None]}, "text": "x"},
        labels={"team": "risk"},
        status="resolved", created_at="2026-11-23T09:30:00+01:00", alert_id="42",
    )  # fmt: skip

    assert facts(alert) == [("Symbol", "BTCUSDT"), ("Strategy", "momentum_001"), ("team", "risk")]
    assert details(alert) == [("risk_pct", "6.5"), ("deep.a", "[1, null]"), ("text", "x")]
    assert headline(alert, repeated=True) == "🟠 Resolved: Position Risk Exceeded (possible repeat)"
    assert plain_text(alert).splitlines() == [
        "🟠 Resolved: Position Risk Exceeded", "", "6.5 % > 5.0 %", "", "Symbol: BTCUSDT", "Strategy: momentum_001",
        "team: risk", "risk_pct: 6.5", "deep.a: [1, null]", "text: x", "", "HIGH · RISK · 2026-11-23 08:30:00 UTC",
        "Alert 42",
    ]  # fmt: skip


OPENING, CLOSING = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068", "\u202c\u2069"
turning = st.text(alphabet=OPENING + CLOSING + "a\u05d0\u0627\u200f:\n ", min_size=1, max_size=30).map("x".__add__)


def open_at_the_end(text):
    """How many embeddings, overrides and isolates a text opens or closes more than it should."""
    return sum(text.count(mark) for mark in OPENING) - sum(text.count(mark) for mark in CLOSING)


@given(
    st.builds(
        Alert,
        title=turning,
        message=turning,
        symbol=turning,
        source=turning,
        labels=st.dictionaries(turning, turning, max_size=3),
        data=st.recursive(turning, lambda inner: st.dictionaries(turning, inner, max_size=3)).map(
            lambda value: {"k": [value], "v": value}
        ),
        alert_id=turning,
    ),
    st.integers(0, 60),
)
def test_no_value_turns_what_stands_behind_it(alert, limit):
    """However a channel cuts and joins them."""
    parts = [headline(alert), plain_text(alert), *(part for pair in facts(alert) + details(alert) for part in pair)]

    assert [open_at_the_end(clip(part, limit)) for part in parts] == [0] * len(parts)


def test_text_from_right_to_left_and_its_marks_stay():
    assert (
        without_overrides("\u2067\u05e9\u05dc\u05d5\u05dd\u2069\u200e: \u202e5 %\u202c")
        == "\u05e9\u05dc\u05d5\u05dd\u200e: 5 %"
    )
