"""The command line, with every channel delivering to its provider's simulator."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tocsin.cli import main
from tocsin.cli.masking import secrets_in
from tocsin.discovery import installed, load
from tocsin.settings import settings_of

SIX = ["discord", "email", "slack", "sms", "telegram", "webhook"]
# What one alert to one webhook never needs: of Python, of the libraries, and of Tocsin itself.
UNNEEDED = """
    argparse asyncio concurrent.futures.process concurrent.futures.thread configparser decimal fractions getpass
    logging.config logging.handlers multiprocessing numbers optparse pickle smtplib sqlite3 statistics subprocess
    unittest xml zoneinfo
    rich sqlalchemy structlog tocsin_discord tocsin_email tocsin_slack tocsin_sms tocsin_sql tocsin_telegram
    tocsin.builtin tocsin.cli.channels tocsin.cli.check tocsin.cli.dry_run tocsin.cli.durable tocsin.cli.failure
    tocsin.cli.jsonl tocsin.cli.logs tocsin.cli.masking tocsin.cli.table tocsin.cli.worker tocsin.manager
    tocsin.testing
"""


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{name}" = {toml(item)}' for name, item in value.items()) + " }"
    return json.dumps(list(value) if isinstance(value, tuple) else value)


@pytest.fixture
def tocsin(simulators, tmp_path, monkeypatch):
    """Run the program in a folder whose configuration delivers to the simulators."""
    for variable in list(os.environ):
        if variable.startswith(("TOCSIN_", "NOTIFICATION_")) or variable.endswith("_NOTIFICATIONS_ENABLED"):
            monkeypatch.delenv(variable)
    lines = ["[delivery]", "retry_delay = 0.01"]
    for name, simulator in simulators.items():
        lines += [f"[channels.{name}]", *(f"{key} = {toml(value)}" for key, value in simulator.settings().items())]
    (tmp_path / "tocsin.toml").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def run(*args):
        result = CliRunner().invoke(main, args)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    return run


@pytest.fixture
def secrets(simulators):
    """Everything secret in the settings, in clear text."""
    found = set()
    for name, simulator in simulators.items():
        values = simulator.settings()
        for setting in settings_of(load(installed()[name]), name):
            if setting.secret and setting.name in values:
                found |= set(secrets_in(setting.convert(values[setting.name])))
    assert len(found) >= 6
    return found


def test_the_demo_plays_every_channel_and_ends_as_it_should(tocsin):
    result = tocsin("demo", "--json")
    found = json.loads(result.stdout)

    assert result.exit_code == 0
    assert (found["as_expected"], found["left_out"]) == (True, {})
    assert [sorted(entry["report"]["results"]) for entry in found["alerts"]] == [SIX, ["email", "telegram"], SIX]
    assert len({fault["channel"] for fault in found["faults"]}) == 4
    assert {fault["kind"] for fault in found["faults"]} == {
        "rate_limited", "refused_recipient", "status", "lost_answer",
    }  # fmt: skip


def test_the_demo_shows_a_429_a_503_a_refusal_and_a_copy(tocsin):
    found = json.loads(tocsin("demo", "--json").stdout)
    recipients = [r for result in found["alerts"][2]["report"]["results"].values() for r in result["recipients"]]
    failures = [attempt for recipient in recipients for attempt in recipient["attempts"] if attempt["error"]]

    assert {429, 503} <= {attempt["status_code"] for attempt in failures}
    assert 1.0 in [attempt["retry_after"] for attempt in failures]
    assert "unknown" in [attempt["outcome"] for attempt in failures]
    assert [recipient["state"] for recipient in recipients].count("failed") == 1
    assert max(len(one["messages"]) for listed in found["received"].values() for one in listed) > 2


def test_send_reaches_all_six(tocsin, simulators):
    result = tocsin("send", "Disk full", "/var is at 98 %", "-p", "high")

    assert result.exit_code == 0
    assert all(len(simulator.received()) == 2 for simulator in simulators.values())
    assert len(result.stdout.splitlines()) == 6


def test_sending_through_one_channel_loads_nothing_of_what_it_does_not_need(tocsin, simulators, tmp_path):
    lines = [f"{key} = {toml(value)}" for key, value in simulators["webhook"].settings().items()]
    (tmp_path / "tocsin.toml").write_text("\n".join(["[channels.webhook]", *lines]), encoding="utf-8")
    code = f"""if True:
        import sys
        from tocsin.cli import main
        code = main(["send", "Disk full", "/var is at 98 %"], standalone_mode=False)
        print(*sorted(set(sys.modules) & set({UNNEEDED!r}.split())), file=sys.stderr)
        sys.exit(code)
    """
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    assert done.returncode == 0
    assert len(simulators["webhook"].received()) == 2
    assert done.stderr.splitlines()[1:] == [""]


def test_a_refused_recipient_is_partial_and_named(tocsin, simulators, name):
    simulators[name].fail("refused_recipient")
    result = tocsin("send", "t", "--to", name)

    assert result.exit_code == 4
    assert f"✗ {name}  1 of 2 recipients delivered" in result.stderr
    assert "[TCN-203]" in result.stderr


def test_a_dry_run_shows_the_message_and_sends_nothing(tocsin, simulators, secrets, name):
    result = tocsin("send", "Disk full", "text", "--to", name, "--dry-run")

    assert result.exit_code == 0
    assert "Disk full" in result.stdout
    assert simulators[name].received() == []
    assert simulators[name].calls == 0
    assert [secret for secret in secrets if secret in result.output] == []


def test_test_and_probe_work_for_each_channel(tocsin, simulators, name):
    assert tocsin("test", name).exit_code == 0
    assert len(simulators[name].received()) == 2


def test_health_asks_all_six(tocsin):
    assert tocsin("health", "--probe").exit_code == 0


@pytest.mark.parametrize(
    "args",
    [
        ("config", "show", "--origin"), ("config", "show", "--json"), ("channels", "list", "--json"), ("plugins",),
        ("check", "--json"), ("health", "--probe", "--json"), ("send", "t", "-vv"), ("demo",),
        ("route", "test", "--json"),
    ],
)  # fmt: skip
def test_no_command_shows_a_secret(tocsin, secrets, args):
    result = tocsin(*args)

    assert result.exit_code == 0
    assert [secret for secret in secrets if secret in result.output] == []


def test_each_channel_describes_its_settings(tocsin, name):
    found = json.loads(tocsin("channels", "describe", name, "--json").stdout)

    assert found["distribution"] == f"tocsin-{name}"
    assert all(setting["help"] for setting in found["settings"])
