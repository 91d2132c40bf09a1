"""Processors run before routing; redaction leaves nothing behind."""

import json
import logging

import pytest

from tocsin import Alert, ProcessorFailed, Suppressed, redact


@pytest.fixture
def seen(make_service):
    def send(alert, *processors):
        got = []
        report = make_service({"x": got.append}, processors=processors).send_notification(alert)
        return got, report

    return send


def test_redact_takes_out_keys_and_patterns_at_any_depth(seen):
    alert = Alert(
        title="login of 4111111111111111",
        message="card 4111111111111111, token c4n4ry",
        symbol="4111111111111111",
        data={
            "Password": "x",
            "deep": [{"API_KEY": {"a": 1}}, "4111111111111111"],
            "card": 4111111111111111,
            "ok": True,
        },
        labels={"token": "c4n4ry"},
    )
    (got,), _ = seen(alert, redact(keys=["password", "api_key", "token"], patterns=[r"\d{16}", "c4n4ry"]))

    text = json.dumps(got.to_dict())
    assert "4111111111111111" not in text
    assert "c4n4ry" not in text
    assert got.data == {
        "Password": "[redacted]",
        "deep": [{"API_KEY": "[redacted]"}, "[redacted]"],
        "card": "[redacted]",
        "ok": True,
    }
    assert got.alert_id == alert.alert_id


def test_a_suppressed_alert_goes_nowhere_and_the_report_says_why(seen, alert):
    def quiet(alert):
        raise Suppressed("quiet hours")

    got, report = seen(alert, quiet)

    assert got == []
    assert (report.suppressed, report.total_channels, report.is_successful) == ("quiet hours", 0, False)


def test_no_channel_is_told_in_the_report(make_service, alert):
    assert make_service().send_notification(alert).suppressed == "no channel is ready"
    routes = [{"match": {"symbol": "X"}, "channels": ["x"]}]
    assert make_service({"x": print}, routes=routes).send_notification(alert).suppressed == "no route matches"


@pytest.mark.parametrize("processor", [lambda alert: 1 / 0, lambda alert: None])
def test_a_failing_processor_stops_the_alert_and_names_itself(seen, alert, processor):
    with pytest.raises(ProcessorFailed, match="lambda"):
        seen(alert, processor)


def test_processors_run_in_order(seen, alert):
    import attrs

    (got,), _ = seen(alert, lambda a: attrs.evolve(a, title="1"), lambda a: attrs.evolve(a, title=a.title + "2"))

    assert got.title == "12"


def test_observers_are_guarded_one_by_one(make_service, alert, caplog):
    told = []

    def bad(report):
        raise RuntimeError("c4n4ry")

    with caplog.at_level(logging.ERROR, "tocsin"):
        service = make_service({"x": lambda a: None}, observers=[bad, told.append])
        service.send_notification(alert)
        assert service.close(5)

    assert [report.alert_id for report in told] == [alert.alert_id]
    assert "observer_failed" in caplog.text
    assert "c4n4ry" not in caplog.text
