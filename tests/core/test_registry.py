"""What is installed, what is configured, and the state each channel is in."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

from tocsin import ConfigError, NotificationConfig, NotificationService, UnknownChannel
from tocsin.channel import RefusedPlugin
from tocsin.clock import SystemClock
from tocsin.discovery import installed
from tocsin.registry import ChannelState, Registry

GOOD = """
import attrs
from tocsin import Receipt, Recipient, Secret, hookimpl
from tocsin.settings import setting, to_secret, to_strings

@attrs.define(eq=False, kw_only=True)
class Pager:
    token: Secret = attrs.field(converter=to_secret, metadata=setting(help="Token of the account"))
    users: tuple = attrs.field(default=("a",), converter=to_strings, metadata=setting("PAGER_TO", "Users"))

    @property
    def recipients(self):
        return tuple(Recipient.of(user) for user in self.users)

    @hookimpl
    def send(self, alert):
        return Receipt()
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a distribution with one channel type on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = []

    def make(channel_type, code=GOOD, distribution=None, cls="Pager"):
        distribution = distribution or f"tocsin-{channel_type}"
        module = distribution.replace("-", "_") + f"_{len(modules)}_{abs(hash(str(tmp_path)))}"
        modules.append(module)
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code))
        info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[tocsin.channels]\n{channel_type} = {module}:{cls}\n")
        return module

    yield make
    for module in modules:
        sys.modules.pop(module, None)


def registry(environ=None, mapping=None, **kwargs):
    return Registry(NotificationConfig.from_mapping(mapping or {}, environ), SystemClock(), **kwargs)


ON = {"PAGER_NOTIFICATIONS_ENABLED": "true", "PAGER_TOKEN": "t"}


def test_a_configured_channel_is_ready(install):
    install("pager")
    entry = registry(ON).entries["pager"]

    assert (entry.state, entry.reason) == (ChannelState.READY, "")
    assert entry.channel.recipients[0].address.reveal() == "a"


def test_listing_imports_nothing(install):
    module = install("pager", "raise RuntimeError")

    assert installed()["pager"].distribution == "tocsin-pager"
    assert registry().entries == {}
    assert module not in sys.modules


def test_an_installed_type_that_nobody_asked_for_is_unconfigured(install):
    install("pager")
    entry = registry().find("pager")

    assert entry.state is ChannelState.UNCONFIGURED
    assert "PAGER_NOTIFICATIONS_ENABLED=true" in entry.reason


@pytest.mark.parametrize(
    ("environ", "state", "reason"),
    [
        (
            {"PAGER_NOTIFICATIONS_ENABLED": "false", "PAGER_TOKEN": "t"},
            "disabled",
            "switched off by PAGER_NOTIFICATIONS_ENABLED",
        ),
        ({"PAGER_NOTIFICATIONS_ENABLED": "true"}, "unconfigured", "PAGER_TOKEN: is not set; Token of the account"),
        ({"PAGER_NOTIFICATIONS_ENABLED": "maybe", "PAGER_TOKEN": "t"}, "misconfigured", "must be true or false"),
        (ON | {"PAGER_WORKERS": "0"}, "misconfigured", "PAGER_WORKERS: workers must be between 1 and 1000"),
        (ON | {"PAGER_TO": "a\nb"}, "misconfigured", "PAGER_TO: users must not hold"),
        (
            {"PAGER_NOTIFICATIONS_ENABLED": "true", "PAGER_TOKEN_FILE": "/does/not/exist"},
            "misconfigured",
            "PAGER_TOKEN_FILE: the file",
        ),
        (ON | {"PAGER_TOKEN_FILE": "/dev/null"}, "misconfigured", "PAGER_TOKEN is set too"),
    ],
)
def test_what_is_wrong_in_the_environment_is_a_state_with_a_reason(install, environ, state, reason):
    install("pager")
    entry = registry(environ).entries["pager"]

    assert entry.state == state
    assert reason in entry.reason


def test_a_secret_can_stand_in_a_file(install, tmp_path):
    install("pager")
    (tmp_path / "token").write_text("from-file\n")
    entry = registry({"PAGER_NOTIFICATIONS_ENABLED": "1", "PAGER_TOKEN_FILE": str(tmp_path / "token")}).entries["pager"]

    assert entry.channel.instance.token.reveal() == "from-file"


def test_several_instances_of_a_type_and_the_environment_addresses_only_its_namesake(install):
    install("pager")
    tables = {
        "pager": {"token": "file"},
        "pager-ops": {"type": "pager", "token": "${OPS}", "users": ["b", "c"], "rate_limit": 2},
    }
    found = registry({"PAGER_TOKEN": "env", "OPS": "ops"}, {"channels": tables})

    tokens = {name: entry.channel.instance.token.reveal() for name, entry in found.entries.items()}
    assert tokens == {"pager": "env", "pager-ops": "ops"}
    assert found.entries["pager-ops"].channel.throttle.rate == 2


