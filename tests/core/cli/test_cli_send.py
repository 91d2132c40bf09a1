"""`tocsin send`: what goes in, what comes out, and the exit code."""

import json

import pytest

from tocsin.testing import Fault


def test_an_alert_reaches_every_recipient_and_each_channel_takes_one_line(tocsin, pager):
    result = tocsin("send", "Disk full", "/var is at 98 %")

    assert result.exit_code == 0
    assert [message.text for message in pager.received()] == ["Disk full\n/var is at 98 %"] * 2
    (line,) = result.stdout.splitlines()
    assert line.startswith("✓ pager  accepted in ")
    assert "2 recipients" in line
    assert "id page-" in line
    assert "1 of 1 channel delivered" in result.stderr
    assert "exit 0" in result.stderr


def test_every_option_becomes_a_field_of_the_alert(as_json, pager):
    found = as_json(
        "send", "Risk", "text", "-p", "high", "--type", "risk", "--to", "pager", "--symbol", "BTCUSDT",
        "--strategy", "momentum_001", "--position", "p1", "--source", "cron", "--label", "team=desk",
        "--data", "risk_pct=6.5", "-d", "ok=true", "-d", "note=a=b", "-d", 'list=[1, 2]', "--dedup-key", "k",
        "--alert-id", "a-1", "--status", "resolved", "--dry-run",
    )["alert"]  # fmt: skip

    found.pop("created_at")
    assert found == {
        "title": "Risk", "message": "text", "priority": "HIGH", "alert_type": "RISK", "channels": ["pager"],
        "symbol": "BTCUSDT", "strategy_id": "momentum_001", "position_id": "p1", "source": "cron",
        "labels": {"team": "desk"}, "data": {"risk_pct": 6.5, "ok": True, "note": "a=b", "list": [1, 2]},
        "dedup_key": "k", "alert_id": "a-1", "status": "resolved",
    }  # fmt: skip


def test_a_number_that_json_does_not_know_stays_text(as_json, pager):
    assert as_json("send", "t", "-d", "x=NaN", "--dry-run")["alert"]["data"] == {"x": "NaN"}


@pytest.mark.parametrize("args", [["t", "-"], ["t"]])
def test_the_message_comes_from_standard_input(tocsin, pager, args):
    tocsin("send", *args, input="two\nlines\n")

    assert pager.received()[0].text == "t\ntwo\nlines"


def test_an_empty_standard_input_is_an_empty_message(tocsin, pager):
    assert tocsin("send", "t", input="").exit_code == 0
    assert pager.received()[0].text == "t\n"


def test_json_is_the_report_and_nothing_else_on_stdout(tocsin, pager):
    result = tocsin("send", "t", "--json")
    report = json.loads(result.stdout)

    assert report["is_complete"] is True
    assert list(report["results"]) == ["pager"]
    assert "✓ pager" in result.stderr


@pytest.mark.parametrize("place", ["before", "after"])
def test_common_options_stand_before_or_after_the_command(tocsin, pager, outside, place):
    (outside / "tocsin.toml").rename(outside / "other.toml")
    options = ["--json", "--config", "other.toml", "-q"]
    args = [*options, "send", "t"] if place == "before" else ["send", "t", *options]
    result = tocsin(*args)

    assert json.loads(result.stdout)["is_complete"] is True
    assert result.stderr == ""


def test_quiet_says_nothing_about_success(tocsin, pager):
    result = tocsin("send", "t", "-q")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_verbose_names_each_recipient_and_shows_the_log(tocsin, pager):
    result = tocsin("send", "t", "-v")

    assert "a…@example.com  accepted in" in result.stdout
    assert "delivery alert_id=" in result.stderr
    assert "CANARY" not in result.output


def test_one_recipient_of_two_is_partial_and_the_failure_is_told_whole(tocsin, pager):
    pager.fail(Fault("refused_recipient", address="bernard@example.com"))
    result = tocsin("send", "t", "-q")

    assert result.exit_code == 4
    assert "✗ pager  1 of 2 recipients delivered" in result.stderr
    assert (
        "✗ b…@example.com  nobody has this pager (status 410) · invalid_recipient · 1 attempt [TCN-203]"
        in result.stderr
    )
    assert "→ Give the pager to somebody." in result.stderr


def test_no_recipient_is_nothing_delivered(tocsin, pager):
    pager.fail(Fault("unauthorized", times=0))
    result = tocsin("send", "t")

    assert result.exit_code == 1
    assert "✗ pager  not delivered" in result.stderr
    assert "[TCN-201]" in result.stderr
    assert "HTTP 401" in result.stderr
    assert "→ Check the token, password or URL" in result.stderr
    assert result.stdout == ""


def test_a_deadline_that_passes_has_its_own_exit_code(tocsin, pager, monkeypatch):
    monkeypatch.setenv("TOCSIN_DEADLINE", "0.2")
    pager.fail(Fault("rate_limited", retry_after=5, times=0))
    result = tocsin("send", "t")

    assert result.exit_code == 5
    assert "expired" in result.stderr
    assert "[TCN-213]" in result.stderr


def test_a_retry_is_told_while_it_waits(tocsin, pager, monkeypatch):
    monkeypatch.setenv("NOTIFICATION_RETRY_DELAY", "0.3")
    pager.fail(Fault("server_error", address="alice@example.com"))
    result = tocsin("send", "t")

    assert result.exit_code == 0
    assert "· pager a…@example.com: the receiver failed (HTTP 503); again in" in result.stderr
    assert "2 attempts" in result.stdout


