"""What the documentation promises is held by tests that exist, and shown as the code has it."""

import ast
import re

import pytest
from tocsin_docs.promises import SECTIONS, all_promises, states, transitions

from tocsin.report import DeliveryState
from tocsin.store import TRANSITIONS


def functions_in(root, path):
    """The tests of a file, and its classes; a subclass of the core's suite has that one's too.

    A class stands for all its rules where it is a state machine.
    """
    for node in ast.parse((root / "tests" / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield node.name
            yield from (child.name for child in node.body if isinstance(child, ast.FunctionDef))
            if "StoreContract" in map(ast.unparse, node.bases):
                yield from suite(root)


def suite(root):
    for path in root.glob("core/src/tocsin/testing/store/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield node.name


@pytest.mark.parametrize("promise", all_promises(), ids=lambda promise: promise.says)
def test_each_test_that_holds_a_promise_exists(root, promise):
    assert promise.where in SECTIONS
    assert promise.tests
    for test in promise.tests:
        path, _, name = test.partition("::")
        assert (root / "tests" / path).exists()
        assert name.startswith("test_") or name.endswith("Machine")
        assert name in set(functions_in(root, path))


def test_each_promise_is_told_once():
    sentences = [promise.says for promise in all_promises()]

    assert [sentence for sentence in sentences if sentences.count(sentence) > 1] == []


def test_each_state_and_each_transition_has_a_row():
    assert [state for state in DeliveryState if f"| `{state}` |" not in states()] == []
    assert transitions().count("\n") == len(TRANSITIONS) + 1


def test_the_picture_of_the_states_has_every_way_and_no_other(root):
    picture = (root / "docs" / "explanation" / "states.svg").read_text(encoding="utf-8")
    drawn = [tuple(way.split()) for way in re.findall(r'data-way="([^"]*)"', picture)]

    assert len(drawn) == len(set(drawn))
    assert set(drawn) == {(str(one.before or "new"), str(one.after)) for one in TRANSITIONS}
