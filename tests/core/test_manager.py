"""The alerts' life, and the examples that must work as written."""

import pytest

from tocsin import AlertError, AlertManager, AlertPriority, AlertType, NotificationConfig, NotificationService


@pytest.fixture
def sent():
    return []


@pytest.fixture
def manager(make_service, sent):
    manager = AlertManager(service=make_service())
    manager.register_channel("phone", sent.append)
    return manager


def create(manager, **fields):
    given = {
        "alert_type": AlertType.RISK,
        "priority": AlertPriority.HIGH,
        "title": "Position Risk Exceeded",
        "message": "Position risk 6.5% exceeds limit 5.0%",
        "symbol": "BTCUSDT",
        "strategy_id": "momentum_001",
        "data": {"position_size": 2.5},
    }
    return manager.create_alert(**given | fields)


def test_an_alert_is_created_triggered_and_found_with_its_results(manager, sent):
    alert = create(manager)

    assert manager.trigger_alert(alert.alert_id) is True
    assert sent == [alert]
    assert manager.get_alert(alert.alert_id).report.results["phone"].success
    assert manager.get_alert(alert).to_dict()["delivery"]["is_successful"]
    assert manager.get_alert("nobody") is None


def test_every_field_of_an_alert_is_a_keyword(manager):
    alert = create(manager, labels={"team": "risk"}, source="engine", dedup_key="k", position_id="p", alert_id="mine")

    assert (alert.labels, alert.source, alert.dedup_key, alert.position_id) == ({"team": "risk"}, "engine", "k", "p")
    with pytest.raises(AlertError, match="exists already"):
        create(manager, alert_id="mine")
    with pytest.raises(AlertError, match="title is empty"):
        manager.create_alert(message="m")
    with pytest.raises(AlertError, match="no field 'nonsense'"):
        create(manager, nonsense=1)


def test_trigger_says_false_where_no_channel_took_it(make_service):
    manager = AlertManager(service=make_service())
    manager.register_channel("bad", lambda alert: 1 / 0)

    assert manager.trigger_alert(create(manager).alert_id) is False
    with pytest.raises(KeyError, match="create it with create_alert"):
        manager.trigger_alert("nobody")


def test_resolving_tells_the_channels_that_carried_it(manager, sent):
    alert = create(manager)
    manager.trigger_alert(alert.alert_id)
    manager.acknowledge_alert(alert.alert_id)
    assert manager.get_alert(alert.alert_id).alert.status == "acknowledged"

    manager.resolve_alert(alert.alert_id)
    manager.resolve_alert(alert.alert_id)

    assert [one.status for one in sent] == ["firing", "resolved"]
    assert sent[1].dedup_key == alert.alert_id
    assert manager.get_statistics()["active_alerts"] == 0


def test_resolving_can_be_silent_and_an_alert_never_sent_stays_so(manager, sent):
    quiet, never = create(manager), create(manager)
    manager.trigger_alert(quiet)
    manager.resolve_alert(quiet, notify=False)
    manager.resolve_alert(never)

    assert [one.status for one in sent] == ["firing"]


def test_statistics_have_their_keys(manager):
    manager.trigger_alert(create(manager).alert_id)
    create(manager)
    statistics = manager.get_statistics()

    assert (statistics["total_alerts"], statistics["active_alerts"], statistics["sent_today"]) == (2, 2, 1)
    assert statistics["notification_service"] == {
        "total_alerts": 1,
        "total_deliveries": 1,
        "successful_deliveries": 1,
        "failed_deliveries": 0,
        "overall_success_rate": 100.0,
        "active_channels": ["phone"],
        "channels": {"phone": {"sent_count": 1, "error_count": 0, "success_rate": 100.0}},
    }


def test_health_has_its_keys_and_formats_as_documented(manager):
    manager.trigger_alert(create(manager).alert_id)
    for name, stats in manager.get_channel_health().items():
        assert f"{name}: {stats['success_rate']:.1f}%" == "phone: 100.0%"
    health = manager.get_channel_health(probe=True)["phone"]

    assert {"enabled", "state", "sent_count", "error_count", "last_success", "last_error", "circuit", "latency"} <= set(
        health
    )
    assert health["probe"]["state"] == "unknown"


def test_a_test_message_is_really_sent_and_counts_nowhere(manager, sent):
    result = manager.test_notification_channel("phone")

    assert (result.success, result.error) == (True, None)
    assert sent[0].title == "Test alert"
    assert manager.get_statistics()["notification_service"]["total_deliveries"] == 0
    assert manager.get_channel_health()["phone"]["last_success"] is None
    with pytest.raises(KeyError, match="no channel called 'fone'"):
        manager.test_notification_channel("fone")


def test_a_failing_test_says_why(make_service):
    service = make_service({"bad": lambda alert: 1 / 0})
    service.disable_channel("bad")
    assert "switched off by disable_channel; enable_channel" in service.test_channel("bad").error
    service.enable_channel("bad")
    result = service.test_channel("bad")

    assert not result.success
    assert "ZeroDivisionError" in result.error


def test_the_manager_reads_the_environment(monkeypatch):
    monkeypatch.setenv("NULL_NOTIFICATIONS_ENABLED", "true")
    with AlertManager() as manager:
        assert list(manager.notification_service.channels) == ["null"]
        assert manager.trigger_alert(create(manager).alert_id)


def test_an_empty_configuration_has_no_channel():
    service = NotificationService(NotificationConfig())

    assert dict(service.channels) == {}
    assert service.get_statistics()["overall_success_rate"] == 0.0


def test_recent_deliveries_are_newest_first_and_bounded(make_service):
    from tocsin import Alert

    service = make_service({"x": lambda alert: None})
    ids = [service.send_notification(Alert(title="t", message="")).alert_id for _ in range(15)]

    assert [report.alert_id for report in service.get_recent_deliveries()] == ids[:-11:-1]
    assert len(service.get_recent_deliveries(limit=3)) == 3
    assert service.get_recent_deliveries(limit=0) == []
