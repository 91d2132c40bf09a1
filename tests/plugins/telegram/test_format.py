"""Whatever an alert contains, the message is one that Telegram takes."""

import json
import os
import pathlib
import re
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import Alert, AlertPriority, AlertStatus
from tocsin.rendering import REPEATED
from tocsin.testing.showcase import showcase
from tocsin_telegram.format import PLAIN_LIMIT, REQUEST_LIMIT, TEXT_LIMIT, calm, html_text, kept, message, short_text
from tocsin_telegram.markup import BadMarkup, mentions, stored_text, visible_text

WHEN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
# Telegram drops these before it looks for mentions, so that what stood around them may become one.
DROPPED = "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u030a\u0333\u033f"
GOLDEN = pathlib.Path(__file__).parent / "golden"

nasty = st.text(alphabet=st.sampled_from("<>&\"'@_ab/;#\n\t \u0301👩‍👩‍👧🇩🇪é漢" + DROPPED), max_size=400)
texts = st.one_of(
    st.text(max_size=300),
    nasty,
    st.just("&" * 9000),
    st.just("👩‍👩‍👧" * 3000),
    st.just("@ab " * 3000),
    st.just("@\u202eab" * 3000),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=8), children, max_size=3)
    ),
    max_leaves=6,
)
alerts = st.builds(
    Alert,
    title=texts.map(lambda text: ("x" + text)[:1000]),
    message=texts,
    priority=st.sampled_from(list(AlertPriority)),
    status=st.sampled_from(list(AlertStatus)),
    symbol=st.none() | nasty.map(lambda text: "s" + text[:200]),
    strategy_id=st.none() | nasty.map(lambda text: "s" + text[:200]),
    alert_id=nasty.map(lambda text: "i" + text[:255]),
    labels=st.dictionaries(st.text("abc", min_size=1), nasty.map(lambda text: "v" + text[:200]), max_size=20),
    data=st.dictionaries(st.text(min_size=1, max_size=20), values, max_size=12),
)


def outside_code(text):
    """What is left when the blocks in which Telegram makes no mentions are taken out."""
    return visible_text(re.sub(r"<pre>.*?</pre>", "", text, flags=re.DOTALL))


@settings(max_examples=300)
@given(alerts, st.booleans())
def test_any_alert_makes_valid_markup_within_the_limit(alert, repeated):
    text = html_text(alert, repeated=repeated)

    shown = visible_text(text)
    assert 0 < len(stored_text(shown)) <= len(shown) <= TEXT_LIMIT
    assert len(json.dumps(message(alert), ensure_ascii=False).encode()) < REQUEST_LIMIT
    assert mentions(stored_text(outside_code(text))) == []
    assert (REPEATED in shown) is repeated or REPEATED in alert.title


@settings(max_examples=200)
@given(alerts, st.booleans())
def test_any_alert_has_a_simpler_form_without_mentions(alert, repeated):
    text = short_text(alert, repeated=repeated)

    assert 0 < len(stored_text(text)) <= len(text) <= PLAIN_LIMIT
    assert mentions(stored_text(text)) == []


@pytest.mark.parametrize("name", ["risk", "milestone", "worst"])
@pytest.mark.parametrize("plain", [False, True], ids=["html", "plain"])
def test_what_arrives_is_what_was_agreed(name, plain):
    """The golden files show it; write them anew with ``UPDATE_GOLDEN=1`` and read the difference."""
    made = message(showcase()[name], plain=plain)
    golden = GOLDEN / f"{name}{'.plain' if plain else ''}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    assert made == json.loads(golden.read_text(encoding="utf-8"))


@settings(max_examples=100)
@given(alerts)
def test_any_alert_has_at_most_three_entities(alert):
    """A message may have 100, and loses the others."""
    assert re.findall(r"<([a-z]+)>", html_text(alert)) in (["b", "code"], ["b", "pre", "code"])


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("plain", "plain"),
        ("a\u2028b\u2029c", "a\nb\nc"),
        ("@\u202eeveryone", "@everyone"),
        ("@\u0333every\u033fone", "@everyone"),
        ("A\u030angstro\u0308m", "Ångström"),
        ("@\u030aname", "@name"),
    ],
)
def test_what_telegram_drops_is_dropped_before(text, stays):
    assert kept(text) == stays


@pytest.mark.parametrize("character", DROPPED)
def test_a_dropped_character_hides_no_mention_and_no_cut(character):
    hidden = f"@{character}everyone " * 10
    text = html_text(Alert(title=hidden, message=hidden + "m" * 5000, symbol=hidden, alert_id=f"i{hidden[:20]}"))

    assert mentions(stored_text(outside_code(text))) == []
    assert "…" in text


def test_a_text_that_telegram_would_empty_is_not_marked_as_cut():
    assert "…" not in html_text(Alert(title="T", message="\u202e" * 9000))


@pytest.mark.parametrize("make", [html_text, short_text])
def test_dropped_characters_take_no_room(make):
    alert = Alert(title="T", message="\u202e" * 5000 + "m" * 5000, symbol="\u202e" * 200 + "s", alert_id="a1")

    assert make(alert).count("m") > 1900
    assert "…" in make(alert)
    assert make(attrs.evolve(alert, message="\u202e" * 5000 + "m")).count("…") == 0


def test_the_longest_escapes_stay_below_the_request_limit():
    """4,096 times five bytes; the limit is for the whole request."""
    request = message(Alert(title="&" * 1000, message="&" * 200_000, data={"&": "&" * 9000}))

    assert 20_000 < len(json.dumps(request, ensure_ascii=False).encode()) < REQUEST_LIMIT


