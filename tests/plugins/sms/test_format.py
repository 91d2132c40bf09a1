"""A text says the most important first, and no alert makes it longer than what may be spent."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import Alert, AlertPriority, AlertStatus
from tocsin.rendering import REPEATED
from tocsin_sms.format import body
from tocsin_sms.segments import BODY_LIMIT, Encoding, segments_of

nasty = st.text(alphabet=st.sampled_from("<>&\"'@_ab/;#\n\t \u202e\u0301👩‍👩‍👧🇩🇪é漢€["), max_size=400)
texts = st.one_of(st.text(max_size=300), nasty, st.just("€" * 9000), st.just("👩‍👩‍👧" * 3000))
alerts = st.builds(
    Alert,
    title=texts.map(lambda text: ("x" + text)[:1000]),
    message=texts,
    priority=st.sampled_from(list(AlertPriority)),
    status=st.sampled_from(list(AlertStatus)),
    symbol=st.none() | nasty.map(lambda text: "s" + text[:200]),
    labels=st.dictionaries(st.text("abc", min_size=1), nasty.map(lambda text: "v" + text[:200]), max_size=20),
    data=st.dictionaries(
        st.text(min_size=1, max_size=20), texts | st.integers() | st.lists(texts, max_size=2), max_size=9
    ),
)
RISK = Alert(
    title="Position Risk Exceeded",
    message="Position size is above the limit",
    alert_type="RISK",
    priority="HIGH",
    symbol="BTCUSDT",
    strategy_id="momentum_001",
    data={"position_size": 2.5, "risk_pct": 6.5, "limit_pct": 5.0},
)


@settings(max_examples=300, deadline=None)
@given(alerts, st.integers(1, 10), st.booleans(), st.booleans())
def test_any_alert_makes_a_text_within_its_segments(alert, segments, plain, repeated):
    fitted = body(alert, segments=segments, plain=plain, repeated=repeated)

    assert 0 < len(fitted.text.strip()) <= len(fitted.text) <= BODY_LIMIT
    assert segments_of(fitted.text) <= fitted.segments <= (1 if plain else segments)
    assert fitted.text.startswith(REPEATED) is repeated


def test_the_demo_alert_looks_like_this():
    assert body(RISK, segments=2).text == (
        "HIGH: Position Risk Exceeded\n"
        "Position size is above the limit\n"
        "Symbol: BTCUSDT\nStrategy: momentum_001\n"
        "position_size: 2.5\nrisk_pct: 6.5\nlimit_pct: 5.0"
    )


def test_one_segment_holds_headline_and_message_and_shows_that_it_was_cut():
    fitted = body(Alert(title="Disk full", message="/var is at 98 %", priority="LOW", data={"k": "v" * 300}))

    assert (fitted.segments, fitted.encoding) == (1, Encoding.GSM7)
    assert fitted.text.startswith("LOW: Disk full\n/var is at 98 %\nk: vvv")
    assert fitted.text.endswith("v...")


def test_no_priority_adds_an_emoji():
    for priority in AlertPriority:
        assert body(Alert(title="T", message="m", priority=priority)).encoding is Encoding.GSM7


def test_an_emoji_of_the_alert_stays():
    fitted = body(Alert(title="To the 🚀", message=""))

    assert (fitted.text, fitted.encoding) == ("MEDIUM: To the 🚀", Encoding.UCS2)


def test_the_simpler_form_is_the_headline_alone():
    assert body(RISK, segments=5, plain=True).text == "HIGH: Position Risk Exceeded"


def test_a_resolved_alert_says_so_before_its_title():
    assert body(Alert(title="T", message="", status="resolved")).text == "MEDIUM: Resolved: T"


def test_the_mark_of_a_repeat_survives_any_cut():
    assert body(Alert(title="T" * 1000, message="m"), repeated=True).text.startswith(f"{REPEATED} MEDIUM: TTT")


def test_blank_messages_leave_no_blank_line():
    assert body(Alert(title="T", message=" \n ", symbol="X")).text == "MEDIUM: T\nSymbol: X"
