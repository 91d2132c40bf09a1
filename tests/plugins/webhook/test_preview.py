"""The picture in the documentation is drawn from the request itself, and nothing in it comes alive."""

import html
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import Alert
from tocsin.testing.showcase import showcase
from tocsin_webhook.format import body_of
from tocsin_webhook.preview import preview

TAGS = {"div", "style", "p", "b", "dl", "dt", "dd", "pre", "span"}


class Elements(HTMLParser):
    """Every element of a fragment, with its attributes, and the text in the body of the request."""

    def __init__(self, fragment):
        super().__init__()
        self.found, self.open, self.body = [], [], ""
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "pre" in self.open:
            self.body += data


@pytest.mark.parametrize("name", showcase())
def test_it_shows_the_whole_body_that_is_sent(name):
    alert = showcase()[name]
    elements = Elements(preview(alert))

    assert json.loads(elements.body) == json.loads(body_of(alert))
    assert elements.open == []


def test_it_shows_title_and_headers():
    fragment = preview(showcase()["risk"])

    assert "Position Risk Exceeded" in fragment
    assert re.search(r"<dt>webhook-signature</dt><dd>v1,[A-Za-z0-9+/]{43}=</dd>", fragment)
    assert f"<dd>{len(body_of(showcase()['risk']))}</dd>" in fragment


@given(title=st.text(max_size=30).map(lambda text: f"x{text}"), data=st.dictionaries(st.text(), st.text(), max_size=3))
def test_nothing_that_an_alert_holds_becomes_markup(title, data):
    alert = Alert(title=title, message="<script>alert(1)</script><img src=x onerror=a>\"'&", data=data)
    fragment = preview(alert)
    elements = Elements(fragment)

    assert {tag for tag, _ in elements.found} <= TAGS
    assert all(set(attributes) <= {"class"} for _, attributes in elements.found)
    assert "<script" not in fragment
    assert json.loads(elements.body) == json.loads(body_of(alert))


def test_it_is_one_block_without_anything_from_elsewhere():
    fragment = preview(showcase()["worst"])
    own = html.unescape(re.sub(r"<pre>.*</pre>", "", fragment, flags=re.DOTALL))

    assert fragment.startswith('<div class="tocsin-webhook">')
    assert fragment.count("<div") == 1
    assert not re.search(r"https?:|url\(|@import|src=|href=", own)


def test_its_style_reaches_nothing_else():
    style = re.search(r"<style>(.*)</style>", preview(showcase()["risk"]), re.DOTALL)[1]
    selectors = [part.strip() for rule in re.findall(r"([^{}]+)\{", style) for part in rule.split(",")]

    assert all(selector.startswith(".tocsin-webhook") for selector in selectors)
