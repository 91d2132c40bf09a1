"""The world in which examples run: every provider is its own simulator, and nothing leaves the machine.

Settings are checked as they are written; the channel that comes out of them is then replaced by one that delivers to
the simulator of its type. Commands run in processes of their own, which find the simulators through an environment
variable.
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

__all__ = ["enter", "simulators"]

_VARIABLE = "TOCSIN_DOCS_SIMULATORS"
_COMMAND = """#!{python}
import sys

sys.path.insert(0, {folder!r})
from tocsin_docs.sandbox import enter

enter()
from tocsin.cli import main

sys.argv[0] = "tocsin"
sys.exit(main())
"""


@contextlib.contextmanager
def simulators(folder: Path) -> Iterator[None]:
    """Start a simulator of every installed provider, and put a `tocsin` that knows them on the path."""
    with contextlib.ExitStack() as stack:
        settings = {}
        for entry_point in entry_points(group="tocsin.simulators"):
            simulator = stack.enter_context(entry_point.load()())
            settings[entry_point.name] = simulator.settings()
        os.environ[_VARIABLE] = json.dumps(settings)
        _write_command(folder)
        enter()
        yield


def _write_command(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = folder / "tocsin"
    source = _COMMAND.format(python=sys.executable, folder=str(Path(__file__).parents[1]))
    command.write_text(source, encoding="utf-8")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    search = [str(folder), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    os.environ["PATH"] = os.pathsep.join(search)


def enter() -> None:
    """Deliver to the simulators from here on, in this process."""
    registry: Any = importlib.import_module("tocsin.registry")
    resolver: Any = importlib.import_module("tocsin.dialing").resolver
    settings = json.loads(os.environ.get(_VARIABLE, "{}"))
    by_class = {entry.value: settings[entry.name] for entry in _channels() if entry.name in settings}
    build, resolve = registry.build, resolver.resolve

    def build_simulated(cls: type, own: Any, values: Mapping[str, Any], *place: Any) -> Any:
        instance, problems = build(cls, own, values, *place)
        simulated = next((by_class[value] for value in by_class if _names(value, cls)), None)
        return (cls(**simulated) if instance is not None and simulated is not None else instance), problems

    def resolve_here(host: str, port: int, timeout: float) -> Any:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise OSError(f"an example tried to reach {host}")
        return resolve(host, port, timeout)

    registry.build = build_simulated
    resolver.resolve = resolve_here


def _channels() -> list[EntryPoint]:
    return list(entry_points(group="tocsin.channels"))


def _names(value: str, cls: type) -> bool:
    """Whether an entry point's value names this class, which may live in a module of the package."""
    module, _, name = value.partition(":")
    return cls.__name__ == name and (cls.__module__ == module or cls.__module__.startswith(f"{module}."))
