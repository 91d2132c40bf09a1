"""A canary in every setting, URL and payload appears nowhere, under every fault."""

import io
import json
import logging
import traceback

import pytest

from tocsin import Alert, NotificationConfig, NotificationService, Secret
from tocsin.testing import Fault, FaultKind

CONTENT = "c4n4ryc0ntent"


def secrets_of(service):
    """Every secret and address that the configured channels hold."""
    found = set()
    for channel in service.channels.values():
        found |= {recipient.address.reveal() for recipient in channel.recipients}
        for value in vars_of(channel.instance):
            found |= {
                item.reveal() for item in (value if isinstance(value, tuple) else (value,)) if isinstance(item, Secret)
            }
    return {secret for secret in found if len(secret) > 3}


def vars_of(instance):
    return [getattr(instance, name, None) for name in getattr(type(instance), "__slots__", ())]


@pytest.mark.parametrize("kind", list(FaultKind))
def test_no_fault_of_any_provider_shows_a_secret_or_content(make_service, simulators, caplog, kind):
    caplog.set_level(logging.DEBUG)
    for simulator in simulators.values():
        simulator.fail(Fault(kind, times=0))
    service = make_service(max_retries=1, timeout=0.3, deadline=3.0)
    alert = Alert(title=CONTENT, message=CONTENT, symbol=CONTENT, data={CONTENT: CONTENT}, labels={CONTENT: CONTENT})
    report = service.send_notification(alert)

    shown = io.StringIO()
    for thing in (report, report.to_dict(), service.get_channel_health(), service.get_statistics(), service.config):
        print(repr(thing), file=shown)
    for channel in service.channels.values():
        print(repr(channel), repr(channel.instance), repr(channel.recipients), file=shown)
    print(json.dumps(report.to_dict()), caplog.text, file=shown)
    try:
        report.raise_for_failure()
    except Exception as error:
        print("".join(traceback.format_exception(error)), file=shown)
    text = shown.getvalue()

    assert CONTENT not in text
    assert [secret for secret in secrets_of(service) if secret in text] == []


def test_a_setting_that_cannot_be_used_is_not_quoted(simulators, name):
    for key, value in simulators[name].settings().items():
        bad = (
            f"c4n4ry\n{value}"
            if isinstance(value, str)
            else [f"c4n4ry\n{item}" for item in value]
            if isinstance(value, list)
            else "c4n4ry"
        )
        tables = {name: simulators[name].settings() | {key: bad}}
        service = NotificationService(NotificationConfig.from_mapping({"channels": tables}))
        entry = service.registry.entries[name]

        assert "c4n4ry" not in repr(entry.reason), key
        assert "c4n4ry" not in repr(entry.problems), key
