"""Whatever an alert contains, the message is one that Slack takes, and notifies nobody."""

import json
import pathlib
import re
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import Alert, AlertPriority, AlertStatus, AlertType
from tocsin.rendering import REPEATED
from tocsin_slack.blockkit import check, visible
from tocsin_slack.format import (
    BLOCK_TEXT_LIMIT,
    DATA_LIMIT,
    FIELDS_LIMIT,
    HEADER_LIMIT,
    MESSAGE_LIMIT,
    SECTION_LIMIT,
    TEXT_LIMIT,
    message,
)

WHEN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
GOLDEN = pathlib.Path(__file__).parent / "golden"
# What Slack acts on: mentions, and links that an alert smuggled in. The template's own is the date.
ACTIVE = re.compile(r"<(?!!date\^|https?://)[^<>]*>")

nasty = st.text(alphabet=st.sampled_from("<>&!@#|*_~`{}^ab/:\n\t \u202e\u0301👩‍👩‍👧🇩🇪é漢"), max_size=300)
texts = st.one_of(
    st.text(max_size=200),
    nasty,
    st.just("<!channel> <@U123> <!here|x>"),
    st.just("&" * 9000),
    st.just("👩‍👩‍👧" * 3000),
    st.just("https://example.com/a?b=<c>&d " * 400),
    st.just("a" + "\u0301" * 9000),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=8), children, max_size=3)
    ),
    max_leaves=6,
)
names = nasty.map(lambda text: "s" + text[:200])
alerts = st.builds(
    Alert,
    title=texts.map(lambda text: ("x" + text)[:1000]),
    message=texts,
    alert_type=st.sampled_from(list(AlertType)),
    priority=st.sampled_from(list(AlertPriority)),
    status=st.sampled_from(list(AlertStatus)),
    symbol=st.none() | names,
    strategy_id=st.none() | names,
    position_id=st.none() | names,
    alert_id=names,
    labels=st.dictionaries(names, nasty, max_size=20),
    data=st.dictionaries(st.text(min_size=1, max_size=20), values, max_size=12),
    created_at=st.datetimes(datetime(1950, 1, 1), timezones=st.just(UTC)),
)


def strings_of(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings_of(item)


@settings(max_examples=300, deadline=None)
@given(alerts, st.booleans(), st.booleans())
def test_any_alert_makes_a_message_that_slack_takes(schema, alert, plain, repeated):
    body = message(alert, plain=plain, repeated=repeated)

    check(body)
    jsonschema.validate(body, schema("incoming webhook"))
    assert 0 < len(body["text"].encode("utf-16-le")) // 2 <= TEXT_LIMIT
    assert not any(ACTIVE.search(text) for text in strings_of(body))
    assert REPEATED in visible(body) or not repeated


@settings(max_examples=200, deadline=None)
@given(alerts)
def test_no_text_ends_inside_an_entity(alert):
    halves = re.compile(r"&(?!(?:amp|lt|gt);)")

    assert not any(halves.search(text) for text in strings_of(message(alert)))


RISK = Alert(
    title="Position Risk Exceeded",
    message="Position risk 6.5% exceeds limit 5.0%",
    alert_type="RISK",
    priority="HIGH",
    symbol="BTCUSDT",
    strategy_id="momentum_001",
    data={"position_size": 2.5, "risk_pct": 6.5, "limit_pct": 5.0},
    alert_id="a1",
    created_at=WHEN,
)
MILESTONE = Alert(
    title="Monthly Goal Achieved",
    message="The monthly target was reached",
    alert_type="MILESTONE",
    priority="INFO",
    data={"target": 5.0, "achieved": 5.2},
    alert_id="a2",
    created_at=WHEN,
)
WORST = Alert(
    title="<!channel> & *bold* " + "👩‍👩‍👧" * 190,
    message="<!here> <@U123> `code` _it_ ~no~ & https://example.com/<x>\n> quoted\n" + "& " * 4000,
    priority="CRITICAL",
    status="resolved",
    symbol="A`B",
    position_id="<@U999>",
    labels={"team": "ops & dev", "*not bold*": "line\nbreak", "empty": ""} | {f"l{i}": "v" for i in range(12)},
    data={"fence": "```\n<!channel>\n```", "deep": {"a": {"b": [1, None, "x"]}}}
    | {f"k{i}": "v" * 40 for i in range(90)},
    alert_id="worst`id",
    created_at=WHEN,
)


@pytest.mark.parametrize(("name", "alert"), [("risk", RISK), ("milestone", MILESTONE), ("worst", WORST)])
def test_the_message_is_the_one_that_was_looked_at(name, alert):
    expected = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))

    assert message(alert) == expected


def test_the_simpler_form_is_text_alone():
    assert message(RISK, plain=True) == {
        "text": (
            "🟠 Position Risk Exceeded\n\n"
            "Position risk 6.5% exceeds limit 5.0%\n\n"
            "Symbol: BTCUSDT\nStrategy: momentum_001\nposition_size: 2.5\nrisk_pct: 6.5\nlimit_pct: 5.0\n\n"
            "HIGH · RISK · 2026-11-23 09:30:00 UTC\nAlert a1"
        ),
        "attachments": [],
    }


