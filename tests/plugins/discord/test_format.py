"""Whatever an alert contains, the message is one that Discord takes, and pings nobody."""

import json
import pathlib
import re
from datetime import UTC, datetime, timedelta, timezone

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import Alert, AlertPriority, AlertStatus, AlertType
from tocsin.rendering import REPEATED
from tocsin.testing.showcase import showcase
from tocsin_discord.format import (
    CONTENT_LIMIT,
    DATA_LIMIT,
    DESCRIPTION_LIMIT,
    EMBEDS_LIMIT,
    FACTS_LIMIT,
    FIELD_NAME_LIMIT,
    FIELD_VALUE_LIMIT,
    FIELDS_LIMIT,
    FOOTER_LIMIT,
    TITLE_LIMIT,
    TOTAL_LIMIT,
    message,
)
from tocsin_discord.markdown import shown
from tocsin_discord.names import THREAD_NAME_LIMIT, USERNAME_LIMIT

WHEN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
REQUEST_LIMIT = 25 << 20
"""Bytes (docs.discord.com/developers/reference#uploading-files)."""
GOLDEN = pathlib.Path(__file__).parent / "golden"

nasty = st.text(alphabet=st.sampled_from("\\*_~`|>#-[]()<@!&:/ab1\n\t \u202e\u0301👩‍👩‍👧🇩🇪é漢"), max_size=300)
texts = st.one_of(
    st.text(max_size=200),
    nasty,
    st.just("@everyone @here <@123> <@&4> <#5>"),
    st.just("*" * 9000),
    st.just("`" * 9000),
    st.just("\n# x" * 2000),
    st.just("👩‍👩‍👧" * 3000),
    st.just("https://example.com/a_b?c=<d>&e " * 400),
    st.just("a" + "\u0301" * 9000),
    st.just("k" + " " * 3000 + "v\n"),
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
)


def trimmed(text):
    """The length that Discord counts: code points, without blanks at both ends."""
    return len(text.strip())


def texts_of(embed):
    yield embed["title"]
    yield embed.get("description", "")
    yield embed["footer"]["text"]
    for field in embed.get("fields", []):
        yield from (field["name"], field["value"])


@settings(max_examples=300)
@given(alerts, st.booleans(), st.booleans())
def test_any_alert_makes_a_message_that_discord_takes(schema, alert, plain, repeated):
    body = message(alert, plain=plain, repeated=repeated)

    for method in ("execute", "edit"):
        jsonschema.validate(body, schema(method))
    assert len(json.dumps(body)) < REQUEST_LIMIT
    assert 0 < trimmed(body["content"]) <= CONTENT_LIMIT
    assert body["allowed_mentions"] == {"parse": []}
    assert (REPEATED in body["content"]) is repeated or REPEATED in alert.title
    assert len(body["embeds"]) == (not plain) < EMBEDS_LIMIT
    for embed in body["embeds"]:
        assert sum(map(trimmed, texts_of(embed))) <= TOTAL_LIMIT
        assert trimmed(embed["title"]) <= TITLE_LIMIT
        assert trimmed(embed.get("description", "")) <= DESCRIPTION_LIMIT
        assert trimmed(embed["footer"]["text"]) <= FOOTER_LIMIT
        fields = embed.get("fields", [])
        assert len(fields) <= FIELDS_LIMIT
        assert all(0 < trimmed(field["name"]) <= FIELD_NAME_LIMIT for field in fields)
        assert all(0 < trimmed(field["value"]) <= FIELD_VALUE_LIMIT for field in fields)
        assert embed.get("description", "x").strip()


@settings(max_examples=200)
@given(alerts)
def test_no_mention_or_link_is_left_outside_of_code(alert):
    (embed,) = message(alert)["embeds"]

    for text in [*texts_of(embed), message(alert)["content"], message(alert, plain=True)["content"]]:
        if text.startswith("```") or text == embed["footer"]["text"]:
            continue
        bare = re.sub(r"\\[^0-9A-Za-z\s]", "", text)
        assert not re.search(r"<[@#:/a-z]|\]\(|\*\*|__|\|\|", re.sub(r"https?://\S+", "", bare))


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


