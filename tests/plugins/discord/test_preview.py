"""The picture of what arrives is drawn from the payload, and shows whatever it holds as text."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import Alert
from tocsin.testing.showcase import showcase
from tocsin_discord.preview import preview

TAGS = {"div", "span", "style", "pre"}


class Reader(HTMLParser):
    """Collects the elements, and the text outside the style sheet."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.open.append(tag)
        assert {name for name, _ in attributes} <= {"class", "style"}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] != "style":
            self.text += data


def read(fragment):
    reader = Reader()
    reader.feed(fragment)
    reader.close()
    assert reader.open == []
    return reader


@pytest.mark.parametrize("name", ["risk", "milestone", "worst"])
def test_each_alert_is_drawn(name):
    alert = showcase()[name]
    fragment = preview(alert)
    reader = read(fragment)

    assert fragment.startswith('<div class="tocsin-discord">')
    assert alert.title in reader.text
    assert set(reader.tags) == TAGS
    assert f"border-left-color:{alert.priority.color.lower()}" in fragment
    assert not re.search(r"https?:|url\(|@import", re.search("<style>.*?</style>", fragment, re.DOTALL)[0])


def test_what_is_cut_in_the_payload_is_cut_in_the_picture():
    text = read(preview(Alert(title="t" * 900, message="m" * 9000))).text

    assert text.count("m" * 4095 + "…") == 1
    assert text.count("🟡 " + "t" * 253 + "…") == 1


@settings(max_examples=100)
@given(st.text(alphabet=st.sampled_from("<>&\"'`\\*_[]()/ab:\n .") | st.characters(), min_size=1, max_size=80))
def test_nothing_of_an_alert_is_markup(text):
    hostile = f"</div><script>alert(1)</script>{text}"
    alert = Alert(title=hostile, message=hostile, symbol=f"s{text}", data={"k": hostile}, labels={f"s{text}": hostile})
    fragment = preview(alert)

    assert set(read(fragment).tags) == TAGS
    assert "<script" not in fragment


def test_addresses_in_the_message_have_the_colour_of_links_and_lead_nowhere():
    fragment = preview(Alert(title="T", message="see https://example.com/a_b?c=<d>."))

    assert '<span class="link">https://example.com/a_b?c=</span>&lt;d&gt;.' in fragment
    assert "href" not in fragment


def test_an_address_is_shown_as_it_is():
    fragment = preview(Alert(title="T", message="https://example.com/?a=1&lt;b'"))

    assert "https://example.com/?a=1&lt;b" in read(fragment).text
    assert "&amp;lt;b" in fragment
