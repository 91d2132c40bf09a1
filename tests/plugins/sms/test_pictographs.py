"""What is a pictograph and what is not, and that nothing else of a text is lost."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_sms.pictographs import without_pictographs
from tocsin_sms.segments import Encoding, encoding_of


@pytest.mark.parametrize(
    "drawn",
    ["🚀", "⚠️", "⚠", "✅", "❤️", "▶️", "‼️", "ℹ️", "👍🏽", "👩‍👩‍👧", "🏳️‍🌈", "🇩🇪", "🇩", "🏴\U000e0067\U000e0062\U000e007f"],
)
def test_a_pictograph_goes_with_all_that_is_joined_to_it(drawn):
    assert without_pictographs(drawn) == ""
    assert without_pictographs(f"{drawn} a {drawn}{drawn} b{drawn}") == "a b"
    assert without_pictographs(f"a {drawn}\n{drawn} b {drawn}.") == "a\nb."


@pytest.mark.parametrize(
    "sign", ["™", "№", "℃", "°", "©", "®", "▼", "▲", "→", "↗", "€", "½", "ℹ", "漢", "é", "e\u0301", "•", "…"]
)
def test_a_sign_that_says_something_stays(sign):
    assert without_pictographs(f"a {sign}  5 🚀") == f"a {sign}  5"


def test_of_a_keycap_the_digit_stays():
    assert without_pictographs("1️⃣ 2⃣ #️⃣") == "1 2 #"


@given(st.lists(st.sampled_from([*"ab é\n ,.🚀⚠👩🏽🇩🇪", "⚠️", "👩‍👩‍👧", "1️⃣", "👍🏽", "\ufe0f"]), max_size=40))
def test_letters_and_digits_stay_and_no_pictograph_does(parts):
    text = "".join(parts)
    left = without_pictographs(text)

    assert [letter for letter in left if letter.isalnum()] == [letter for letter in text if letter.isalnum()]
    assert "So" not in map(unicodedata.category, left)
    assert encoding_of(left) is Encoding.GSM7


@given(st.text(alphabet="ab é\n ,.→漢", max_size=60))
def test_a_text_without_pictographs_stays_as_it_is(text):
    assert without_pictographs(text) == text
