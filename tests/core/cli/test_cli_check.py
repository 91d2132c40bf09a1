"""`tocsin check`: all problems at once, with place and suggestion."""

BAD = """
[delivery]
max_retries = "many"

[channels.pager]
tokn = "CANARY-TOKEN"
users = ["a"]

[channels.other]
type = "pagr"

[[routes]]
match = { prioriy = "HIGH" }
channels = ["pager"]
"""


def test_every_problem_is_listed_with_its_place_and_the_exit_code_is_78(tocsin, configure):
    configure(BAD, add=False)
    result = tocsin("check")

    assert result.exit_code == 78
    assert result.stdout.splitlines() == [
        "tocsin.toml:4: error: max_retries must be a whole number, like 3",
        "tocsin.toml:13: error: route 1: cannot match on 'prioriy'; did you mean 'priority'?",
        "tocsin.toml:7: error: channel pager: unknown setting 'tokn'; did you mean 'token'?",
        "PAGER_TOKEN: error: channel pager: is not set; Token of the account",
        "tocsin.toml:10: error: channel other: no channel type 'pagr' is installed; did you mean 'pager'?",
    ]
    assert "5 errors, 0 warnings" in result.stderr


def test_a_good_configuration_says_what_is_ready(tocsin, pager):
    result = tocsin("check")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "✓ tocsin.toml and the environment are good. Channels ready: pager" in result.stderr


def test_a_named_file_is_checked(tocsin, configure, tmp_path):
    configure(BAD, add=False).rename(tmp_path / "other.toml")

    assert tocsin("check", "other.toml").stdout.startswith("other.toml:4: error:")
    assert tocsin("check").exit_code == 0


def test_a_file_that_is_no_toml_is_an_error(tocsin, configure):
    configure("[channels\n", add=False)
    result = tocsin("check")

    assert result.exit_code == 78
    assert "tocsin.toml is not valid TOML" in result.stdout


def test_settings_without_their_switch_are_a_warning(tocsin, monkeypatch):
    monkeypatch.setenv("PAGER_TOKEN", "CANARY")
    result = tocsin("check")

    assert result.exit_code == 0
    assert (
        "PAGER_TOKEN: warning: is set, but pager is not enabled; set PAGER_NOTIFICATIONS_ENABLED=true" in result.stdout
    )


def test_a_misspelt_variable_is_a_warning(tocsin, monkeypatch):
    monkeypatch.setenv("NOTIFICATION_MAX_RETRY", "1")

    assert "NOTIFICATION_MAX_RETRY: warning: is no setting; did you mean 'NOTIFICATION_MAX_RETRIES'?" in (
        tocsin("check").stdout
    )


def test_routes_that_lead_nowhere_or_are_never_asked_are_warnings(tocsin, pager, configure):
    configure(
        '[channels.off]\ntype = "null"\nenabled = false\n'
        '[[routes]]\nmatch = { type = "RISK" }\nchannels = ["pagr"]\nfallback = ["console", "off"]\n'
        '[[routes]]\nname = "rest"\nchannels = ["pager"]\n'
        '[[routes]]\nchannels = ["pager"]\n'
    )
    result = tocsin("check")

    assert result.exit_code == 0
    assert "warning: route 1 names the unknown channel 'pagr'; did you mean 'pager'?" in result.stdout
    assert "warning: route 1 names 'console', which is installed but not configured" in result.stdout
    assert "warning: route 1 names 'off', which is disabled" in result.stdout
    assert "warning: route 3 is never asked: route rest takes every alert" in result.stdout


def test_json_holds_the_findings(as_json, configure):
    configure(BAD, add=False)
    found = as_json("check")

    assert found["ok"] is False
    assert found["findings"][0] == {
        "place": "tocsin.toml:4",
        "message": "max_retries must be a whole number, like 3",
        "warning": False,
    }