@pytest.mark.parametrize("name", ["risk", "milestone", "worst"])
def test_the_message_is_the_one_that_was_looked_at(name):
    expected = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))

    assert message(showcase()[name]) == expected


def test_the_simpler_form_is_text_alone():
    assert message(RISK, plain=True) == {
        "content": (
            "🟠 Position Risk Exceeded\n\n"
            "Position risk 6.5% exceeds limit 5.0%\n\n"
            "Symbol: BTCUSDT\nStrategy: momentum\\_001\nposition\\_size: 2.5\nrisk\\_pct: 6.5\nlimit\\_pct: 5.0\n\n"
            "HIGH · RISK · 2026-11-23 09:30:00 UTC\nAlert a1"
        ),
        "embeds": [],
        "allowed_mentions": {"parse": []},
    }


def embed_of(**values):
    (embed,) = message(Alert(**({"title": "T", "message": "", "alert_id": "a1"} | values)))["embeds"]
    return embed


def test_a_bare_alert_has_no_empty_parts():
    embed = embed_of(message=" \n")

    assert set(embed) == {"title", "color", "timestamp", "footer"}


@pytest.mark.parametrize(
    ("priority", "color"),
    [("CRITICAL", 16711680), ("HIGH", 16746496), ("MEDIUM", 16776960), ("LOW", 65280), ("INFO", 35071)],
)
def test_each_priority_has_its_colour_as_a_number(priority, color):
    assert embed_of(priority=priority)["color"] == color


@pytest.mark.parametrize(("status", "words"), [("acknowledged", "Acknowledged: "), ("resolved", "Resolved: ")])
def test_the_status_stands_before_the_title(status, words):
    assert embed_of(status=status)["title"] == f"🟡 {words}T"


def test_the_time_is_in_utc():
    there = WHEN.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert embed_of(created_at=there)["timestamp"] == "2026-11-23T09:30:00+00:00"


def test_a_value_of_blanks_is_shown_as_empty():
    assert embed_of(labels={"l": " \n"})["fields"] == [{"name": "l", "value": "(empty)", "inline": True}]


def test_long_data_leaves_the_message_at_least_half():
    embed = embed_of(message="m" * 9000, data={"k": "v" * 9000})

    assert len(embed["description"]) > (TOTAL_LIMIT - len(embed["title"]) - len(embed["footer"]["text"])) // 2 - 5
    assert embed["fields"][-1]["value"].endswith("…\n```")


def test_the_limits_are_those_that_discord_describes(described):
    parts, bodies = described["components"]["schemas"], described["methods"]["execute"]["properties"]
    embed, field = parts["RichEmbed"]["properties"], parts["RichEmbedField"]["properties"]

    assert bodies["content"]["maxLength"] == CONTENT_LIMIT
    assert bodies["embeds"]["maxItems"] == EMBEDS_LIMIT
    assert bodies["username"]["maxLength"] == USERNAME_LIMIT
    assert bodies["thread_name"]["maxLength"] == THREAD_NAME_LIMIT
    assert embed["title"]["maxLength"] == TITLE_LIMIT
    assert embed["description"]["maxLength"] == DESCRIPTION_LIMIT
    assert embed["fields"]["maxItems"] == FIELDS_LIMIT
    assert field["name"]["maxLength"] == FIELD_NAME_LIMIT
    assert field["value"]["maxLength"] == FIELD_VALUE_LIMIT
    assert parts["RichEmbedFooter"]["properties"]["text"]["maxLength"] == FOOTER_LIMIT
    assert (
        TOTAL_LIMIT == 6000
    )  # in words alone: docs.discord.com/developers/resources/message#embed-object-embed-limits