def test_a_route_that_matches_nothing_is_no_channel_matched(tocsin, pager, configure):
    configure('[[routes]]\nmatch = { priority = "CRITICAL" }\nchannels = ["pager"]\n')
    result = tocsin("send", "t")

    assert result.exit_code == 3
    assert "nobody was told: no route matches; tocsin route test says why" in result.stderr
    assert pager.received() == []


def test_a_disabled_channel_alone_is_no_channel_matched(tocsin, configure):
    configure("[channels.null]\nenabled = false\n")

    assert tocsin("send", "t").exit_code == 3


def test_an_unknown_channel_is_a_usage_error_with_the_nearest_name(tocsin, pager):
    result = tocsin("send", "t", "--to", "pgaer")

    assert result.exit_code == 2
    assert "no channel called 'pgaer'; did you mean 'pager'?" in result.stderr
    assert "[TCN-110]" in result.stderr
    assert pager.received() == []


@pytest.mark.parametrize("args", [["--to", "null", "--to", "console"], ["--to", "null,console"]])
def test_several_channels_may_be_named_and_built_in_ones_need_no_settings(tocsin, args):
    result = tocsin("send", "t", *args)

    assert result.exit_code == 0
    assert "✓ null" in result.stdout
    assert "✓ console" in result.stdout


def test_naming_a_type_without_settings_is_a_configuration_error(tocsin):
    result = tocsin("send", "t", "--to", "pager")

    assert result.exit_code == 78
    assert "PAGER_TOKEN: is not set; Token of the account" in result.stderr
    assert "✗ pager  not delivered, for the reason above" in result.stderr


def test_a_misconfigured_channel_is_named_and_the_good_ones_are_used(tocsin, pager, configure):
    configure('[channels.second]\ntype = "pager"\ntokn = "CANARY-2"\nusers = ["c"]\n')
    result = tocsin("send", "t")

    assert result.exit_code == 0
    assert len(pager.received()) == 2
    assert "! second is misconfigured and takes no part:" in result.stderr
    assert "unknown setting 'tokn'; did you mean 'token'?" in result.stderr
    assert "CANARY" not in result.output


def test_only_misconfigured_channels_are_a_configuration_error(tocsin, configure):
    configure('[channels.pager]\nusers = ["c"]\n')

    assert tocsin("send", "t").exit_code == 78


def test_problems_outside_the_channels_are_a_configuration_error(tocsin, configure):
    configure("[delivery]\nparalel = true\nmax_retries = 'many'\n")
    result = tocsin("send", "t")

    assert result.exit_code == 78
    assert "[TCN-100]" in result.stderr
    assert "tocsin.toml:3: unknown setting 'paralel'; did you mean 'parallel'?" in result.stderr
    assert "tocsin.toml:4: max_retries must be a whole number" in result.stderr


def test_a_file_that_is_not_there_is_a_configuration_error(tocsin):
    result = tocsin("--config", "nowhere.toml", "send", "t")

    assert result.exit_code == 78
    assert "nowhere.toml cannot be read" in result.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "a TITLE is needed"),
        (["t", "-p", "hihg"], "priority must be one of CRITICAL, HIGH, MEDIUM, LOW, INFO, got 'hihg'; did you mean"),
        (["t", "--type", "x"], "alert_type must be one of"),
        (["t", "--label", "x"], "--label takes NAME=VALUE"),
        (["t", "-d", "=1"], "-d takes NAME=VALUE"),
        ([" "], "title is empty"),
        (["t", "--jsonl", "-"], "leave TITLE and MESSAGE out"),
    ],
)
def test_what_cannot_be_sent_is_a_usage_error(tocsin, args, words):
    result = tocsin("send", *args)

    assert result.exit_code == 2
    assert words in result.stderr


def test_with_nothing_configured_it_goes_to_the_console_and_says_so(tocsin):
    result = tocsin("send", "Disk full", "/var is at 98 %")

    assert result.exit_code == 0
    assert "Disk full" in result.stdout
    assert "/var is at 98 %" in result.stdout
    assert "✓ console  delivered in" in result.stdout
    assert "No channel is configured, so this goes to the console." in result.stderr
    assert "waiting for settings: " in result.stderr
    assert "pager" in result.stderr


def test_the_console_leaves_stdout_to_json(as_json):
    assert as_json("send", "t")["is_complete"] is True


def test_settings_whose_switch_is_off_are_pointed_out(tocsin, monkeypatch):
    monkeypatch.setenv("PAGER_TOKEN", "CANARY")
    result = tocsin("send", "t")

    words = "PAGER_TOKEN: is set, but pager is not enabled; set PAGER_NOTIFICATIONS_ENABLED=true"
    assert words in result.stderr
    assert "CANARY" not in result.output


def test_an_error_is_json_too(tocsin):
    result = tocsin("send", "t", "--to", "pgaer", "--json")

    assert json.loads(result.stdout)["error"]["code"] == "TCN-110"
    assert "[TCN-110]" in result.stderr


def test_no_secret_appears_whatever_fails(tocsin, pager, monkeypatch):
    monkeypatch.setenv("NOTIFICATION_MAX_RETRIES", "0")
    for fault in ("unauthorized", "server_error", "reset", "lost_answer", "garbage", "refused_payload"):
        pager.fail(Fault(fault, times=0))
        for options in ([], ["-v"], ["-vv"], ["--json"], ["--dry-run"]):
            result = tocsin("send", "t", *options)
            assert "CANARY" not in result.output
            assert "alice@" not in result.output
        pager.heal()
