"""Segments are counted as carriers bill them, and a text is cut to what may be spent."""

import math

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.rendering import graphemes
from tocsin_sms.segments import BODY_LIMIT, MAX_SEGMENTS, Encoding, encoding_of, fit, resembling, segments_of

GSM7 = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCXYZÄÖÑÜ§¿abcxyzäöñüà"
EXTENDED = "\f^{}\\[~]|€"
FAMILY = "👩‍👩‍👧"


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 1530, 10),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # the escape is not split: the first segment holds 152
        ("a" * 151 + "€" + "a" * 153, 2),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("👍" * 35, 1),
        ("👍" * 36, 2),
        ("я" * 66 + "👍" + "я" * 66, 3),  # nor is a surrogate pair
        ("a" * 69 + "я", 1),
        ("a" * 70 + "я", 2),
    ],
)
def test_segments_at_the_limit_and_past_it(text, segments):
    assert segments_of(text) == segments


@pytest.mark.parametrize("character", GSM7 + EXTENDED)
def test_the_alphabet(character):
    assert encoding_of(character) is Encoding.GSM7


@pytest.mark.parametrize("character", "`\t\u201c\u201d\u2018\u2019–\u2014…\u00a0áçêëíÁ漢🔴ℹ\u200b")
def test_what_is_not_in_the_alphabet(character):
    assert encoding_of(character) is Encoding.UCS2


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("“Don’t”", '"Don\'t"'),
        ("5–6 — 7", "5-6 - 7"),
        ("wait…", "wait..."),
        ("a\u00a0b\tc", "a b c"),
        ("`x`", "'x'"),
        ("1\u200b÷2\ufeff", "1/2"),
    ],
)
def test_look_alikes(text, plain):
    assert resembling(text) == plain
    assert fit(text, 1).text == plain


def test_look_alikes_are_kept_where_another_character_needs_ucs2_anyway():
    assert fit("“Стоп” – Don’t", 1).text == "“Стоп” – Don’t"


@pytest.mark.parametrize("segments", range(1, MAX_SEGMENTS + 1))
@pytest.mark.parametrize(("letter", "encoding", "alone", "joined"), [("a", "GSM-7", 160, 153), ("я", "UCS-2", 70, 67)])
def test_a_text_is_cut_one_character_past_the_limit(segments, letter, encoding, alone, joined):
    room = alone if segments == 1 else joined * segments

    whole, cut = fit(letter * room, segments), fit(letter * (room + 1), segments)

    assert (whole.text, whole.segments, whole.encoding) == (letter * room, segments, encoding)
    assert cut.text.endswith("..." if encoding == "GSM-7" else "…")
    assert (segments_of(cut.text), cut.segments, cut.encoding) == (segments, segments, encoding)
    assert len(cut.text) == room


def test_a_far_away_emoji_does_not_halve_what_is_seen_before_it():
    fitted = fit("a" * 200 + "👍", 1)

    assert (fitted.encoding, len(fitted.text)) == (Encoding.GSM7, 160)


def test_a_near_emoji_is_kept_and_the_text_cut_shorter():
    fitted = fit("a" * 20 + "👍" + "b" * 200, 1)

    assert fitted.text == "a" * 20 + "👍" + "b" * 47 + "…"
    assert fitted.encoding is Encoding.UCS2


def test_an_emoji_beyond_the_ucs2_limit_ends_the_text_before_it():
    assert fit("a" * 100 + "👍" + "b" * 100, 1).text == "a" * 100 + "..."


def test_a_family_is_kept_together():
    fitted = fit(FAMILY * 20, 1)

    assert set(fitted.text.removesuffix("…").split(FAMILY)) == {""}


def test_what_nobody_sees_takes_no_room():
    assert fit("a\u200b" * 160, 1).text == "a" * 160
    assert fit("a\u200b" * 1601, 10).text == "a" * 1527 + "..."


def test_a_letter_that_is_larger_than_a_segment_is_left_out():
    assert fit("a" + "e" + "\u0301" * 5000, 1).text == "a..."


def test_a_message_has_at_most_1600_characters_as_twilio_describes_it(schemas):
    """What ten segments hold stays below, in either encoding."""
    described = schemas["create_message"]["properties"]["Body"]

    assert BODY_LIMIT == 1600 == described["maxLength"]
    assert len(fit("a" * 1600, MAX_SEGMENTS).text) == 1530
    jsonschema.validate("a" * 1600, described)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate("a" * 1601, described)


texts = st.one_of(
    st.text(min_size=1, max_size=300),
    st.text(alphabet=GSM7 + EXTENDED, min_size=1, max_size=2000),
    st.text(alphabet="ab€[“–…👍👩‍\u0301яé\n", min_size=1, max_size=400),
    st.just("a" * 262_144),
)


@settings(max_examples=300)
@given(texts, st.integers(1, MAX_SEGMENTS))
def test_any_text_fits(text, segments):
    fitted = fit(text, segments)

    assert fitted.text or not resembling(text)
    assert encoding_of(fitted.text) in (fitted.encoding, Encoding.GSM7)
    assert segments_of(fitted.text) <= fitted.segments <= segments
    assert len(fitted.text) <= 1600


@settings(max_examples=200)
@given(texts, st.integers(1, MAX_SEGMENTS))
def test_a_cut_is_shown_and_falls_between_letters(text, segments):
    fitted = fit(text, segments)

    if fitted.text in (text, resembling(text)):
        return
    marker = "..." if fitted.encoding is Encoding.GSM7 else "…"
    assert fitted.text.endswith(marker)
    kept = fitted.text.removesuffix(marker)
    source = resembling(text) if fitted.encoding is Encoding.GSM7 else text
    assert source.startswith(kept)
    assert "".join(list(graphemes(source[:2000]))[: len(list(graphemes(kept)))]) == kept


@settings(max_examples=200)
@given(st.text(alphabet=GSM7 + EXTENDED, min_size=161, max_size=1500))
def test_the_count_stays_between_dense_and_wasteful_packing(text):
    septets = len(text) + sum(character in EXTENDED for character in text)

    assert math.ceil(septets / 153) <= segments_of(text) <= math.ceil(septets / 152)
