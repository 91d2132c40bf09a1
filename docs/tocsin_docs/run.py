"""Runs the code blocks of one page from top to bottom: `python -m tocsin_docs.run PAGE`, in an empty folder.

- `python` blocks share one namespace; a block after `<!-- output -->` is what the one before it prints.
- `console` blocks run line by line in one shell; what follows a `$ ` line is its output, where `…` stands for anything.
  A command must succeed unless the next line is `$ echo $?`.
- `sh` blocks set environment variables, each of which Tocsin knows.
- `toml` and `json` blocks are parsed, and configuration must have no problem.
- A block with a caption is the file of that name; it is written and not run.
- `<!-- wrong on purpose -->` before a configuration lets its problems pass.
- `<!-- not run: reason -->` before a block only shows it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tocsin import NotificationConfig, NotificationService
from tocsin.config import CONFIG_VARIABLE, DeliverySettings
from tocsin.discovery import STORES, installed, load
from tocsin.registry import ChannelState
from tocsin.resolution import options_of
from tocsin.settings import Setting, settings_of
from tocsin.storage import STORE_PREFIX, configured_store
from tocsin.store import MemoryStore
from tocsin_docs.blocks import Block, blocks_of, read_page
from tocsin_docs.sandbox import simulators

__all__ = ["Mismatch", "Page", "matches"]

_DATA = {"json", "toml"}
"""Languages whose blocks are checked even where they are files."""
_TABLES = {"delivery", "channels", "routes", "store"}
_END = "@end@"


class Mismatch(AssertionError):
    """A block did not do what the page says."""


class Page:
    """One page on its way from the first block to the last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        self.printed = ""

    def run(self) -> None:
        """Run every block.

        Raises:
            Mismatch: with page and line.
        """
        for block in blocks_of(read_page(self.path)):
            if block.not_run is not None:
                continue
            if block.file is not None:
                Path(block.file).parent.mkdir(parents=True, exist_ok=True)
                Path(block.file).write_text(block.code, encoding="utf-8")
            self._check(block)

    def _check(self, block: Block) -> None:
        check = getattr(self, f"_{block.language}", None)
        if block.is_output:
            self._compare(block, block.code, self.printed)
        elif check is not None and not block.is_wrong and not (block.file and block.language not in _DATA):
            check(block)
        elif not block.language:
            self._fail(block, "the block names no language")

    def _python(self, block: Block) -> None:
        code = compile("\n" * (block.line - 1) + block.code, str(self.path), "exec")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, self.namespace)  # noqa: S102 -- running the examples of our own pages is the purpose
        self.printed = printed.getvalue()

    def _console(self, block: Block) -> None:
        shell = shutil.which("sh")
        if shell is None:
            return
        steps = _steps(block.code)
        script = "\n".join(f"{command}\n_s=$?; echo; echo {_END}$_s; (exit $_s)" for command, _ in steps)
        done = subprocess.run(
            [shell], input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=50, check=False
        )
        answers = re.split(rf"^{_END}(\d+)\n", done.stdout, flags=re.MULTILINE)
        for index, (command, expected) in enumerate(steps):
            answer, status = [*answers[2 * index : 2 * index + 2], "", "?"][:2]
            asked = index + 1 < len(steps) and steps[index + 1][0] == "echo $?"
            if status != "0" and not asked:
                self._fail(block, f"{command}\nended with {status}:\n{answer}")
            self._compare(block, expected, answer.removesuffix("\n"), command)

    def _sh(self, block: Block) -> None:
        for line in block.code.splitlines():
            name, sign, value = line.partition("=")
            if not sign or not name.isupper():
                self._fail(block, f"not a variable: {line}")
            if name not in known_variables():
                self._fail(block, f"Tocsin does not know the variable {name}")
            os.environ[name] = value.strip("\"'")
        self._check_channels(block, NotificationConfig.from_env())

    def _toml(self, block: Block) -> None:
        data = tomllib.loads(block.code)
        data = data.get("tool", {}).get("tocsin", data)
        if not _TABLES & set(data):
            return
        names = re.findall(r"\$\{(\w+)\}", block.code)
        environ = dict.fromkeys(names, "https://example.com/hook") | dict(os.environ)
        self._check_channels(block, NotificationConfig.from_mapping(data, environ))

    def _check_channels(self, block: Block, config: NotificationConfig) -> None:
        configured_store(config)
        for entry in NotificationService(config, store=MemoryStore()).registry.entries.values():
            if entry.state not in (ChannelState.READY, ChannelState.DISABLED):
                self._fail(block, f"{entry.name} is {entry.state}: {entry.reason}")

    def _json(self, block: Block) -> None:
        json.loads(block.code)

    def _compare(self, block: Block, expected: str, answer: str, command: str = "") -> None:
        if expected.strip() and not matches(expected, answer):
            self._fail(block, f"{command}\nexpected:\n{expected}\ngot:\n{answer}")

    def _fail(self, block: Block, words: str) -> None:
        raise Mismatch(f"{self.path}:{block.line}: {words}")


def _steps(code: str) -> list[tuple[str, str]]:
    """Commands with the output that follows each."""
    steps: list[tuple[str, str]] = []
    for line in code.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], ""))
        elif steps and steps[-1][0].endswith("\\"):
            steps[-1] = (f"{steps[-1][0]}\n{line.removeprefix('> ')}", "")
        elif steps:
            steps[-1] = (steps[-1][0], f"{steps[-1][1]}{line}\n")
        else:
            raise Mismatch(f"a console block begins with output: {line}")
    return steps


def matches(expected: str, answer: str) -> bool:
    """Whether the answer is the expected one, line ends aside; `…` stands for any text, also over lines."""
    pattern = "".join(".*?" if part == "…" else re.escape(part) for part in re.split("(…)", _plain(expected)))
    return re.fullmatch(pattern, _plain(answer), flags=re.DOTALL) is not None


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def known_variables() -> set[str]:
    """Every environment variable that the documentation may set."""
    known: dict[str, set[str]] = defaultdict(set)
    for plugin in installed().values():
        settings = [*settings_of(load(plugin), plugin.type), *options_of(plugin.type)]
        known[plugin.type] = _variables(settings)
        known[plugin.type].add(f"{plugin.type.upper().replace('-', '_')}_NOTIFICATIONS_ENABLED")
    for plugin in installed(STORES).values():
        known[STORE_PREFIX] |= _variables(settings_of(load(plugin), STORE_PREFIX))
    delivery = {item.env for item in settings_of(DeliverySettings, "tocsin")}
    return set().union(delivery, {CONFIG_VARIABLE}, *known.values())


def _variables(settings: Iterable[Setting]) -> set[str]:
    return {name for item in settings for name in (item.env, *([f"{item.env}_FILE"] if item.secret else []))}


if __name__ == "__main__":
    with simulators(Path.cwd() / ".bin"):
        Page(Path(sys.argv[1])).run()
