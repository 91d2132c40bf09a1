"""Whatever a user can meet has a heading in the reference: the code says what there is, the pages say it is told."""

import ast
import inspect
import re

import attrs
import pytest
from tocsin_docs.generators import expand

from tocsin.config import DeliverySettings
from tocsin.discovery import STORES, installed, load
from tocsin.errors import ErrorKind, Outcome
from tocsin.hookspecs import ChannelSpec
from tocsin.registry import ChannelState
from tocsin.resolution import ChannelOptions
from tocsin.store import Readable, Store, Upkeep


@pytest.fixture(scope="module")
def headings(root):
    """Every heading below docs/reference, without its number signs."""
    text = "\n".join(expand(path.read_text(encoding="utf-8")) for path in sorted(root.glob("docs/reference/*.md")))
    return re.findall(r"^#{1,4} (.*)$", text, flags=re.MULTILINE)


def page(root, name):
    return expand((root / "docs" / "reference" / name).read_text(encoding="utf-8"))


def calls(root, function):
    """The arguments of each call of a function anywhere in the core."""
    for path in sorted(root.glob("core/src/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
                yield node


def test_each_hook_has_a_heading_with_its_exact_signature(headings):
    hooks = {name: hook for name, hook in vars(ChannelSpec).items() if hasattr(hook, "tocsin_spec")}

    assert hooks
    for name, hook in hooks.items():
        assert f"`{name}{str(inspect.signature(hook)).replace(chr(39), '')}`" in headings


@pytest.mark.parametrize("port", [Readable, Store, Upkeep])
def test_each_method_of_a_port_has_a_heading(headings, port):
    methods = [name for name, value in vars(port).items() if inspect.isfunction(value) and not name.startswith("_")]

    assert methods
    assert [name for name in methods if f"`{name}`" not in headings] == []


@pytest.mark.parametrize("cls", [DeliverySettings, ChannelOptions])
def test_each_setting_of_the_core_has_a_heading(headings, cls):
    assert {f"`{field.name}`" for field in attrs.fields(cls)} <= set(headings)


def test_each_setting_of_each_plugin_has_a_heading(headings, root):
    from tocsin_docs.manual import manuals

    found = [*manuals(), *manuals(STORES)]
    assert {manual.folder for manual in found} == {path.parent for path in root.glob("plugins/*/pyproject.toml")}
    for manual in found:
        fields = [field for field in attrs.fields(load(installed(manual.group)[manual.type])) if field.init]
        assert len(fields) == len(manual.settings)
        assert {f"`{item.env}`" for item in manual.settings} <= set(headings)


def test_each_error_code_has_one_class_and_a_heading(headings, root):
    found = re.compile(r'^    code(?:: ClassVar\[str\])? = "(TCN-\d+)"', re.MULTILINE)
    codes = [code for path in root.glob("core/src/**/*.py") for code in found.findall(path.read_text(encoding="utf-8"))]

    assert len(codes) == len(set(codes)) > 20
    assert {heading.split()[0] for heading in headings if heading.startswith("TCN-")} == set(codes)


@pytest.mark.parametrize("words", [ErrorKind, Outcome])
def test_each_word_that_classifies_a_failure_is_explained(root, words):
    text = page(root, "errors.md")

    assert [word for word in words if f"| `{word}` |" not in text] == []


def test_each_plugin_state_has_a_heading(headings):
    assert {f"`{state}`" for state in ChannelState} <= set(headings)


def test_each_command_has_a_heading(headings):
    from tocsin_docs.commands import all_commands

    assert {f"`{name}`" for name, _, _ in all_commands()} <= set(headings)


def test_each_option_of_each_command_has_a_help_text():
    from tocsin_docs.commands import all_commands

    silent = [
        f"{name} {parameter.name}"
        for name, command, _ in all_commands()
        for parameter in command.params
        if parameter.param_type_name == "option" and not parameter.help
    ]
    assert silent == []


def test_each_log_event_and_key_is_listed(root):
    text = page(root, "logs.md")
    events = [call for call in calls(root, "event") if len(call.args) > 1]
    constants = {node.value for call in events for node in ast.walk(call.args[1]) if isinstance(node, ast.Constant)}
    keys = {keyword.arg for call in events for keyword in call.keywords}

    assert constants
    assert [word for word in sorted(constants | keys) if f"`{word}`" not in text] == []


def test_each_public_name_is_described(root):
    import tocsin

    everything = "\n".join(expand(path.read_text(encoding="utf-8")) for path in root.glob("docs/reference/*.md"))

    assert [name for name in tocsin.__all__ if not re.search(rf":: tocsin\.{name}$", everything, re.MULTILINE)] == []


def test_each_public_name_has_a_docstring():
    import tocsin

    assert [name for name in tocsin.__all__ if not inspect.getdoc(getattr(tocsin, name))] == []
