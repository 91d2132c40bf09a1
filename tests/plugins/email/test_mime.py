"""Encoded words and transfer encodings: what a reader gets back, and how long the lines are."""

import re
from email.header import decode_header, make_header
from quopri import decodestring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_email.mime import SPARSE, alternative, encoded_words, part

CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.builds(lambda text, times: text * times, st.text(CHARACTERS, min_size=1, max_size=40), st.integers(1, 30))


@given(text=TEXTS, first=st.integers(40, 76))
def test_encoded_words_hold_whole_characters_and_nothing_that_ends_a_header(text, first):
    folded = encoded_words(text, first)
    words = folded.split("\r\n ")

    assert all(re.fullmatch(r"=\?utf-8\?[qb]\?[!-<>@-~=]+\?=", word) for word in words)
    assert len(words[0]) <= first
    assert all(len(word) <= 75 for word in words[1:])
    assert "".join(str(make_header(decode_header(word))) for word in words) == text, "each word by itself"


@pytest.mark.parametrize(
    ("text", "encoding"), [("Disk é", "q"), ("диск", "b"), ("a?_=bcdefghijklmnopqrst", "q"), ("?=?=?=", "b")]
)
def test_the_shorter_encoding_is_taken(text, encoding):
    assert encoded_words(text).startswith(f"=?utf-8?{encoding}?")


@pytest.mark.parametrize("blank", [" ", "\t", " \t", "  "])
@pytest.mark.parametrize("length", range(68, 80))
def test_a_blank_at_the_end_of_a_line_is_kept_and_makes_it_no_longer(blank, length):
    text = f"{'x' * length}{blank}\ny\n"
    content = part("plain", text).partition(b"\r\n\r\n")[2]

    assert max(map(len, content.split(b"\r\n"))) <= 76
    assert not re.search(rb"[ \t]\r\n", content)
    assert decodestring(content) == text.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\rb", "a\nb\n"])
def test_line_ends_of_any_kind_become_crlf_and_the_last_line_has_one(text):
    assert part("plain", text).endswith(b"\r\n\r\na\r\nb\r\n")


@pytest.mark.parametrize(("size", "encoding"), [(SPARSE - 1, b"quoted-printable"), (SPARSE, b"base64")])
def test_a_large_text_is_in_base64(size, encoding):
    """The line end that is put behind counts too."""
    assert b"Content-Transfer-Encoding: " + encoding in part("plain", "x" * size)


def test_a_line_with_nothing_but_a_dot_is_encoded():
    """RFC 2049, section 3: some gateways take it for the end."""
    assert b"\r\n=2E\r\n..\r\n" in part("plain", "x\n.\n..\n")


def test_each_form_stands_between_boundaries():
    assert alternative("=_k", [b"A\r\n", b"B\r\n"]) == (
        b'Content-Type: multipart/alternative;\r\n boundary="=_k"\r\n\r\n'
        b"--=_k\r\nA\r\n\r\n--=_k\r\nB\r\n\r\n--=_k--\r\n"
    )
