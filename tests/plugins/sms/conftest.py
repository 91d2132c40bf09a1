"""Twilio on loopback, and what its description says."""

import json
import pathlib
from urllib.parse import parse_qsl

import pytest

from tocsin import Alert
from tocsin_sms import SmsChannel
from tocsin_sms.simulator import SmsSimulator


@pytest.fixture
def channel_class():
    """What is tested."""
    return SmsChannel


@pytest.fixture
def simulator_class():
    """Stands in for its provider."""
    return SmsSimulator


@pytest.fixture
def forms(simulator):
    """The fields of the messages that were asked for, taken or not."""

    def arrived():
        bodies = [request.body.decode() for request in simulator.requests if request.method == "POST"]
        return [dict(parse_qsl(body, keep_blank_values=True)) for body in bodies]

    return arrived


@pytest.fixture(scope="session")
def schemas():
    """What Twilio's description says about requests and answers."""
    return json.loads((pathlib.Path(__file__).parent / "twilio_schemas.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def demo():
    """The two alerts of the demo, and one that is as bad as an alert gets."""
    risk = Alert(
        title="Position Risk Exceeded",
        message="Position risk 6.5% exceeds limit 5.0%",
        alert_type="RISK",
        priority="HIGH",
        symbol="BTCUSDT",
        strategy_id="momentum_001",
        data={"position_size": 2.5, "risk_pct": 6.5, "limit_pct": 5.0},
        created_at="2026-11-23T09:30:00+00:00",
    )
    milestone = Alert(
        title="Monthly Goal Achieved",
        message="The goal of this month is reached.",
        alert_type="MILESTONE",
        priority="INFO",
        data={"target": 5.0, "achieved": 5.2},
        created_at="2026-11-23T09:30:01+00:00",
    )
    worst = Alert(
        title="“Größe” \u202e<script>alert(1)</script> {€} " + "👩‍👩‍👧" * 12,
        message="STOP – reply, \t…'&\" </div><img src=x onerror=alert(1)>\n" + "e\u0301" * 900,
        priority="CRITICAL",
        status="resolved",
        symbol="[^~|]",
        labels={"team": "a\nb"},
        data={"deep": {"er": {"<i>": ["<u>", None, True]}}, "漢": "🇩🇪" * 400},
        created_at="2026-11-23T09:30:02+00:00",
    )
    return {"risk": risk, "milestone": milestone, "worst": worst}
