"""The picture for the documentation is made from the message itself."""

import html.parser
import re

import pytest

from tocsin import Alert
from tocsin.testing.showcase import showcase
from tocsin_telegram.format import message
from tocsin_telegram.markup import visible_text
from tocsin_telegram.preview import preview

ALLOWED = {"div", "style", "span", "b", "pre", "code"}


class Reader(html.parser.HTMLParser):
    """Tags, attributes and text of a page, in order."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.shown, self.opened = set(), set(), "", []

    def handle_starttag(self, tag, attrs):
        self.opened.append(tag)
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_endtag(self, tag):
        assert self.opened.pop() == tag

    def handle_data(self, data):
        if self.opened[-1] != "style":
            self.shown += data


def letters(text):
    """The text without spaces and line ends: a block needs none around it."""
    return re.sub(r"\s+", "", text)


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


@pytest.mark.parametrize("name", ["risk", "milestone", "worst"])
def test_it_shows_what_is_sent_and_nothing_remote(name):
    alert = showcase()[name]
    page = preview(alert)
    found = read(page)

    assert found.opened == []
    assert page.startswith('<div class="tocsin-telegram">')
    assert found.tags <= ALLOWED
    assert found.attributes <= {"class", "title", "aria-hidden"}
    assert "url(" not in page
    assert letters(visible_text(message(alert)["text"])) in letters(found.shown)


def test_nothing_in_an_alert_becomes_markup():
    nasty = "<script>alert(1)</script></div>\"'&lt;"
    page = preview(Alert(title=nasty, message=nasty, symbol=nasty, labels={"a": nasty}, data={nasty: nasty}))

    assert "<script" not in page
    assert read(page).tags <= ALLOWED


@pytest.mark.parametrize(("priority", "silent"), [("MEDIUM", False), ("LOW", True)])
def test_a_silent_message_is_marked(priority, silent):
    assert ("🔕" in preview(Alert(title="T", message="m", priority=priority))) is silent


def test_every_rule_of_the_style_is_for_the_picture_alone():
    style = re.search(r"<style>(.*?)</style>", preview(Alert(title="T", message="m")), re.DOTALL)[1]

    assert all(rule.strip().startswith(".tocsin-telegram") for rule in style.split("}") if rule.strip())
