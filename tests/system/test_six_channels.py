"""One alert, six channels, one truthful report."""

import pytest

from tocsin import NotificationConfig, NotificationService


def test_one_alert_travels_through_six_channels(make_service, simulators, risk):
    report = make_service().send_notification(risk)

    assert report.is_complete, {name: result.error for name, result in report.results.items()}
    assert sorted(report.results) == sorted(simulators)
    for name, simulator in simulators.items():
        for address in simulator.addresses():
            (received,) = simulator.received(address)
            assert "Position Risk Exceeded" in received.text, name
        for one in report.results[name].recipients:
            assert [attempt.outcome for attempt in one.attempts] == ["accepted"]


def test_a_refused_recipient_fails_alone(make_service, simulators, risk, name):
    simulator = simulators[name]
    bad, good = simulator.addresses()
    simulator.fail(fault(simulator, "refused_recipient", bad))
    report = make_service().send_notification(risk)

    assert {other for other, result in report.results.items() if not result.success} == {name}
    assert [one.state for one in report.results[name].recipients] == ["failed", "accepted"]
    assert (len(simulator.received(bad)), len(simulator.received(good))) == (0, 1)


def test_a_server_error_is_retried_for_that_recipient_alone(make_service, simulators, risk, name):
    simulator = simulators[name]
    bad, good = simulator.addresses()
    simulator.fail(fault(simulator, "server_error", bad))
    report = make_service([name], {name: {"rate_limit": 0}}).send_notification(risk)

    assert report.is_complete
    assert [len(one.attempts) for one in report.results[name].recipients] == [2, 1]
    assert (len(simulator.received(bad)), len(simulator.received(good))) == (1, 1)


def test_a_lost_answer_is_unknown_and_sent_once_more(make_service, simulators, risk, name):
    simulator = simulators[name]
    lost, good = simulator.addresses()
    simulator.fail(fault(simulator, "lost_answer", lost))
    report = make_service([name], {name: {"rate_limit": 0}}).send_notification(risk)

    assert report.is_complete
    outcomes = [[str(attempt.outcome) for attempt in one.attempts] for one in report.results[name].recipients]
    assert outcomes == [["unknown", "accepted"], ["accepted"]]
    copies = 1 if name == "sms" else 2  # Twilio is asked for the lost message before it is sent again
    assert (len(simulator.received(lost)), len(simulator.received(good))) == (copies, 1)


def test_health_tells_good_from_refused_credentials_and_sends_nothing(make_service, simulators, name):
    service = make_service([name])
    state = service.get_channel_health(probe=True)[name]["probe"]["state"]

    assert state in ("ok", "unknown")
    assert simulators[name].received() == []


def test_the_test_button_really_sends(make_service, simulators, name):
    result = make_service([name]).test_channel(name)

    assert result.success, result.error
    assert [len(simulators[name].received(address)) for address in simulators[name].addresses()] == [1, 1]


def test_a_refused_connection_names_the_reason(make_service, simulators, risk):
    service = make_service(max_retries=0)
    for simulator in simulators.values():
        simulator.close()
    report = service.send_notification(risk)

    for result in report.results.values():
        assert {one.error_kind for one in result.recipients} <= {"connection", "circuit_open", "timeout"}, result.error
        assert not result.success


def test_the_example_of_one_mail_channel_works_as_written():
    config = NotificationConfig(
        email_enabled=True,
        smtp_host="smtp.example.com",
        smtp_port=587,
        smtp_username="test",
        smtp_password="test",
        smtp_from="test@example.com",
        email_to=["recipient@example.com"],
    )
    service = NotificationService(config)

    assert "email" in service.channels
    assert len(service.channels) == 1


ENVIRONMENT = {
    "EMAIL_NOTIFICATIONS_ENABLED": "true",
    "SMTP_HOST": "smtp.example.com",
    "SMTP_PORT": "587",
    "SMTP_USERNAME": "user",
    "SMTP_PASSWORD": "password",
    "SMTP_FROM_EMAIL": "alerts@example.com",
    "EMAIL_TO": "a@example.com,b@example.com",
    "SMS_NOTIFICATIONS_ENABLED": "true",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "token",
    "TWILIO_FROM_NUMBER": "+15005550006",
    "SMS_TO": "+15551234567,+15557654321",
    "TELEGRAM_NOTIFICATIONS_ENABLED": "true",
    "TELEGRAM_BOT_TOKEN": "123456:ABC",
    "TELEGRAM_CHAT_IDS": "-1001,42",
    "DISCORD_NOTIFICATIONS_ENABLED": "true",
    "DISCORD_WEBHOOK_URLS": "https://discord.com/api/webhooks/1/a,https://discord.com/api/webhooks/2/b",
    "SLACK_NOTIFICATIONS_ENABLED": "true",
    "SLACK_WEBHOOK_URLS": "https://hooks.slack.com/services/T0/B0/x",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_CHANNEL_IDS": "C1,C2",
    "WEBHOOK_NOTIFICATIONS_ENABLED": "true",
    "WEBHOOK_URLS": "https://example.com/hook",
    "NOTIFICATION_MAX_RETRIES": "3",
    "NOTIFICATION_RETRY_DELAY": "5",
    "NOTIFICATION_PARALLEL_DELIVERY": "true",
    "NOTIFICATION_FAIL_FAST": "false",
}


def test_every_documented_environment_name_is_understood():
    service = NotificationService(NotificationConfig.from_env(ENVIRONMENT), strict=True)

    counts = {name: len(channel.recipients) for name, channel in service.channels.items()}
    assert counts == {"discord": 2, "email": 2, "slack": 3, "sms": 2, "telegram": 2, "webhook": 1}


@pytest.mark.parametrize("switch", [name for name in ENVIRONMENT if name.endswith("_ENABLED")])
def test_a_channel_is_enabled_only_by_its_own_switch(switch):
    off = {
        name: "false" if name.endswith("_ENABLED") and name != switch else value for name, value in ENVIRONMENT.items()
    }
    service = NotificationService(NotificationConfig.from_env(off), strict=True)

    assert list(service.channels) == [switch.removesuffix("_NOTIFICATIONS_ENABLED").lower()]


def fault(simulator, kind, address):
    from tocsin.testing import Fault

    return Fault(kind, address=address)
