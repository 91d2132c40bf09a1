"""A module or a function that outgrows one screenful of meaning is split."""

import ast

MODULE_LINES = 300
FUNCTION_LINES = 40


def test_modules_stay_under_300_lines(module):
    assert len(module.read_text(encoding="utf-8").splitlines()) < MODULE_LINES


def test_functions_stay_under_40_lines(module):
    tree = ast.parse(module.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    assert [f"{node.name}: {length(node)}" for node in functions if length(node) >= FUNCTION_LINES] == []


def length(function):
    return function.end_lineno - function.lineno + 1
