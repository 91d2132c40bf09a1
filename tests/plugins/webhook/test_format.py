"""The body is the alert and nothing else; the headers are those of Standard Webhooks."""

import json
import os
import pathlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import Alert, AlertPriority, AlertStatus, Secret
from tocsin.testing.showcase import showcase
from tocsin_webhook.format import FORMATS, body_of, headers_of

GOLDEN = pathlib.Path(__file__).parent / "golden"

KEY, NOW = "0123456789abcdef0123456789abcdef", datetime(2026, 11, 23, 9, 30, 0, 999_999, tzinfo=UTC)
SECRET = Secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
TEXT = st.text(max_size=50)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


def test_the_body_is_the_flat_alert(alert):
    assert json.loads(body_of(alert)) == {
        "title": "Position Risk Exceeded",
        "message": "6.5 % is above the limit of 5.0 %",
        "alert_type": "RISK",
        "priority": "HIGH",
        "channels": [],
        "symbol": "BTCUSDT",
        "strategy_id": "momentum_001",
        "position_id": None,
        "labels": {},
        "data": {"position_size": 2.5, "risk_pct": 6.5, "limit_pct": 5.0},
        "source": None,
        "dedup_key": None,
        "status": "firing",
        "alert_id": "risk-1",
        "created_at": "2026-11-23T09:29:58+00:00",
    }


def test_the_body_is_compact_utf_8():
    content = body_of(Alert(title="🔴 Über", message="", alert_id="a", created_at=NOW))

    assert content.startswith('{"title":"🔴 Über","message":"",'.encode())


@given(
    title=TEXT.map(lambda text: f"x{text}"),
    message=st.text(max_size=2_000),
    data=st.dictionaries(TEXT, DATA, max_size=5),
    labels=st.dictionaries(TEXT.map(lambda text: f"x{text}"), TEXT, max_size=3),
    priority=st.sampled_from(AlertPriority),
    status=st.sampled_from(AlertStatus),
)
def test_any_alert_comes_out_as_it_went_in(**fields):
    alert = Alert(**fields)

    assert Alert.from_json(body_of(alert).decode()) == alert


def test_nothing_is_cut():
    alert = Alert(title="t" * 1_000, message="m" * 262_144, data={str(number): "v" * 100 for number in range(5_000)})

    assert json.loads(body_of(alert)) == alert.to_dict()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", showcase())
def test_what_arrives_is_what_was_agreed(name, form):
    """The golden files show it; write them anew with ``UPDATE_GOLDEN=1`` and read the difference."""
    made = body_of(showcase()[name], form)
    golden = GOLDEN / f"{name}{'' if form == 'alert' else f'.{form}'}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(json.dumps(json.loads(made), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    assert json.loads(made) == json.loads(golden.read_text(encoding="utf-8"))
    assert made == json.dumps(json.loads(made), ensure_ascii=False, separators=(",", ":")).encode()


def test_without_a_secret_there_is_only_the_id():
    assert headers_of(KEY, NOW, b"{}", []) == {
        "Content-Type": "application/json; charset=utf-8",
        "webhook-id": KEY,
    }


def test_the_timestamp_is_in_whole_seconds_of_the_attempt():
    """Rounded down, whatever the time zone."""
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-7)))

    assert headers_of(KEY, elsewhere, b"{}", [SECRET])["webhook-timestamp"] == "1795426200"


def test_each_attempt_is_signed_for_its_own_time():
    first, second = (headers_of(KEY, NOW + timedelta(seconds=wait), b"{}", [SECRET]) for wait in (0, 5))

    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-signature"] != second["webhook-signature"]
