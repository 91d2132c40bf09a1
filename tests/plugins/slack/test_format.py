"""Whatever an alert contains, the message is one that Slack takes, and notifies nobody."""

import functools
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
from tocsin.testing.showcase import showcase
from tocsin_slack.blockkit import check, visible
from tocsin_slack.format import (
    BLOCK_TEXT_LIMIT,
    DATA_LIMIT,
    FIELD_LIMIT,
    FIELDS_LIMIT,
    FIELDS_ROOM,
    HEADER_LIMIT,
    MESSAGE_LIMIT,
    POSTED,
    SECTION_LIMIT,
    TEXT_LIMIT,
    message,
)
from tocsin_slack.text import escape

WHEN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
GOLDEN = pathlib.Path(__file__).parent / "golden"
# What Slack acts on: mentions, and links that an alert smuggled in. The template's own is the date.
ACTIVE = re.compile(r"<(?!!date\^|https?://)[^<>]*>")

# The template's own markup: code in which nothing else is formatted, bold names and priorities, dates and links.
CODE = re.compile(
    r"^\*Details\*\n```\n.*\n```$|^\*[A-Za-z0-9 ._/-]+\*(\n`[^`\n]+`)?$|^Alert `[^`\n]+`$|<[^<>]*>", re.DOTALL
)
FORMATTED = re.compile(
    r"[*~`\uff0a\uff5e\uff40]|(?<![A-Za-z0-9])[_\uff3f]|[_\uff3f](?![A-Za-z0-9])|:(?!\d\d?:)[^\s:]+:"
)
QUOTED = re.compile(r"^\s*(?:&gt;|[>\uff1e])", re.MULTILINE)

nasty = st.text(
    alphabet=st.sampled_from("<>&!@#|*_~`\uff0a\uff3f\uff5e\uff40\uff1e{}^ab/:\n\t \u202e\u0301👩‍👩‍👧🇩🇪é漢"),
    max_size=300,
)
texts = st.one_of(
    st.text(max_size=200),
    nasty,
    st.just("<!channel> <@U123> <!here|x>"),
    st.just("&" * 9000),
    st.just("👩‍👩‍👧" * 3000),
    st.just("https://example.com/a?b=<c>&d " * 400),
    st.just("a" + "\u0301" * 9000),
    st.just("\u202e\u0645\u0631\u062d\u202c <!here> " * 5000),  # about 100 kB
    st.just("\x00\x07\x1b[31m\u2028\ufeff\ud800"),
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
    data=st.one_of(
        st.dictionaries(st.text(min_size=1, max_size=20), values, max_size=12),
        st.just({f"key_{number}": "<@U1>" for number in range(500)}),
        st.just(functools.reduce(lambda inner, _: {"`*<": inner}, range(30), {"end": "```"})),
    ),
    created_at=st.datetimes(datetime(1950, 1, 1), timezones=st.just(UTC)),
)


