"""The picture of a mail shows what the mail holds, and nothing that it could do."""

import html
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import Alert
from tocsin.rendering import without_overrides
from tocsin_email.preview import preview

SCRIPT = "<script>alert(1)</script></body></style>"
DEMO = {
    "risk": Alert(
        title="Position Risk Exceeded",
        message="Position risk is above its limit.\nReduce the position.",
        alert_type="RISK",
        priority="HIGH",
        symbol="BTCUSDT",
        data={"position_size": 2.5, "risk_pct": 6.5},
        alert_id="demo-1",
    ),
    "milestone": Alert(
        title="Monthly Goal Achieved",
        message="The goal of this month was reached.",
        alert_type="MILESTONE",
        priority="INFO",
        data={"target": 5.0, "achieved": 5.2},
        alert_id="demo-2",
    ),
    "worst": Alert(
        title=f"=?utf-8?q?Bcc:_x?= \u202e👩‍👩‍👧 {SCRIPT}" + " long" * 100,
        message=f".\n..\n{SCRIPT} &amp;" + "🔴" * 100_000,
        priority="CRITICAL",
        labels={f"{number}": "'" * 1000 for number in range(50)},
        data={f"{number}": {SCRIPT: SCRIPT} for number in range(500)},
        dedup_key="disk-1",
        status="resolved",
        alert_id=SCRIPT,
    ),
}
TEXTS = st.text(st.characters() | st.sampled_from("<>&\"'=?\n"), max_size=60)
NAMES = TEXTS.map(lambda text: f"x{text}")
ALERTS = st.builds(
    Alert,
    title=NAMES,
    message=TEXTS,
    priority=st.sampled_from(["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"]),
    symbol=st.none() | NAMES,
    labels=st.dictionaries(NAMES, TEXTS, max_size=3),
    data=st.dictionaries(TEXTS, TEXTS, max_size=3),
    alert_id=NAMES,
)
VOID = {"br"}
ATTRIBUTES = {"class", "style", "dir", "role", "align", "width", "cellpadding", "cellspacing", "scope"}
TAGS = {"div", "style", "b", "span", "table", "tr", "td", "th", "h1", "br"}


class Outline(HTMLParser):
    """The tags of a fragment, what of them is open, and its text outside styles."""

    def __init__(self, fragment):
        super().__init__()
        self.tags, self.attributes, self.open, self.text, self.tops = set(), set(), [], "", 0
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.tops += not self.open
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


def check(alert):
    shown = preview(alert)
    outline = Outline(shown)

    assert shown.startswith('<div class="tocsin-email">')
    assert (outline.open, outline.tops) == ([], 1)
    assert outline.tags <= TAGS
    assert outline.attributes <= ATTRIBUTES
    assert not re.search(r"(?i)url\(|@import|https?:", re.sub(r">[^<]*<", "><", shown))
    assert html.escape(without_overrides(alert.title)) in shown
    return outline.text


@pytest.mark.parametrize("name", DEMO)
def test_it_shows_the_header_the_title_and_the_facts(name):
    text = check(DEMO[name])

    assert "From: Tocsin <alerts@example.com>" in text
    assert "To: Operations <ops@example.com>" in text
    assert DEMO[name].message.splitlines()[0] in text
    assert ("High importance" in text) is (DEMO[name].priority in ("CRITICAL", "HIGH"))


@settings(max_examples=100)
@given(alert=ALERTS)
def test_any_alert_makes_a_picture_without_markup_of_its_own(alert):
    check(alert)


def test_a_script_in_an_alert_is_text():
    text = check(Alert(title=SCRIPT, message=SCRIPT, data={SCRIPT: SCRIPT}, labels={"x": SCRIPT}, alert_id=SCRIPT))

    assert text.count(SCRIPT) == 7


def test_the_subject_is_cut_where_the_mail_cuts_it():
    alert = attrs.evolve(DEMO["risk"], title="x" * 1000)
    subject = re.search(r'<div class="subject" dir="auto">(.*)</div>', preview(alert))[1]

    assert subject.endswith("…")
    assert len(subject) < 260


def test_it_is_the_same_each_time():
    assert preview(DEMO["worst"]) == preview(DEMO["worst"])


def test_the_distribution_names_it():
    project = Path(__file__).parents[3] / "plugins" / "email" / "pyproject.toml"
    points = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["entry-points"]

    assert points["tocsin.previews"] == {"email": f"{preview.__module__}:preview"}
