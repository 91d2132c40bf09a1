"""Checks of a channel's settings: one definition, the same from every source, and no value in any message."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tocsin.secret import Secret
from tocsin.settings import Problem, Setting, Sourced, build
from tocsin.sources import Environment
from tocsin.testing.contract.subject import Subject, needs

__all__ = ["SettingsChecks"]

_CANARY = "c4n4ry"
_ENV = re.compile(r"[A-Z][A-Z0-9_]*")
_SECRETIVE = re.compile(r"(^|_)(api_?key|auth_key|credentials?|passphrase|passwords?|secrets?|tokens?|webhook_urls?)$")
_RESERVED = {"api_version", "capabilities", "enabled", "recipients", "type"}
_WRONG: tuple[Any, ...] = (
    f"{_CANARY} \t{_CANARY}",
    f"{_CANARY}\r\n{_CANARY}",
    f"whsec_{_CANARY}",
    f"ftp://{_CANARY}/x y",
    f"http://[{_CANARY}",
    _CANARY.encode(),
    [f"{_CANARY}\n"],
    [[_CANARY]],
    {_CANARY: f"{_CANARY}\n"},
    {_CANARY: {_CANARY: 1}},
    "",
    " ",
    None,
    True,
    -1,
    10**30,
    float("nan"),
    object(),
)


class SettingsChecks(Subject):
    """The fields of the class, as configuration sees them."""

    def test_every_setting_has_a_help_text(self) -> None:
        """``channels describe``, forms and the reference show it."""
        assert [item.name for item in self.declared() if len(item.help.split()) < 2] == []

    def test_every_environment_name_is_usable_and_its_own(self) -> None:
        """Upper case, one for each setting, none that switches the channel on."""
        names = [item.env for item in self.declared()]

        assert [name for name in names if not _ENV.fullmatch(name)] == []
        assert sorted(set(names)) == sorted(names)
        assert [name for name in names if name.endswith("_NOTIFICATIONS_ENABLED")] == []

    def test_no_setting_has_a_reserved_name(self) -> None:
        """``capabilities`` and the like stand on the class without annotation; attrs makes no setting of them."""
        assert {item.name for item in self.declared()} & _RESERVED == set()

    def test_what_sounds_secret_is_declared_secret(self) -> None:
        """By its annotation, ``Secret``; only then the core masks it, and this suite looks for it."""
        assert [item.name for item in self.declared() if _SECRETIVE.search(item.name) and not item.secret] == []

    def test_every_setting_has_a_json_schema(self) -> None:
        """For forms and editors; a secret's default is not in it."""
        schemas = {item.name: item.schema() for item in self.declared()}

        assert json.loads(json.dumps(schemas)) == schemas
        assert [item.name for item in self.declared() if item.secret and "default" in schemas[item.name]] == []

    def test_the_environment_and_native_values_make_the_same_channel(self, channel_settings: dict[str, Any]) -> None:
        """Strings from the environment are converted to what Python code would pass."""
        environ = {item.env: _as_text(channel_settings[item.name]) for item in self._used(channel_settings)}

        assert self._from(environ) == self.state_of(self.channel_class(**channel_settings))

    def test_a_secret_may_come_from_a_file(self, channel_settings: dict[str, Any], tmp_path: Path) -> None:
        """``NAME_FILE`` names it, as containers mount secrets."""
        environ = {}
        for item in self._used(channel_settings):
            text = _as_text(channel_settings[item.name])
            environ[item.env] = text
            if item.secret:
                path = tmp_path / item.env
                path.write_text(f"{text}\n", encoding="utf-8")
                environ[f"{item.env}_FILE"] = str(path)
                del environ[item.env]

        assert self._from(environ) == self.state_of(self.channel_class(**channel_settings))

    def test_values_that_were_converted_once_may_be_given_again(self, channel_settings: dict[str, Any]) -> None:
        """So that a channel can be copied with one setting changed."""
        state = self.state_of(self.channel_class(**channel_settings))

        assert self.state_of(self.channel_class(**{name: state[name] for name in channel_settings})) == state

    def test_an_unknown_setting_is_named_with_a_suggestion(self, channel_settings: dict[str, Any]) -> None:
        """A misspelt key is a problem, never ignored."""
        for item in self.declared():
            wrong = f"{item.name}x"
            (problem,) = self._problems(channel_settings | {wrong: "x"})

            assert f"'{wrong}'" in problem.message
            assert "did you mean" in problem.message

    def test_a_missing_setting_is_named(self, channel_settings: dict[str, Any]) -> None:
        """Under its environment name; the channel then is unconfigured rather than misconfigured."""
        for item in self.declared():
            if item.required:
                values = {name: value for name, value in channel_settings.items() if name != item.name}
                (problem,) = self._problems(values)

                assert (problem.place, problem.missing) == (item.env, True)

    def test_nothing_set_is_unconfigured(self) -> None:
        """Every problem of an empty table is that something is missing; or the channel needs nothing."""
        assert [str(problem) for problem in self._problems({}) if not problem.missing] == []

    def test_an_empty_list_of_recipients_is_a_problem(self, channel_settings: dict[str, Any]) -> None:
        """A channel that reaches nobody must not look ready."""
        lists = [item.name for item in self._used(channel_settings) if item.kind == "array" and item.required]

        for name in lists:
            assert self._problems(channel_settings | {name: []}), name

    def test_a_wrong_value_is_a_problem_that_does_not_quote_it(self, channel_settings: dict[str, Any]) -> None:
        """A ValueError from the class itself, a problem in a configuration; it may be a secret in the wrong place."""
        for item in self.declared():
            for wrong in _WRONG:
                values = channel_settings | {item.name: wrong}
                words = [str(problem) for problem in self._problems(values)]
                try:
                    self.channel_class(**values)
                except (ValueError, TypeError) as error:
                    words.append(str(error))

                assert _CANARY not in "".join(words), (item.name, wrong)

    def test_a_problem_elsewhere_shows_no_secret(self, channel_settings: dict[str, Any]) -> None:
        """Every other setting is told without it."""
        for secret in secrets_in(self._used(channel_settings), channel_settings):
            for item in self.declared():
                problems = self._problems(channel_settings | {item.name: object(), "unknown": secret})

                assert secret not in "".join(map(str, problems))

    def test_equal_settings_make_different_channels(self, channel_settings: dict[str, Any]) -> None:
        """Equal objects would be one to pluggy; ``@attrs.define(eq=False)``."""
        one, other = self.channel_class(**channel_settings), self.channel_class(**channel_settings)

        assert one != other
        assert len({one, other}) == 2

    @needs("recipients")
    def test_recipients_have_stable_ids_of_their_own(self, channel_settings: dict[str, Any]) -> None:
        """Stores and metrics key on them."""
        one, other = self.channel_class(**channel_settings), self.channel_class(**channel_settings)
        ids = [recipient.id for recipient in one.recipients]

        assert ids == [recipient.id for recipient in other.recipients]
        assert len(set(ids)) == len(ids) > 0

    @needs("recipients", "provider")
    def test_recipients_follow_the_settings(self, rig: Any) -> None:
        """As many as the simulator names, in its order."""
        assert len(rig.channel.recipients) == len(rig.provider.addresses()) == rig.provider.RECIPIENTS

    @needs("recipients")
    def test_a_label_tells_recipients_apart_and_is_masked(self, channel_settings: dict[str, Any]) -> None:
        """Reports, logs and the command line show it."""
        recipients = self.channel_class(**channel_settings).recipients

        assert len({recipient.label for recipient in recipients}) == len(recipients)
        assert [r.label for r in recipients if len(r.address.reveal()) > 4 and r.address.reveal() in r.label] == []

    def _used(self, values: Mapping[str, Any]) -> list[Setting]:
        return [item for item in self.declared() if values.get(item.name) is not None]

    def _from(self, environ: Mapping[str, str]) -> dict[str, Any]:
        """The settings of a channel that the environment makes."""
        environment = Environment(environ)
        found = {item.name: environment.value(item) for item in self.declared()}
        values = {name: sourced for name, (sourced, _) in found.items() if sourced is not None}
        channel, problems = build(self.channel_class, self.declared(), values)

        assert [*problems, *(problem for _, found_problems in found.values() for problem in found_problems)] == []
        return self.state_of(channel)

    def _problems(self, values: Mapping[str, Any]) -> list[Problem]:
        sourced = {name: Sourced(value, "here") for name, value in values.items()}
        return build(self.channel_class, self.declared(), sourced)[1]


def secrets_in(settings: list[Setting], values: Mapping[str, Any]) -> Iterator[str]:
    """The clear text of every secret setting."""
    for item in settings:
        if item.secret:
            yield from _flat(values[item.name])


def _flat(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    for item in value if isinstance(value, list | tuple) else [value]:
        yield item.reveal() if isinstance(item, Secret) else str(item)


def _as_text(value: Any) -> str:
    """A native value as it stands in the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ",".join(f"{name}={_as_text(item)}" for name, item in value.items())
    return ",".join(_flat(value))
