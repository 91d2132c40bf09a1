"""Text is escaped, cut and split without breaking what Slack reads as one thing."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_slack.text import coded, cut, escape, inert, linked, measured, split, tame

texts = st.text(alphabet=st.sampled_from("&<>`*_~\n a🇩🇪é\u0301👩‍👩‍👧"), max_size=200)
HALVES = re.compile(r"&(?!(?:amp|lt|gt);)|<(?![^<>]*>)")


@given(texts, st.integers(1, 300))
def test_a_cut_text_fits_and_holds_no_half_entity(text, limit):
    shown = cut(escape(text), limit)

    assert measured(shown) <= limit
    assert not HALVES.search(shown)
    assert shown == escape(text) or shown.endswith("…")


@given(texts, st.integers(20, 100))
def test_parts_fit_and_lose_nothing_but_blanks_between_them(text, limit):
    parts = split(escape(text), limit)

    assert all(0 < measured(part) <= limit for part in parts)
    assert not any(HALVES.search(part) for part in parts)
    assert "".join("".join(parts).split()) == "".join(escape(text).split())


@given(texts)
def test_escaped_text_reads_as_it_was_written_and_has_no_control_characters(text):
    assert html.unescape(escape(text)) == text
    assert not set("<>") & set(escape(text))


@pytest.mark.parametrize(
    ("limit", "shown"),
    [(12, "a&amp;b&lt;c"), (11, "a&amp;b…"), (8, "a&amp;b…"), (7, "a&amp;…"), (6, "a…"), (1, "…")],
)
def test_a_cut_falls_beside_an_entity(limit, shown):
    assert cut("a&amp;b&lt;c", limit) == shown


def test_a_cut_falls_beside_a_link():
    assert cut("see <https://example.com/runbook> now", 20) == "see…"


def test_a_cut_keeps_a_family_together():
    assert cut("👩‍👩‍👧" * 4, 20) == "👩‍👩‍👧" * 2 + "…"


def test_a_part_ends_at_a_line_or_a_word():
    assert split("aaaa bbbb cccc", 11) == ["aaaa bbbb", "cccc"]
    assert split("aaaa\nbbbb cccc", 12) == ["aaaa\nbbbb", "cccc"]
    assert split("aaaaaaa\nbb cccc", 12) == ["aaaaaaa", "bb cccc"]
    assert split("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]
    assert split("", 10) == []


def test_marks_without_end_become_an_ellipsis():
    assert split("a" + "\u0301" * 50, 20) == ["…"]


@pytest.mark.parametrize(
    ("text", "with_links"),
    [
        ("see https://x.y/a_b?c=1&d=2.", "see <https://x.y/a_b?c=1&amp;d=2>."),
        ("(https://x.y)", "(<https://x.y>)"),
        ("http://a https://b", "<http://a> <https://b>"),
        ("momentum_001 at https://x.y", "momentum_001 at <https://x.y>"),
        ("<!channel> https://x.y", "&lt;!channel&gt; <https://x.y>"),
        ("https://x.y|label>", "<https://x.y>|label&gt;"),
        ("no link & nothing", None),
        ("*bold* https://x.y", None),
        ("a _word_ https://x.y", None),
        ("`code` https://x.y", None),
        ("~gone~ https://x.y", None),
        ("> quoted https://x.y", None),
        ("\uff1e quoted https://x.y", None),
        ("\uff0abold\uff0a https://x.y", None),
        ("\uff3fword\uff3f https://x.y", None),
        ("\uff40code\uff40 https://x.y", None),
        ("\uff5egone\uff5e https://x.y", None),
        ("first\n> quoted https://x.y", None),
        ("a ratio of 1:100:2 at https://x.y", None),
        ("a :tada: at https://x.y", None),
        ("at 12:30:45 https://x.y:80/a:b", "at 12:30:45 <https://x.y:80/a:b>"),
        ("https://x.y/" + "a" * 1000, None),
    ],
)
def test_links_can_be_clicked_where_nothing_else_would_be_formatted(text, with_links):
    assert linked(text) == with_links


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*b*", "{*}b{*}"),
        ("~s~ `c` _i_", "{~}s{~} {`}c{`} {_}i{_}"),
        ("*_~`x`~_*", "{*_~`}x{`~_*}"),
        ("\uff0a\uff3f\uff5e\uff40\uff1e", "{\uff0a\uff3f\uff5e\uff40\uff1e}"),
        ("momentum_001 _x", "momentum_001 {_}x"),
        ("a__b", "a{__}b"),
        (":tada: at 09:30:00, 1:100:2", "{:}tada: at 09:30:00, 1{:}100:2"),
        ("&gt; q\n  &gt; r &gt; s", "\u00ad&gt; q\n\u00ad  &gt; r &gt; s"),
        ("&lt;!here&gt; &amp; words", "&lt;!here&gt; &amp; words"),
    ],
)
def test_what_would_be_markup_stands_as_the_fallback_of_a_date(text, shown):
    assert inert(text) == re.sub(r"{(.+?)}", r"<!date^00000000^{_}|\1>", shown)


def test_a_cut_leaves_no_low_line_before_its_marker():
    assert cut("momentum_001", 10) == "momentum…"


@pytest.mark.parametrize("text", ["", "a`b", "a\nb", " a", "a "])
def test_what_code_cannot_hold_is_no_code(text):
    assert coded(text, 100) is None


def test_code_is_escaped_and_cut_inside_its_ticks():
    assert coded("a<b", 100) == "`a&lt;b`"
    assert coded("a" * 100, 10) == "`" + "a" * 7 + "…`"


def test_only_words_that_mrkdwn_leaves_alone_are_tame():
    assert [text for text in ("Symbol", "a_b", "team.name", "two words", "a/b") if not tame(text)] == []
    assert [text for text in ("*a*", "_a_", "a__b", "a:100:b", "a ", "é", "<a>", "") if tame(text)] == []
