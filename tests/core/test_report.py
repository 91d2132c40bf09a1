"""The report tells the truth, and survives JSON."""

import json
from datetime import UTC, datetime

import pytest

from tocsin import (
    Attempt,
    DeliveryFailed,
    DeliveryReport,
    Health,
    NotificationResult,
    Receipt,
    RecipientResult,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def recipient(state):
    return RecipientResult(recipient="a…", recipient_id="1", state=state)


def channel(name, *states, fallback=False):
    recipients = [recipient(state) for state in states]
    good = bool(states) and all(one.success for one in recipients)
    return NotificationResult(
        success=good,
        channel=name,
        timestamp=NOW,
        recipients=recipients,
        fallback=fallback,
        error=None if good else "why",
    )


def report(*channels):
    return DeliveryReport.of("id", {one.channel: one for one in channels})


@pytest.mark.parametrize(
    ("channels", "total", "rate", "successful", "complete"),
    [
        ((channel("x", "accepted", "delivered"),), 1, 100.0, True, True),
        ((channel("x", "accepted", "failed"),), 1, 0.0, False, False),
        ((channel("x", "accepted"), channel("y", "unknown")), 2, 50.0, True, False),
        ((channel("x", "expired"), channel("y", "cancelled")), 2, 0.0, False, False),
        ((channel("x", "failed"), channel("y", "accepted", fallback=True)), 2, 50.0, True, True),
        ((), 0, 0.0, False, False),
    ],
)
def test_success_is_told_twice(channels, total, rate, successful, complete):
    one = report(*channels)

    assert (one.total_channels, one.success_rate, one.is_successful, one.is_complete) == (
        total,
        rate,
        successful,
        complete,
    )


def test_a_report_can_be_made_from_counts():
    one = DeliveryReport(alert_id="test_001", total_channels=5, successful_channels=4, failed_channels=1)

    assert one.success_rate == 80.0
    assert one.is_successful
    assert not one.is_complete


def test_raise_for_failure_names_the_channel_and_the_reason():
    report(channel("x", "accepted")).raise_for_failure()

    with pytest.raises(DeliveryFailed, match="y: why"):
        report(channel("x", "accepted"), channel("y", "failed")).raise_for_failure()


def test_a_report_survives_json():
    attempt = Attempt(
        started_at=NOW, duration=0.2, outcome="retry", error_kind="server", error="down", status_code=503, wait=1.5
    )
    full = RecipientResult(
        recipient="a…",
        recipient_id="1",
        state="accepted",
        attempts=[attempt],
        receipt=Receipt(provider_id=7, details={"segments": 1}),
    )
    one = report(
        NotificationResult(success=True, channel="x", timestamp=NOW, recipients=[full]), channel("y", "failed")
    )

    assert DeliveryReport.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_latency_spans_all_attempts():
    attempts = [
        Attempt(started_at=NOW, duration=0.5, outcome="retry"),
        Attempt(started_at=NOW.replace(second=4), duration=0.25, outcome="accepted"),
    ]

    assert RecipientResult(recipient="a", recipient_id="1", state="accepted", attempts=attempts).latency == 4.25
    assert recipient("failed").latency is None


def test_health_is_made_by_its_state():
    assert [str(h.state) for h in (Health.ok(), Health.failing("x"), Health.unknown("x"))] == [
        "ok",
        "failing",
        "unknown",
    ]
    assert Health.ok("fine", workspace="acme").to_dict()["details"] == {"workspace": "acme"}