@pytest.mark.parametrize(
    ("table", "state", "reason"),
    [
        ({"enabled": False}, "disabled", ""),
        ({"tokn": "t"}, "misconfigured", "unknown setting 'tokn'; did you mean 'token'?"),
        ({"token": "${NOWHERE}"}, "misconfigured", "the variable NOWHERE is not set"),
        ({"token": "$${literal}"}, "ready", ""),
        ({"token": "t", "type": "pagr"}, "misconfigured", "no channel type 'pagr' is installed; did you mean 'pager'?"),
        ({"token": "t", "type": "quux"}, "misconfigured", "pip install tocsin-quux"),
        ({"token": "t", "type": 3}, "misconfigured", "type must be the name"),
        ({"token": "t", "enabled": "perhaps"}, "misconfigured", "enabled must be true or false"),
        ("nonsense", "misconfigured", "must be a table"),
        ({"token": "t", "users": []}, "broken", "at least one"),
    ],
)
def test_what_is_wrong_in_a_table_is_a_state_with_a_reason(install, table, state, reason):
    install("pager")
    entry = registry({}, {"channels": {"pager": table}}).entries["pager"]

    assert entry.state == state
    assert reason in entry.reason


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        ("import does_not_exist_here", "broken", "the module 'does_not_exist_here' is missing"),
        ("raise SystemExit", "broken", "SystemExit"),
        ("assert False", "broken", "AssertionError"),
        ("class Other: pass", "broken", "Pager"),
        (GOOD + "    api_version = 2\n", "incompatible", "contract 2, this is 1"),
        (GOOD.replace("    @hookimpl\n", ""), "broken", "add @hookimpl above it"),
        (GOOD.replace("def send", "async def send"), "broken", "is async"),
        (GOOD.replace("def send(self, alert)", "def send(self, alert, nonsense)"), "broken", "nonsense"),
        (GOOD.replace("def send", "def sned"), "broken", "has no send method"),
        (GOOD + "    @hookimpl\n    def helth(self): ...\n", "broken", "helth"),
        (GOOD + "    capabilities = {}\n", "broken", "must be a tocsin.Capabilities"),
    ],
)
def test_code_that_cannot_be_used_is_a_state_with_a_reason(install, code, state, reason):
    install("pager", code)
    entry = registry(ON).entries["pager"]

    assert entry.state == state
    assert reason in entry.reason


def test_a_broken_plugin_leaves_the_others_ready(install):
    install("pager")
    install("bad", "1/0")
    found = registry(ON | {"BAD_NOTIFICATIONS_ENABLED": "true"})

    assert {name: str(entry.state) for name, entry in found.entries.items()} == {"pager": "ready", "bad": "broken"}


def test_two_distributions_of_one_type_are_both_named(install):
    install("pager", distribution="tocsin-pager")
    install("pager", distribution="acme-pager")
    entry = registry(ON).entries["pager"]

    assert entry.state is ChannelState.DUPLICATE
    assert "acme-pager and tocsin-pager both" in entry.reason


def test_strict_raises_instead(install):
    install("pager")

    with pytest.raises(ConfigError, match="PAGER_TOKEN: is not set"):
        registry({"PAGER_NOTIFICATIONS_ENABLED": "true"}, strict=True)
    registry(ON, strict=True)


def test_keywords_are_the_environment_in_lower_case(install):
    install("pager")
    service = NotificationService(NotificationConfig(pager_enabled=True, pager_token="t", pager_to=["a", "b"]))

    assert "pager" in service.channels
    assert len(service.channels["pager"].recipients) == 2


def test_an_unknown_keyword_is_told_with_a_suggestion(install):
    install("pager")

    with pytest.raises(ConfigError, match="pager_tokn=: unknown keyword; did you mean 'pager_token'"):
        NotificationService(NotificationConfig(pager_enabled=True, pager_tokn="t"))


def test_a_keyword_of_a_channel_that_is_not_enabled_is_no_mistake(install):
    install("pager")

    assert len(NotificationService(NotificationConfig(pager_token="t")).channels) == 0


def test_an_unknown_name_is_told_with_a_suggestion(install):
    install("pager")

    with pytest.raises(UnknownChannel, match="no channel called 'pagr'; did you mean 'pager'"):
        registry().find("pagr")


def test_enable_builds_what_was_disabled_and_disable_takes_it_out(install):
    install("pager")
    service = NotificationService(
        NotificationConfig.from_env({"PAGER_NOTIFICATIONS_ENABLED": "false", "PAGER_TOKEN": "t"})
    )
    assert dict(service.channels) == {}

    service.enable_channel("pager")
    assert list(service.channels) == ["pager"]
    service.disable_channel("pager")
    assert dict(service.channels) == {}
    with pytest.raises(UnknownChannel):
        service.disable_channel("nobody")


def test_enable_says_why_it_cannot(install):
    install("pager")
    service = NotificationService(NotificationConfig())

    with pytest.raises(ConfigError, match="unconfigured: PAGER_TOKEN: is not set"):
        service.enable_channel("pager")


def test_a_name_is_taken_once(make_service):
    service = make_service({"x": lambda alert: None})

    with pytest.raises(ConfigError, match="exists already"):
        service.add_channel("x", lambda alert: None)
    with pytest.raises(RefusedPlugin, match="has no send method"):
        service.add_channel("y", object())


def test_a_poisoned_disk_cache_is_not_believed(install, tmp_path):
    """stevedore's cache names code to import; a file there must neither hide a plugin nor bring another."""
    install("pager")
    cache = tmp_path / "cache"
    script = """
        import glob, json, os, stevedore
        from stevedore import ExtensionManager
        ExtensionManager("tocsin.channels", on_load_failure_callback=lambda *a: None)
        files = glob.glob(os.environ["XDG_CACHE_HOME"] + "/python-entrypoints/*")
        for path in files:
            evil = [["pager", "evil:Evil", "tocsin.channels"]]
            for content in ({"groups": {}}, {"groups": {"tocsin.channels": evil}}, []):
                json.dump(content, open(path, "w"))
        from tocsin import NotificationConfig, NotificationService
        service = NotificationService(NotificationConfig(pager_enabled=True, pager_token="t"))
        print(json.dumps([len(files), list(service.channels)]))
    """
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path), "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environ, capture_output=True, text=True, check=True
    )

    assert json.loads(done.stdout)[1] == ["pager"]
