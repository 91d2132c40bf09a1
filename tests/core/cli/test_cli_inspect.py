"""The commands that look: channels, plugins, health, test, config."""

import json

import pytest

from tocsin.testing import Fault


def test_channels_lists_configured_channels_then_installed_types(tocsin, pager, configure):
    configure('[channels.quiet]\ntype = "null"\nenabled = false\n[channels.bad]\ntype = "pager"\n')
    lines = tocsin("channels", "list").stdout.splitlines()

    assert lines[0].split() == ["CHANNEL", "TYPE", "STATE", "RECIPIENTS", "WHY"]
    assert lines[1].split() == ["pager", "ready", "a…@example.com,", "b…@example.com"]
    assert lines[2].split()[:3] == ["quiet", "null", "disabled"]
    assert lines[3].split()[:3] == ["bad", "pager", "unconfigured"]
    assert any(line.startswith("Built in: ") and "console" in line for line in lines)


def test_channels_as_json_has_the_reason_of_each(as_json):
    (found,) = [row for row in as_json("channels", "list") if row["name"] == "pager"]

    assert found == {
        "name": "pager",
        "type": "pager",
        "state": "unconfigured",
        "recipients": [],
        "reason": "installed, but not configured; set PAGER_NOTIFICATIONS_ENABLED=true or write [channels.pager]",
    }


def test_describe_shows_settings_and_capabilities(tocsin):
    output = tocsin("channels", "describe", "pager").stdout

    assert output.startswith("pager  (tocsin-pager 1.0)\nPages people.\n")
    assert ["token", "PAGER_TOKEN", "required", "Token", "of", "the", "account", "(secret)"] in [
        line.split() for line in output.splitlines()
    ]
    assert "https://pager.example" in output
    assert "PAGER_TIMEOUT" in output
    assert "Switch it on with PAGER_NOTIFICATIONS_ENABLED=true, or write [channels.pager]." in output
    assert "at most 500 characters" in output


def test_describe_as_json_has_a_json_schema(as_json):
    found = as_json("channels", "describe", "pager")

    assert found["capabilities"]["max_length"] == 500
    assert found["schema"]["required"] == ["token", "users"]
    assert found["schema"]["properties"]["token"] == {
        "type": "string",
        "description": "Token of the account",
        "writeOnly": True,
    }
    assert {"type", "enabled", "rate_limit", "workers", "timeout"} <= set(found["schema"]["properties"])


def test_describe_takes_the_name_of_an_instance_too(as_json, pager, configure):
    configure('[channels.second]\ntype = "pager"\n')

    assert as_json("channels", "describe", "second")["type"] == "pager"


def test_describe_of_what_nobody_installed_names_the_nearest(tocsin):
    result = tocsin("channels", "describe", "pagr")

    assert result.exit_code == 2
    assert "did you mean 'pager'?" in result.stderr


def test_plugins_lists_name_distribution_version_state_and_why(tocsin, configure):
    configure('[channels.pager]\nusers = ["a"]\n[channels.gone]\n')
    lines = [line.split() for line in tocsin("plugins").stdout.splitlines()]

    assert lines[0] == ["NAME", "DISTRIBUTION", "VERSION", "STATE", "WHY"]
    assert ["pager", "tocsin-pager", "1.0", "unconfigured", "PAGER_TOKEN:"] in [line[:5] for line in lines]
    assert ["gone", "misconfigured"] in [line[:2] for line in lines]


def test_plugins_as_json_says_why(as_json):
    (found,) = [row for row in as_json("plugins") if row["name"] == "pager"]

    assert (found["distribution"], found["version"], found["state"]) == ("tocsin-pager", "1.0", "unconfigured")
    assert "PAGER_NOTIFICATIONS_ENABLED=true" in found["why"]


def test_health_without_probe_asks_nobody(tocsin, pager):
    result = tocsin("health")

    assert result.exit_code == 0
    assert pager.calls == 0
    assert "ready" in result.stdout


def test_health_with_probe_asks_and_sends_nothing(tocsin, pager):
    result = tocsin("health", "--probe")

    assert result.exit_code == 0
    assert pager.calls == 1
    assert pager.received() == []
    assert "ok" in result.stdout
    assert "the token works" in result.stdout


