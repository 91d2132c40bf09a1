"""Each channel lists what its provider documents, and the tests that hold it; a test that is named exists."""

import ast
import re
import tomllib

KEYS = {"says", "source", "tests"}


def facts_of(root, channel_plugin):
    path = root / "tests" / "plugins" / channel_plugin.name / "facts.toml"
    assert path.is_file(), "the list of what the provider documents, and of the tests that hold it"
    return tomllib.loads(path.read_text(encoding="utf-8"))["fact"]


def functions_in(root, path):
    """The tests of a file, as they may stand behind its `::`, with their class or without.

    A subclass of the contract suite has the suite's tests too.
    """
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            names = {child.name for child in node.body if isinstance(child, ast.FunctionDef)}
            names |= contract(root) if "ChannelContract" in map(ast.unparse, node.bases) else set()
            yield from (written for name in names for written in (name, f"{node.name}::{name}"))


def contract(root):
    modules = root.glob("core/src/tocsin/testing/contract/*.py")
    nodes = [node for path in modules for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


def test_each_fact_says_what_and_where_it_is_documented_and_what_holds_it(root, channel_plugin):
    facts = facts_of(root, channel_plugin)

    assert facts
    assert [fact for fact in facts if set(fact) != KEYS or not all(fact.values())] == []
    assert [fact["source"] for fact in facts if not re.fullmatch(r"https://\S+", fact["source"])] == []


def test_each_fact_is_listed_once(root, channel_plugin):
    sentences = [fact["says"] for fact in facts_of(root, channel_plugin)]

    assert [sentence for sentence in sentences if sentences.count(sentence) > 1] == []


def test_each_test_that_holds_a_fact_exists(root, channel_plugin):
    folder = root / "tests" / "plugins" / channel_plugin.name
    there = {f"{path.name}::{name}" for path in folder.glob("test_*.py") for name in functions_in(root, path)}
    named = {name for fact in facts_of(root, channel_plugin) for name in fact["tests"]}

    assert sorted(name for name in named - there) == []
    assert all(name.rpartition("::")[2].startswith("test_") for name in named)
