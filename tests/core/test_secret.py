"""Secrets show themselves to nobody, and words about to be shown lose them."""

import base64
import copy
import json
import pickle
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import Recipient, Secret
from tocsin.secret import Scrubber, mask_address, mask_url

VALUE = "c4n4ry/with+signs="


def test_a_secret_shows_itself_only_when_revealed():
    secret = Secret(VALUE)

    assert secret.reveal() == VALUE
    for shown in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>20}",
        repr([secret]),
        repr(vars(Secret)),
    ):
        assert "c4n4ry" not in shown


def test_a_secret_is_a_value():
    assert Secret("a") == copy.deepcopy(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")


def test_a_secret_cannot_be_pickled():
    with pytest.raises(TypeError, match="clear text"):
        pickle.dumps(Secret(VALUE))
    with pytest.raises(TypeError, match="must be a string"):
        Secret(5)


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ("alice@example.com", "a…@example.com"),
        ("+15551234567", "+1…67"),
        ("-1001234567890", "-1…90"),
        ("abc", "…"),
        ("@", "…"),
    ],
)
def test_labels_tell_addresses_apart_and_give_none_away(address, label):
    assert mask_address(address) == label
    assert Recipient.of(address).label == label


def test_a_url_shows_its_host_alone():
    assert mask_url("https://user:pw@hooks.example:8443/services/T0/B0/x?y=z#w") == "https://hooks.example:8443/…"
    assert mask_url("http://[::1") == "***"
    assert Recipient.of("https://hooks.example/a").label != Recipient.of("https://hooks.example/b").label


def test_a_recipient_hides_its_address():
    recipient = Recipient.of("alice@example.com", kind="mail")

    assert "alice" not in repr(recipient)
    assert recipient.id == Recipient.of("alice@example.com", kind="mail").id
    assert recipient.id != Recipient.of("alice@example.com").id


@given(secret=st.text(min_size=3), around=st.text())
def test_no_form_of_a_secret_survives(secret, around):
    scrub = Scrubber([secret])
    raw = secret.encode("utf-8", "replace")
    for form in (secret, quote(raw), quote(raw, safe=""), json.dumps(secret)[1:-1], base64.b64encode(raw).decode()):
        cleaned = scrub(f"«{form}»")
        assert form not in cleaned or form in "«***»" or form.strip("=") in ("", "***")


def test_urls_and_control_characters_go_and_long_words_are_cut():
    scrub = Scrubber([])

    assert scrub("POST https://h/x?token=1 failed\r\nbadly\x1b[31m") == "POST <url> failed badly [31m"
    assert len(scrub("x" * 1000)) == 400
    assert scrub("\ud800").encode()


@given(
    secret=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=3, max_size=40), place=st.integers(-60, 60)
)
def test_no_part_of_a_secret_is_left_where_long_words_are_cut(secret, place):
    """Everything before it is one URL, so that what stands at the cut comes into sight."""
    filler = "https://h/" + "y" * (16_384 + place - 11)
    cleaned = Scrubber([secret])(f"{filler} {secret}" + "z" * 100_000)

    assert secret not in cleaned
    assert cleaned.startswith("<url>")
    shown = cleaned.removeprefix("<url>").strip(" z…*")
    assert not (len(shown) >= 3 and secret.strip().startswith(shown)), shown


def test_ten_mib_of_words_take_no_time():
    started = time.perf_counter()
    scrub = Scrubber(["c4n4ry-token", "another-secret"])

    assert len(scrub("x" * (10 << 20))) == 400
    assert time.perf_counter() - started < 0.5


@given(st.lists(st.text()), st.text() | st.integers() | st.binary())
def test_any_words_become_one_short_line_that_can_be_written(secrets, words):
    shown = Scrubber(secrets)(words)

    assert len(shown) <= 400
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown)
    shown.encode()


def test_a_pattern_of_many_secrets_is_made_at_the_start_and_not_within_an_attempt():
    few, many = Scrubber([f"secret-{n}" for n in range(5)]), Scrubber([f"secret-{n}" for n in range(500)])

    assert few._compiled is None
    assert many._compiled is not None
    assert few("with secret-4") == many("with secret-4") == "with ***"


def test_what_is_shorter_than_every_secret_is_as_it_was():
    scrub = Scrubber(["abcd", "abcdefgh"])

    assert scrub.secrets("abc") == "abc"
    assert scrub.secrets("abcd") == "***"