def test_a_failing_probe_is_exit_code_1(tocsin, pager, monkeypatch):
    monkeypatch.setenv("PAGER_TOKEN", "CANARY-OTHER")
    result = tocsin("health", "--probe")

    assert result.exit_code == 1
    assert "the token does not work" in result.stdout
    assert "CANARY" not in result.output


def test_a_channel_that_is_not_ready_is_unwell(tocsin, configure):
    configure("[channels.pager]\n")

    assert tocsin("health").exit_code == 1


def test_health_as_json_is_what_the_service_knows(as_json, pager):
    assert as_json("health", "--probe")["pager"]["probe"]["state"] == "ok"


def test_test_really_sends_to_every_recipient(tocsin, pager):
    result = tocsin("test", "pager")

    assert result.exit_code == 0
    assert [message.text.splitlines()[0] for message in pager.received()] == ["Test alert", "Test alert"]
    assert "✓ pager  accepted in" in result.stdout


@pytest.mark.parametrize(("times", "code"), [(1, 4), (0, 1)])
def test_a_test_that_fails_says_why(tocsin, pager, times, code):
    pager.fail(Fault("unauthorized", times=times))
    result = tocsin("test", "pager")

    assert result.exit_code == code
    assert "the credentials were refused (HTTP 401) · auth · 1 attempt [TCN-201]" in result.stderr


def test_a_test_of_a_channel_without_settings_is_a_configuration_error(tocsin):
    result = tocsin("test", "pager")

    assert result.exit_code == 78
    assert "PAGER_TOKEN: is not set; Token of the account" in result.stderr


def test_a_test_of_an_unknown_channel_is_a_usage_error(tocsin):
    assert tocsin("test", "pagr").exit_code == 2


def test_a_test_of_a_disabled_channel_says_so(tocsin, configure):
    configure("[channels.null]\nenabled = false\n")
    result = tocsin("test", "null")

    assert result.exit_code == 1
    assert "switched off by tocsin.toml" in result.stderr


def test_config_show_puts_all_sources_together_and_masks(tocsin, pager, configure, monkeypatch):
    configure('headers = { X-Key = "CANARY-HEADER" }\n[[routes]]\nchannels = ["pager"]\n')
    monkeypatch.setenv("NOTIFICATION_MAX_RETRIES", "7")
    output = tocsin("config", "show", "--origin").stdout

    assert "max_retries = 7" in output
    assert "# NOTIFICATION_MAX_RETRIES" in output
    assert 'backoff = "constant"' in output
    assert "workers = 4" in output
    assert "# default" in output
    assert "[channels.pager]  # ready" in output
    assert 'token = "***"' in output
    assert "# tocsin.toml:6" in output
    assert 'users = ["a…@example.com", "b…@example.com"]' in output
    assert 'headers = { X-Key = "***" }' in output
    assert "[[routes]]  # tocsin.toml:" in output
    assert "CANARY" not in output


def test_config_show_says_nothing_of_origins_unless_asked(tocsin, pager):
    assert "# default" not in tocsin("config", "show").stdout


def test_config_show_masks_what_no_setting_describes(tocsin, configure):
    configure(
        '[channels.pager]\ntokn = "CANARY-1"\nusers = ["carol@example.com"]\n'
        'api_url = "https://user:CANARY-2@example.com/x"\n[channels.gone]\nsecret = ["CANARY-3"]\n'
    )
    result = tocsin("config", "show", "--origin")

    assert "CANARY" not in result.output
    assert "carol@" not in result.output
    assert "unknown setting 'tokn'" in result.stderr


def test_config_show_as_json_has_values_and_origins(as_json, pager):
    found = as_json("config", "show")

    assert found["channels"]["pager"]["state"] == "ready"
    assert found["channels"]["pager"]["settings"]["token"] == {"value": "***", "origin": "tocsin.toml:6"}
    assert found["delivery"]["retry_delay"] == {"value": 0.01, "origin": "tocsin.toml:2"}


def test_every_reading_command_prints_json(tocsin, pager):
    for args in (
        ["channels", "list"], ["channels", "describe", "pager"], ["plugins"], ["health"], ["config", "show"],
        ["check"], ["route", "test", "priority=high"], ["test", "pager"],
    ):  # fmt: skip
        assert json.loads(tocsin(*args, "--json").stdout), args