def test_a_bare_alert_has_no_empty_parts():
    blocks = message(Alert(title="Up", message=" \n", alert_id="a1", created_at=WHEN))["attachments"][0]["blocks"]

    assert [block["type"] for block in blocks] == ["header", "context", "context"]


@pytest.mark.parametrize("priority", AlertPriority)
def test_each_priority_has_its_colour_and_emoji(priority):
    body = message(Alert(title="T", message="m", priority=priority))

    assert body["attachments"][0]["color"] == priority.color
    assert body["text"] == f"{priority.emoji} T"


@pytest.mark.parametrize(("status", "words"), [("acknowledged", "Acknowledged: "), ("resolved", "Resolved: ")])
def test_the_status_stands_before_the_title(status, words):
    body = message(Alert(title="T", message="m", status=status))

    assert body["text"] == f"🟡 {words}T"


def test_a_time_before_slacks_dates_begin_is_written_out():
    old = WHEN.replace(year=1960)

    assert "1960-11-23 09:30:00 UTC" in visible(message(Alert(title="T", message="m", created_at=old)))
    assert "<!date" not in json.dumps(message(Alert(title="T", message="m", created_at=old)))


def test_a_readers_clock_shows_the_time():
    shown = json.dumps(message(Alert(title="T", message="m", created_at=WHEN + timedelta(seconds=1))))

    assert "<!date^1795426201^{date_short_pretty} {time_secs}|2026-11-23 09:30:01 UTC>" in shown


def blocks_of(**values):
    alert = Alert(**({"title": "T", "message": "", "alert_id": "a1"} | values))
    return message(alert)["attachments"][0]["blocks"]


class TestLimits:
    """At a limit all is shown; one past it the text is cut, and shows that."""

    @pytest.mark.parametrize("surplus", [0, 1])
    def test_header(self, surplus):
        title = "t" * (HEADER_LIMIT - len("🟡 ") - 1 + surplus)  # the emoji counts as two
        header, below, *_ = blocks_of(title=title)

        assert (title in header["text"]["text"]) is (surplus == 0)
        assert header["text"]["text"].endswith("…") is (surplus == 1)
        assert (below["type"] == "section" and title in below["text"]["text"]) is (surplus == 1)

    @pytest.mark.parametrize("surplus", [0, 1])
    def test_message(self, surplus):
        text = "m" * (MESSAGE_LIMIT + surplus)
        sections = [block["text"]["text"] for block in blocks_of(message=text) if block["type"] == "section"]

        assert ("".join(sections) == text) is (surplus == 0)
        assert sections[-1].endswith("…") is (surplus == 1)

    @pytest.mark.parametrize(("surplus", "count"), [(0, 1), (1, 2)])
    def test_section(self, surplus, count):
        sections = [block for block in blocks_of(message="m" * (SECTION_LIMIT + surplus)) if block["type"] == "section"]

        assert len(sections) == count

    @pytest.mark.parametrize("surplus", [0, 1])
    def test_fields(self, surplus):
        labels = {f"l{number}": "v" for number in range(FIELDS_LIMIT + surplus)}
        fields, *rest = [block for block in blocks_of(labels=labels) if block["type"] == "section"]

        assert len(fields["fields"]) == FIELDS_LIMIT
        assert ["l10: v" in block["text"]["text"] for block in rest] == [True] * surplus

    @pytest.mark.parametrize("surplus", [0, 1])
    def test_data(self, surplus):
        room = DATA_LIMIT - len("*Details*\n```\n\n```") - len("k: ")
        (section,) = [block for block in blocks_of(data={"k": "v" * (room + surplus)}) if block["type"] == "section"]
        shown = section["text"]["text"]

        assert len(shown) == DATA_LIMIT
        assert shown.endswith("…\n```" if surplus else "v\n```")

    @pytest.mark.parametrize("surplus", [0, 1])
    def test_text(self, surplus):
        empty = message(Alert(title="T", message="x", alert_id="a1"), plain=True)["text"]
        room = TEXT_LIMIT - len(empty)  # one x less, one more for the emoji
        shown = message(Alert(title="T", message="m" * (room + surplus), alert_id="a1"), plain=True)["text"]

        assert shown.endswith("…") is (surplus == 1)
        assert shown.endswith("Alert a1") is (surplus == 0)

    def test_everything_at_its_longest_stays_below_what_slack_refuses(self):
        blocks = blocks_of(
            title="&" * 1000,
            message="&" * 9000,
            symbol="&" * 256,
            labels={f"{number}{'&' * 200}": "&" * 900 for number in range(30)},
            data={"k": "&" * 9000},
            alert_id="&" * 256,
        )

        assert sum(len(text) for text in strings_of(blocks)) < BLOCK_TEXT_LIMIT

    def test_a_mark_of_a_repeat_survives_every_cut(self):
        alert = Alert(title="&" * 1000, message="&" * 9000)

        assert message(alert, repeated=True)["text"].endswith(REPEATED)
        assert message(alert, plain=True, repeated=True)["text"].endswith(REPEATED)
