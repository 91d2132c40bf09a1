"""Log lines: silent until somebody listens, names and numbers only."""

import json
import logging
import subprocess
import sys
import textwrap

import pytest

from tocsin import Alert, ServerError

SCRIPT = """
import logging, sys
from tocsin import Alert, NotificationConfig, NotificationService
{setup}
service = NotificationService(NotificationConfig(max_retries=1, retry_delay=0))
service.add_channel("good", lambda alert: None)
service.add_channel("bad", lambda alert: 1 / 0)
service.send_notification(Alert(title="c4n4ry", message="c4n4ry"))
print("structlog" in sys.modules)
"""


def run(setup=""):
    code = textwrap.dedent(SCRIPT).format(setup=setup)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_nothing_is_printed_where_the_host_configured_no_logging():
    done = run()

    assert done.stderr == ""
    assert done.stdout == "False\n"


def test_the_host_s_handlers_and_formats_apply():
    done = run(
        'logging.basicConfig(level="INFO", format="%(levelname)s %(name)s %(message)s %(outcome)s", stream=sys.stderr)'
    )

    assert sorted(done.stderr.splitlines()) == ["INFO tocsin delivery accepted", "WARNING tocsin delivery failed"]
    assert done.stdout == "True\n"


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.DEBUG, "tocsin")

    def of(event):
        return [record for record in caplog.records if record.name == "tocsin" and record.message == event]

    return of


def test_a_retry_is_told_with_its_wait(make_service, lines):
    steps = [ServerError("down", status_code=503)]

    def channel(alert):
        if steps:
            raise steps.pop()

    make_service({"x": channel}, retry_delay=2, backoff="constant").send_notification(
        Alert(title="t", message="", alert_id="a1")
    )

    (retrying,), (done,) = lines("delivery_retrying"), lines("delivery")
    assert (retrying.alert_id, retrying.channel, retrying.error_kind, retrying.status_code) == (
        "a1",
        "x",
        "server",
        503,
    )
    assert (retrying.retry_in_s, retrying.attempt, done.attempt, done.outcome) == (2, 1, 2, "accepted")


def test_no_line_holds_content(make_service, caplog):
    caplog.set_level(logging.DEBUG)

    def channel(alert):
        raise ValueError(alert.message)

    canary = "c4n4ry"
    make_service({"x": channel}).send_notification(
        Alert(title=canary, message=canary, data={canary: canary}, symbol=canary, labels={canary: canary})
    )

    assert caplog.records
    assert canary not in json.dumps([str(vars(record)) for record in caplog.records])