def test_the_demo_alert_looks_like_this():
    alert = Alert(
        title="Position Risk Exceeded",
        message="Position size is above the limit",
        alert_type="RISK",
        priority="HIGH",
        symbol="BTCUSDT",
        strategy_id="momentum_001",
        data={"position_size": 2.5, "risk_pct": 6.5, "limit_pct": 5.0},
        alert_id="a1",
        created_at=WHEN,
    )

    assert html_text(alert) == (
        "<b>🟠 Position Risk Exceeded</b>\n\n"
        "Position size is above the limit\n\n"
        "Symbol: BTCUSDT\nStrategy: momentum_001\n\n"
        "<pre>position_size: 2.5\nrisk_pct: 6.5\nlimit_pct: 5.0</pre>\n\n"
        "HIGH · RISK · 2026-11-23 09:30:00 UTC\nAlert <code>a1</code>"
    )
    assert short_text(alert) == (
        "🟠 Position Risk Exceeded\n\n"
        "Position size is above the limit\n\n"
        "Symbol: BTCUSDT\nStrategy: momentum_001\nposition_size: 2.5\nrisk_pct: 6.5\nlimit_pct: 5.0\n\n"
        "HIGH · RISK · 2026-11-23 09:30:00 UTC\nAlert a1"
    )


def test_a_bare_alert_has_no_empty_parts():
    alert = Alert(title="Up", message="", alert_id="a1", created_at=WHEN)

    assert html_text(alert) == "<b>🟡 Up</b>\n\nMEDIUM · CUSTOM · 2026-11-23 09:30:00 UTC\nAlert <code>a1</code>"


@pytest.mark.parametrize("surplus", [0, 1])
def test_a_message_is_cut_one_character_past_the_limit(surplus):
    """4,096 code points after parsing are taken, 4,097 are not."""
    fixed = len(visible_text(html_text(Alert(title="T", message="", alert_id="a1", created_at=WHEN)))) + 3 * len("\n\n")
    body = "&" * (TEXT_LIMIT - fixed + surplus)

    shown = visible_text(html_text(Alert(title="T", message=body, alert_id="a1", created_at=WHEN)))

    assert (body in shown) is (surplus == 0)
    assert ("…" in shown) is (surplus == 1)
    assert len(shown) <= TEXT_LIMIT


def test_the_title_and_the_last_lines_survive_any_cut():
    alert = Alert(title="T" * 1000, message="m" * 200_000, data={f"k{i}": "v" * 100 for i in range(500)}, alert_id="a1")

    shown = visible_text(html_text(alert, repeated=True))

    assert shown.startswith(f"🟡 {'T' * 1000} {REPEATED}\n")
    assert shown.endswith("\nAlert a1")
    assert shown.count("…") == 2


def test_long_data_leaves_the_message_whole():
    shown = visible_text(html_text(Alert(title="T", message="the message", data={"k": "v" * 9000})))

    assert "the message\n" in shown


def test_a_cut_keeps_a_family_together():
    family = "👩‍👩‍👧"
    shown = visible_text(html_text(Alert(title="T", message=family * 2000)))

    body = shown.split("\n\n")[1]
    assert set(body.removesuffix("…").split(family)) == {""}


@pytest.mark.parametrize(
    ("text", "calmed"),
    [
        ("@everyone", "@\u2060everyone"),
        ("ask @ops_team now", "ask @\u2060ops_team now"),
        ("(@ab)", "(@\u2060ab)"),
        ("ops@example.com", "ops@example.com"),
        ("über@ab", "über@ab"),
        ("ü@ab", "ü@\u2060ab"),
        ("a @ b", "a @ b"),
    ],
)
def test_a_name_notifies_nobody_and_an_address_stays(text, calmed):
    assert calm(text) == calmed


def test_data_stays_exact_where_no_mention_is_made():
    assert "<pre>owner: @ops_team</pre>" in html_text(Alert(title="T", message="m", data={"owner": "@ops_team"}))


def test_the_simpler_form_has_no_mode_and_both_have_no_preview():
    alert = Alert(title="<b>", message="m")

    assert message(alert)["parse_mode"] == "HTML"
    assert "parse_mode" not in message(alert, plain=True)
    assert message(alert, plain=True)["text"].startswith("🟡 <b>\n")
    assert (
        message(alert)["link_preview_options"]
        == message(alert, plain=True)["link_preview_options"]
        == {"is_disabled": True}
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<p>x</p>", 'Unsupported start tag "p" at byte offset 0'),
        ("é<br>", 'Unsupported start tag "br" at byte offset 2'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b><i>x</b></i>", "Unmatched end tag at byte offset 7"),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
    ],
)
def test_the_simulator_refuses_what_the_server_refuses(text, words):
    with pytest.raises(BadMarkup, match=f"^{re.escape(words)}$"):
        visible_text(text)


def test_the_simulator_keeps_and_finds_what_the_server_does():
    assert stored_text(" a\tb\x00\r\n@\u202eops\u2028 ") == "a b \n@ops"
    assert mentions("@ops a@ops (@ops) @a @ops_" + "x" * 30) == ["ops", "ops"]


def test_the_simulator_reads_entities_as_the_server_does():
    assert visible_text("&lt;&amp;&gt;&quot;&#64;&#x40; &nbsp;&apos; > &") == '<&>"@@ &nbsp;&apos; > &'


def test_no_override_or_isolate_of_the_alert_turns_what_stands_behind_it():
    turned = "x\u2067\u202egnp.exe"
    alert = Alert(title=turned, message=turned, labels={turned: turned}, data={turned: turned}, alert_id=turned)

    for text in (html_text(alert), short_text(alert)):
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", text)
        assert text.count("xgnp.exe") == 7
