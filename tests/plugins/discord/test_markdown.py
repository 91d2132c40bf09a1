"""Text reads as it was written, and is cut without breaking an escape."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_discord.markdown import code_block, cut, escape, escape_line, measured, shown, take, unfenced

texts = st.text(alphabet=st.sampled_from("\\*_~`|>#-[]()<@!:/ab1 \n🇩🇪é\u0301👩‍👩‍👧"), max_size=200)


@given(texts)
def test_escaped_text_reads_as_it_was_written(text):
    assert shown(escape(text)) == text or "http" in text
    assert shown(escape_line(text)) == text


@given(texts)
def test_nothing_that_is_markup_stands_alone(text):
    for escaped in (escape(text), escape_line(text)):
        bare = re.sub(r"\\[^0-9A-Za-z\s]", "", escaped)

        assert not re.search(r"[\\*_~`|\[\]<]", bare)
        assert not re.search(r"^\s*[0-9]+\.\s", escaped, re.MULTILINE)
        assert not re.search(r"^\s*[>#-]", re.sub(r"\\[^0-9A-Za-z\s]", "x", escaped), re.MULTILINE) or "\n" in text


@given(texts, st.integers(1, 300))
def test_a_cut_text_fits_and_ends_in_no_lone_backslash(text, limit):
    escaped = escape(text)
    kept = cut(escaped, limit)

    assert measured(kept) <= limit
    assert kept == escaped or kept.endswith("…")
    assert len(re.search(r"\\*\Z", kept.removesuffix("…"))[0]) % 2 == 0


@given(texts, st.integers(20, 100))
def test_parts_fit_and_lose_nothing_but_blanks_between_them(text, limit):
    rest, parts = text.strip(), []
    while rest:
        part, rest = take(rest, limit)
        parts.append(part)

    assert all(0 < measured(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@given(texts)
def test_no_text_ends_a_block_of_code(text):
    block = code_block(unfenced(text))

    assert block.count("```") == 2
    assert shown(block) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("momentum_001 *x* ~~y~~", r"momentum\_001 \*x\* \~\~y\~\~"),
        ("<@123> <#4> <t:1:R> <:a:5> <https://x.y>", r"\<@123> \<#4> \<t:1:R> \<:a:5> \<https://x.y>"),
        ("[label](https://x.y/a_b)", r"\[label\](https://x.y/a_b)"),
        ("https://x.y/a_b*c", r"https://x.y/a_b\*c"),
        ("# title\n> quote\n- item\n -# small", "\\# title\n\\> quote\n\\- item\n \\-# small"),
        ("a > b - c # d", "a > b - c # d"),
        ("1. one\n 22. two\n3.5 x\n4.\n2024 y", "1\\. one\n 22\\. two\n3.5 x\n4\\.\n2024 y"),
        ("<@$1> </cmd:2> <id:browse> <@!3> <@&4> <:e:5>", r"\<@$1> \</cmd:2> \<id:browse> \<@!3> \<@&4> \<:e:5>"),
        ("||spoiler|| `code` \\", r"\|\|spoiler\|\| \`code\` \\"),
        ("@everyone", "@everyone"),
    ],
)
def test_markup_is_escaped(text, escaped):
    assert escape(text) == escaped


def test_a_url_in_a_headline_is_no_link():
    assert escape_line("see https://x.y/a_b") == r"see https\://x.y/a\_b"


@pytest.mark.parametrize(
    ("limit", "kept"), [(6, r"a\*b\*"), (5, r"a\*b…"), (4, r"a\*…"), (3, "a…"), (2, "a…"), (1, "…")]
)
def test_a_cut_falls_beside_an_escape(limit, kept):
    assert cut(r"a\*b\*", limit) == kept


def test_a_cut_keeps_an_escaped_backslash_whole():
    assert cut("\\\\" * 4, 6) == "\\\\" * 2 + "…"
    assert cut("\\\\" * 4, 4) == "\\\\" + "…"


def test_a_part_ends_at_a_line():
    assert take("aaaa\nbbbb\ncccc", 12) == ("aaaa\nbbbb", "cccc")
    assert take("a" * 12, 10) == ("a" * 10, "aa")
    assert take("a\u0301" + "\u0301" * 50, 20) == ("…", "")
    assert take("short", 10) == ("short", "")
