"""Names say what a thing is, and no place but its own names a plugin."""

import ast
import re

MEANINGLESS = {"base", "bases", "common", "helper", "helpers", "misc", "util", "utils"}
# The files that hold code or configuration; prose may name whatever it explains.
CODE = {".cfg", ".ini", ".py", ".sh", ".toml", ".yaml", ".yml", ""}
# Several plugins meet in the system tests, and the lock file lists them.
MAY_NAME_PLUGINS = (
    "core/src/tocsin/storage.py",  # says what to install where a store is asked for and none is there
    "docs/",
    "tests/benchmarks/",
    "tests/faults/",
    "tests/services/",
    "tests/system/",
    "LICENSE",
    "uv.lock",
)


def test_no_module_has_a_name_without_meaning(root, python_file):
    names = {part.removesuffix(".py").strip("_") for part in python_file.relative_to(root).parts}

    assert not names & MEANINGLESS


def test_nothing_outside_a_plugin_names_it(root, files, plugin):
    name = re.compile(rf"\btocsin[_-]{re.escape(plugin.name)}\b")
    own = (f"plugins/{plugin.name}/", f"tests/plugins/{plugin.name}/")
    elsewhere = [path.relative_to(root).as_posix() for path in files if path.suffix in CODE]
    elsewhere = [path for path in elsewhere if not path.startswith(own + MAY_NAME_PLUGINS)]

    assert [path for path in elsewhere if name.search((root / path).read_text(encoding="utf-8"))] == []


def test_the_core_spells_channel_types_in_one_place_only(root, plugins):
    """`AlertChannel` spells the well-known names; everything else in the core takes a channel's name as data."""
    types = {plugin.name for plugin in plugins}
    spelled = {
        f"{path.relative_to(root).as_posix()}:{node.lineno}: {node.value!r}"
        for path in sorted(root.glob("core/src/**/*.py"))
        for node in constants_outside_alert_channel(ast.parse(path.read_text(encoding="utf-8")))
        if node.value in types
    }

    assert spelled == set()


def constants_outside_alert_channel(tree):
    """Every constant of a module except those in the body of `AlertChannel`."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.ClassDef) and node.name == "AlertChannel":
            continue
        if isinstance(node, ast.Constant):
            yield node
        pending.extend(ast.iter_child_nodes(node))
