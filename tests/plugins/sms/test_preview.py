"""The picture of a text shows the very text, and nothing that the alert contains becomes markup."""

import importlib.metadata
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import Alert
from tocsin.rendering import without_overrides
from tocsin_sms.format import body
from tocsin_sms.preview import preview
from tocsin_sms.segments import resembling

TAGS = ["div", "style", "header", "time", "p", "footer"]


class Reader(HTMLParser):
    """What a browser makes of a fragment."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.text = [], [], {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text[self.open[-1]] = self.text.get(self.open[-1], "") + data


@pytest.mark.parametrize("name", ["risk", "milestone", "worst"])
def test_it_shows_the_text_as_it_is_sent(demo, name):
    read = Reader(preview(demo[name]))
    sent = body(demo[name])

    assert read.text["p"] == sent.text
    assert read.text["footer"].startswith(f"1 segment, {sent.encoding}, ")
    assert resembling(without_overrides(demo[name].title))[:12] in read.text["p"]


@settings(max_examples=100)
@given(st.text(alphabet="<>&\"'/=ascript\n\u202e👍", max_size=200))
def test_no_text_becomes_markup(text):
    made = preview(Alert(title="x" + text, message=text))

    assert Reader(made).tags == TAGS
    assert "<script" not in made
    assert Reader(made).open == []


def test_it_is_one_block_that_fetches_nothing(demo):
    made = preview(demo["worst"])

    assert made.startswith('<div class="tocsin-sms">')
    assert made.endswith("</div>")
    assert not re.search(r"https?:|url\(|@import|<img|<link", made)
    rules = re.findall(r"([^{}]+)\{", unescape(Reader(made).text["style"]))
    assert all(rule.strip().startswith(".tocsin-sms") for rule in rules)
    assert max(map(int, re.findall(r"max-width:(\d+)px", made))) <= 680


def test_it_is_found_by_its_entry_point():
    (found,) = importlib.metadata.entry_points(group="tocsin.previews", name="sms")

    assert found.load() is preview