def strings_of(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings_of(item)


def mrkdwn_of(value):
    """The text of every text object that Slack formats."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from mrkdwn_of(item)


@settings(max_examples=300)
@given(alerts, st.booleans(), st.booleans())
def test_any_alert_makes_a_message_that_slack_takes(schema, alert, plain, repeated):
    body = message(alert, plain=plain, repeated=repeated)

    check(body)
    jsonschema.validate(body, schema("incoming webhook"))
    assert 0 < len(body["text"].encode("utf-16-le")) // 2 <= TEXT_LIMIT
    assert not any(ACTIVE.search(text) for text in strings_of(body))
    assert not any(FORMATTED.search(CODE.sub("", text)) for text in mrkdwn_of(body))
    assert REPEATED in visible(body) or not repeated


@settings(max_examples=300)
@given(alerts, st.booleans())
def test_the_text_of_an_edit_holds_nothing_that_slack_would_format(alert, plain):
    body = message(alert, plain=plain, edit=True)
    between = re.sub(r"<!date\^00000000\^{_}\|[^<>\s]+>", " x ", body["text"])

    check(body)
    assert 0 < len(body["text"].encode("utf-16-le")) // 2 <= TEXT_LIMIT
    assert not FORMATTED.search(between)
    assert not QUOTED.search(between)
    assert not set("<>") & set(between)


@pytest.mark.parametrize("plain", [False, True])
def test_an_edit_reads_as_the_message_did(plain):
    alert = Alert(title="*a* _b_ ~c~ `d` \uff0ae\uff0a :tada:", message="> f\n\uff1e g\n  > h", data={"i_j": "_k_"})

    assert visible(message(alert, plain=plain, edit=True)) == visible(message(alert, plain=plain) | POSTED)


@settings(max_examples=200)
@given(alerts)
def test_no_text_ends_inside_an_entity(alert):
    halves = re.compile(r"&(?!(?:amp|lt|gt);)")

    assert not any(halves.search(text) for text in strings_of(message(alert)))


@pytest.mark.parametrize("name", showcase())
def test_the_message_is_the_one_that_was_looked_at(name):
    expected = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))

    assert message(showcase()[name]) == expected


def test_the_simpler_form_is_text_alone():
    assert message(showcase()["risk"], plain=True) == {
        "text": (
            "🟠 Position Risk Exceeded\n\n"
            "Position risk 6.5% exceeds limit 5.0%\n\n"
            "Symbol: BTCUSDT\nStrategy: momentum_001\nposition_size: 2.5\nrisk_pct: 6.5\nlimit_pct: 5.0\n\n"
            "HIGH · RISK · 2026-11-23 09:30:00 UTC\nAlert 4f1c8e52-risk"
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


def test_the_blocks_stand_in_the_order_that_people_know():
    blocks = message(showcase()["risk"])["attachments"][0]["blocks"]

    assert [block["type"] for block in blocks] == ["header", "section", "context", "section", "section", "context"]
    assert blocks[0]["text"] == {"type": "plain_text", "text": "🟠 Position Risk Exceeded", "emoji": False}
    assert [element["text"].partition("<")[0] for element in blocks[2]["elements"]] == ["*HIGH*", "RISK", ""]
    assert [field["text"] for field in blocks[3]["fields"]] == ["*Symbol*\n`BTCUSDT`", "*Strategy*\n`momentum_001`"]
    assert "risk_pct: 6.5" in blocks[4]["text"]["text"]
    assert blocks[5]["elements"][0]["text"] == "Alert `4f1c8e52-risk`"


def test_the_text_is_there_with_blocks_and_without():
    alert = showcase()["worst"]

    assert all(message(alert, plain=plain)["text"] for plain in (False, True))


def test_the_header_is_plain_text_and_names_of_emoji_in_it_stay_as_they_are():
    header = message(Alert(title="*1:100:2*", message="m"))["attachments"][0]["blocks"][0]

    assert header["text"] == {"type": "plain_text", "text": "🟡 *1:100:2*", "emoji": False}


@pytest.mark.parametrize("mention", ["<!channel>", "<!here>", "<!everyone>", "<@U123>", "<!subteam^S1>", "<#C1>"])
def test_a_mention_is_only_text_wherever_it_stands(mention):
    everywhere = dict.fromkeys(("title", "message", "symbol", "strategy_id", "position_id", "source"), mention)
    alert = Alert(**everywhere, labels={mention: mention}, data={mention: mention}, alert_id=mention)

    for plain in (False, True):
        assert not any(ACTIVE.search(text) for text in strings_of(message(alert, plain=plain)))
    assert visible(message(alert)).count(mention) == 12


@pytest.mark.parametrize(("text", "type_"), [("see https://x.y", "mrkdwn"), ("*see* https://x.y", "plain_text")])
def test_a_link_can_be_clicked_unless_that_would_format_something_else(text, type_):
    section = message(Alert(title="T", message=text))["attachments"][0]["blocks"][1]

    assert section["text"]["type"] == type_


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
    @pytest.mark.parametrize("tail", ["vvvv", "`vv"])  # as code, and as plain text
    def test_field(self, surplus, tail):
        value = "&" * (398 if tail == "vvvv" else 399) + tail + "v" * surplus  # each & is five as &amp;
        (section,) = [block for block in blocks_of(labels={"l": value}) if block["type"] == "section"]
        shown = section["fields"][0]["text"]

        assert len(shown) == FIELD_LIMIT
        assert (escape(value) in shown) is (surplus == 0)
        assert ("…" in shown) is (surplus == 1)

    def test_fields_share_their_room(self):
        labels = {f"l{number}": "v" * 1000 for number in range(FIELDS_LIMIT)}
        (section,) = [block for block in blocks_of(labels=labels) if block["type"] == "section"]

        assert [len(field["text"]) for field in section["fields"]] == [FIELDS_ROOM // FIELDS_LIMIT] * FIELDS_LIMIT

    def test_the_longest_alert_id_is_whole(self):
        assert blocks_of(alert_id="i" * 256)[-1]["elements"][0]["text"] == f"Alert `{'i' * 256}`"

    def test_there_are_never_more_blocks_than_slack_takes(self):
        most = blocks_of(
            title="t" * 1000, message="m" * 9000, labels={f"l{n}": "v" for n in range(30)}, data={"k": "v" * 9000}
        )

        assert len(most) == 8

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
