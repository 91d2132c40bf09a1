"""Whatever an alert contains, the message is one that Telegram takes."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import Alert, AlertPriority, AlertStatus
from tocsin.rendering import REPEATED
from tocsin_telegram.format import PLAIN_LIMIT, REQUEST_LIMIT, TEXT_LIMIT, calm, html_text, message, short_text
from tocsin_telegram.markup import BadMarkup, visible_text

WHEN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
# What TDLib makes a mention of (td/telegram/MessageEntity.cpp, match_mentions).
MENTION = re.compile(r"(?<!\w)@([a-zA-Z0-9_]{2,32})(?!\w)")

nasty = st.text(alphabet=st.sampled_from("<>&\"'@_ab/;#\n\t \u202e\u0301👩‍👩‍👧🇩🇪é漢"), max_size=400)
texts = st.one_of(st.text(max_size=300), nasty, st.just("&" * 9000), st.just("👩‍👩‍👧" * 3000), st.just("@ab " * 3000))
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


@settings(max_examples=300, deadline=None)
@given(alerts, st.booleans())
def test_any_alert_makes_valid_markup_within_the_limit(alert, repeated):
    text = html_text(alert, repeated=repeated)

    shown = visible_text(text)
    assert 0 < len(shown.strip()) <= len(shown) <= TEXT_LIMIT
    assert len(json.dumps(message(alert), ensure_ascii=False).encode()) < REQUEST_LIMIT
    assert not MENTION.search(outside_code(text))
    assert (REPEATED in shown) is repeated or REPEATED in alert.title


@settings(max_examples=200, deadline=None)
@given(alerts, st.booleans())
def test_any_alert_has_a_simpler_form_without_mentions(alert, repeated):
    text = short_text(alert, repeated=repeated)

    assert 0 < len(text.strip()) <= len(text) <= PLAIN_LIMIT
    assert not MENTION.search(text)


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


def test_the_simulator_reads_entities_as_the_server_does():
    assert visible_text("&lt;&amp;&gt;&quot;&#64;&#x40; &nbsp;&apos; > &") == '<&>"@@ &nbsp;&apos; > &'
