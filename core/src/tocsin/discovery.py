"""Which channel types are installed, without importing any of them; and loading one.

``importlib.metadata`` says what exists. stevedore loads it, but from those entry points rather than from its disk
cache, whose entries name code to import and are trusted blindly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution, distributions
from typing import Any

import attrs

from tocsin.errors import TocsinError

__all__ = ["CHANNELS", "SIMULATORS", "STORES", "LoadFailed", "Plugin", "installed", "load"]

CHANNELS = "tocsin.channels"
SIMULATORS = "tocsin.simulators"
STORES = "tocsin.stores"


class LoadFailed(TocsinError):
    """The code of an installed channel type cannot be imported."""

    code = "TCN-190"


@attrs.frozen
class Plugin:
    """One installed entry point.

    Attributes:
        type: the channel type; the entry point's name.
        distribution, version: of the package that brings it.
        rivals: other distributions that claim the same type; none of them is used.
    """

    type: str
    distribution: str
    version: str
    entry_point: EntryPoint = attrs.field(repr=False)
    rivals: tuple[str, ...] = ()


def installed(group: str = CHANNELS) -> dict[str, Plugin]:
    """The installed entry points of a group by name, in alphabetical order; nothing is imported."""
    found: dict[str, dict[str, Plugin]] = defaultdict(dict)
    for bringer in _bringers(group):
        name, version = _described(bringer)
        for entry_point in bringer.entry_points.select(group=group):
            found[entry_point.name].setdefault(name, Plugin(entry_point.name, name, version, entry_point))
    return {name: _chosen(by_distribution) for name, by_distribution in sorted(found.items())}


def _bringers(group: str) -> Iterator[Distribution]:
    """The distributions that have entry points of the group.

    ``importlib.metadata.entry_points`` parses those of every distribution; here most are only searched for the group.
    Of several of one name the first on the path counts, since it is the one that is imported.
    """
    for candidate in distributions():
        if group in (candidate.read_text("entry_points.txt") or ""):
            try:
                yield distribution(_described(candidate)[0])
            except (PackageNotFoundError, ValueError):  # its folder has another name
                yield candidate


def _described(found: Distribution) -> tuple[str, str]:
    """Its name and its version: two fields of a header that is long to parse as a whole."""
    header = (found.read_text("METADATA") or "").partition("\n\n")[0]
    lines = reversed(header.splitlines())  # the first of a name counts
    fields = dict(line.split(": ", 1) for line in lines if line.startswith(("Name: ", "Version: ")))
    if len(fields) == 2:
        return fields["Name"], fields["Version"]
    return found.metadata["Name"], found.metadata["Version"]


def _chosen(by_distribution: dict[str, Plugin]) -> Plugin:
    first, *rivals = sorted(by_distribution)
    return attrs.evolve(by_distribution[first], rivals=tuple(rivals)) if rivals else by_distribution[first]


def load(plugin: Plugin) -> Any:
    """Import what the entry point names.

    Raises:
        LoadFailed: the import failed; the message has the exception's type and, for a missing module, its name.
    """
    from stevedore.named import NamedExtensionManager  # loaded with the first configured channel

    class _Manager(NamedExtensionManager[Any]):
        def list_entry_points(self) -> list[EntryPoint]:
            return [plugin.entry_point]

    failures: list[BaseException] = []
    try:
        manager = _Manager(
            plugin.entry_point.group,
            names=[plugin.type],
            on_load_failure_callback=lambda _manager, _entry_point, error: failures.append(error),
        )
        if not failures:
            return manager.extensions[0].plugin
    except BaseException as error:  # stevedore lets AssertionError and SystemExit through
        if isinstance(error, KeyboardInterrupt):
            raise
        failures.append(error)
    raise LoadFailed(f"{plugin.distribution} {plugin.version} cannot be imported: {_words(failures[0])}")


def _words(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"the module {error.name!r} is missing"
    return f"{type(error).__name__}: {str(error)[:200]}"