class TestLimits:
    """At a limit all is shown; one past it the text is cut, and shows that."""

    @pytest.mark.parametrize("surplus", [0, 1])
    def test_title(self, surplus):
        title = "👩" * (TITLE_LIMIT - len("🟡 ") + surplus)
        found = embed_of(title=title)["title"]

        assert found == (f"🟡 {title}" if surplus == 0 else f"🟡 {'👩' * (len(title) - 2)}…")

    @pytest.mark.parametrize("surplus", [0, 1])
    def test_description(self, surplus):
        text = "👩" * (DESCRIPTION_LIMIT + surplus)
        description = embed_of(message=text)["description"]

        assert (description == text) is (surplus == 0)
        assert (description.endswith("…"), len(description)) == (surplus == 1, DESCRIPTION_LIMIT)

    def test_blanks_at_the_ends_do_not_count(self):
        text = "m" * DESCRIPTION_LIMIT

        assert embed_of(message=f" \n{text}\n ")["description"] == text

    @pytest.mark.parametrize("surplus", [0, 1])
    def test_content(self, surplus):
        empty = message(Alert(title="T", message="x", alert_id="a1"), plain=True)["content"]
        text = "👩" * (CONTENT_LIMIT - len(empty) + len("x") + surplus)
        content = message(Alert(title="T", message=text, alert_id="a1"), plain=True)["content"]

        assert content.endswith("…") is (surplus == 1)
        assert content.endswith("Alert a1") is (surplus == 0)

    @pytest.mark.parametrize("surplus", [0, 1])
    def test_field_value(self, surplus):
        room = FIELD_VALUE_LIMIT - len("```\n\n```") - len("k: ")
        fields = embed_of(data={"k": "v" * (room + surplus)})["fields"]

        assert len(fields) == 1 + surplus
        assert len(fields[0]["value"]) == FIELD_VALUE_LIMIT

    @pytest.mark.parametrize("surplus", [0, 1])
    def test_data(self, surplus):
        text = "v" * (DATA_LIMIT - len("k: ") + surplus)
        fields = embed_of(data={"k": text})["fields"]
        whole = "".join(shown(field["value"]) for field in fields)

        assert (whole == f"k: {text}") is (surplus == 0)
        assert whole.endswith("…") is (surplus == 1)

    @pytest.mark.parametrize("surplus", [0, 1])
    def test_facts(self, surplus):
        labels = {f"l{number}": "v" for number in range(FACTS_LIMIT + surplus)}
        fields = embed_of(labels=labels)["fields"]

        assert [field["inline"] for field in fields] == [True] * FACTS_LIMIT + [False] * surplus

    @pytest.mark.parametrize("surplus", [0, 1])
    def test_all_texts_of_the_embed_together(self, surplus):
        facts = {"labels": {f"{number}{'n' * 59}": "v" * 120 for number in range(FACTS_LIMIT)}, "title": "t" * 300}
        without = sum(map(len, texts_of(embed_of(message="", **facts))))
        text = "m" * (TOTAL_LIMIT - without + surplus)
        embed = embed_of(message=text, **facts)

        assert sum(map(len, texts_of(embed))) == TOTAL_LIMIT
        assert embed["description"].endswith("…") is (surplus == 1)
        assert (embed["description"] == text) is (surplus == 0)

    @pytest.mark.parametrize("surplus", [0, 1])
    def test_name_and_value_of_a_fact(self, surplus):
        (field,) = embed_of(labels={"n" * (60 + surplus): "v" * (120 + surplus)})["fields"]

        assert (len(field["name"]), len(field["value"])) == (60, 120)
        assert field["name"].endswith("…") is field["value"].endswith("…") is (surplus == 1)

    @pytest.mark.parametrize("length", [256, 0])
    def test_the_footer_has_room_for_any_alert_id(self, length):
        alert_id = "i" * (length or 1)

        assert embed_of(alert_id=alert_id)["footer"]["text"].endswith(alert_id)

    def test_everything_at_its_longest_fits_into_the_sum(self):
        embed = embed_of(
            title="*" * 1000,
            message="*" * 9000,
            symbol="*" * 256,
            labels={f"{number}{'*' * 200}": "*" * 900 for number in range(30)},
            data={f"k{number}": "`" * 90 for number in range(100)},
            alert_id="*" * 256,
        )

        assert TOTAL_LIMIT - 320 < sum(map(trimmed, texts_of(embed))) <= TOTAL_LIMIT
        assert len(embed["fields"]) <= FIELDS_LIMIT

    def test_a_mark_of_a_repeat_survives_every_cut(self):
        alert = Alert(title="*" * 1000, message="*" * 9000)

        assert message(alert, repeated=True)["content"].endswith(REPEATED)
        assert message(alert, plain=True, repeated=True)["content"].endswith(REPEATED)
