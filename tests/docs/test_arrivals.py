"""The pictures of what arrives: where they come from, and that no alert reaches out of one."""

import types
from html.parser import HTMLParser

import pytest
from tocsin_docs.arrivals import PICTURES, TITLES, all_arrivals, arrivals_of, with_pictures
from tocsin_docs.manual import manuals

from tocsin.cli import demo
from tocsin.testing.showcase import showcase

FIXED = ("alert_id", "created_at", "channels")
MANUALS = [manual for manual in manuals() if manual.preview]
LARGEST = 100_000
"""Bytes of a picture that everybody who clones the repository fetches."""


class Parsed(HTMLParser):
    """The tags of a fragment, and whether each that was opened is closed where it should be."""

    VOID = frozenset({"br", "hr", "img", "input", "meta", "wbr", "col", "link"})

    def __init__(self, fragment):
        super().__init__()
        self.open, self.tags, self.wrong = [], [], []
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def told(alert):
    return {name: value for name, value in alert.to_dict().items() if name not in FIXED}


def test_the_first_two_alerts_are_those_of_the_demo():
    risk, milestone = demo._alerts(types.SimpleNamespace(channels={}))

    assert told(showcase()["risk"]) == told(risk)
    assert told(showcase()["milestone"]) == told(milestone)


def test_each_alert_has_a_title_on_the_page():
    assert TITLES.keys() == showcase().keys()


@pytest.mark.parametrize("manual", MANUALS, ids=lambda manual: manual.type)
def test_a_preview_is_a_fragment_of_its_own(manual):
    for arrival in arrivals_of(manual):
        parsed = Parsed(arrival.fragment)

        assert (parsed.wrong, parsed.open) == ([], [])
        assert {tag for tag, _ in parsed.tags}.isdisjoint({"script", "template", "link", "html", "body"})


@pytest.mark.parametrize("manual", MANUALS, ids=lambda manual: manual.type)
def test_a_preview_runs_and_fetches_nothing(manual):
    for arrival in arrivals_of(manual):
        attributes = [item for _, given in Parsed(arrival.fragment).tags for item in given.items()]
        fetched = [value for name, value in attributes if name in {"src", "srcset", "background", "poster"}]

        assert [name for name, _ in attributes if name.startswith("on")] == []
        assert [value for value in fetched if not value.startswith("data:")] == []
        assert "url(http" not in arrival.fragment
        assert "@import" not in arrival.fragment


def a_manual(text, preview=lambda alert: f"<p>{alert.alert_id}</p>"):
    return types.SimpleNamespace(type="pager", text=text, preview=preview)


@pytest.mark.parametrize("manual", manuals(), ids=lambda manual: manual.type)
def test_the_page_shows_each_alert_where_the_plugin_has_a_preview(manual):
    text = with_pictures(manual)

    assert text.count('shadowrootmode="open"') == (len(showcase()) if manual.preview else 0)
    assert text.count("## What arrives\n") <= 1


def test_the_previews_stand_at_the_end_of_the_section_on_what_arrives():
    text = with_pictures(a_manual("Pages.\n\n## What arrives\n\nA line.\n\n## Limits\n\nOne."))

    places = [text.index(part) for part in ("## What arrives", "A line.", "4f1c8e52-risk", "## Limits", "One.")]
    assert places == sorted(places)
    assert text.count("## ") == 2


def test_the_section_is_made_where_the_manual_has_none():
    assert "Pages.\n\n## What arrives\n" in with_pictures(a_manual("Pages."))


def test_a_manual_without_preview_stays_as_it_is():
    assert with_pictures(a_manual("Pages.", preview=None)) == "Pages."


def test_each_picture_belongs_to_a_preview_and_is_small():
    pictures = set(PICTURES.glob("*.png"))

    assert pictures <= {arrival.picture for arrival in all_arrivals()}
    assert [path.name for path in pictures if path.stat().st_size > LARGEST] == []
