"""The picture of what arrives is made from the payload, and nothing of an alert is markup in it."""

import html
import re
from html.parser import HTMLParser

import pytest

from tocsin import Alert, AlertPriority
from tocsin.testing.showcase import showcase
from tocsin_slack.blockkit import visible
from tocsin_slack.format import POSTED, message
from tocsin_slack.preview import preview


class Fragment(HTMLParser):
    """The tags, attributes and text of a fragment."""

    def __init__(self, fragment):
        super().__init__()
        self.tags, self.attributes, self.words, self.open = [], [], [], []
        self.feed(fragment)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] != "style":
            self.words.append(data)


@pytest.mark.parametrize("name", showcase())
def test_a_preview_shows_the_title_and_every_text_of_the_message(name):
    alert = showcase()[name]
    fragment = Fragment(preview(alert))
    shown = " ".join(fragment.words).replace("\u2060", "")

    assert alert.title.split()[0] in shown
    # The simulator's reader leaves a backtick where a line of data ends in one.
    assert set(visible(message(alert) | POSTED).split()) - set(shown.split()) <= {"`"}
    assert fragment.open == []


@pytest.mark.parametrize("name", showcase())
def test_a_preview_is_one_element_without_script_and_anything_from_elsewhere(name):
    shown = preview(showcase()[name])
    fragment = Fragment(shown)

    assert shown.startswith('<div class="tocsin-slack">')
    assert set(fragment.tags) <= {"div", "span", "style", "code", "pre", "b", "a"}
    assert {attribute for attribute, _ in fragment.attributes} <= {"class", "style", "href"}
    assert "url(" not in shown


def test_nothing_that_an_alert_contains_is_markup():
    evil = "<script>alert(1)</script>\"'&lt;"
    shown = preview(
        Alert(
            title=evil,
            message=evil,
            symbol=evil,
            source="`" + evil,
            labels={evil: evil},
            data={evil: evil},
            alert_id=evil,
        )
    )

    assert "<script" not in shown
    assert "".join(Fragment(shown).words).count(evil) == 10


def test_a_link_leads_where_it_says_and_no_further():
    shown = preview(Alert(title="T", message='see https://x.y/"onclick="a&b javascript:c'))
    links = [value for name, value in Fragment(shown).attributes if name == "href"]

    assert links == ['https://x.y/"onclick="a&b']
    assert html.escape(links[0]) in shown


@pytest.mark.parametrize("priority", AlertPriority)
def test_the_bar_has_the_priority_s_colour(priority):
    assert f'style="background:{priority.color}"' in preview(Alert(title="T", message="m", priority=priority))


def test_what_is_cut_in_the_message_is_cut_in_the_picture():
    shown = preview(Alert(title="T", message="m" * 9000))

    assert len(re.findall("m{100,}…", shown)) == 1
