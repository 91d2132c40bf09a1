"""A suppression names its rule and carries its reason; nobody can check one that does not."""

import io
import re
import tokenize

import pytest

SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore|ruff:\s*noqa|mypy:)", re.IGNORECASE)
REASONED = re.compile(
    r"#\s*(?:"
    r"(?:ruff:\s*)?noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*"
    r"|type:\s*ignore\[[\w,\s-]+\]"
    r"|mypy:\s*[\w-]+=\"?[\w,\s-]+\"?"
    r")\s*(?:--|#)\s*\w.*",
)


def unreasoned(source):
    """The comments of a module that suppress something without rule or reason, each with its line."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        found = SUPPRESSION.search(token.string)
        if found and not REASONED.match(token.string, found.start()):
            yield f"{token.start[0]}: {token.string}"


def test_each_suppression_has_a_rule_and_a_reason(python_file):
    assert list(unreasoned(python_file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("comment", "complete"),
    [
        ("noqa: S104 -- the receiver must be reachable from outside", True),
        ("noqa: S104, B008  # both mean the same line", True),
        ("type: ignore[import-untyped]  # the client ships no types", True),
        ("type: ignore[attr-defined]  # set by the server  # noqa: B010 -- as above", True),
        ("noqa", False),
        ("noqa: S104", False),
        ("noqa S104 -- reason", False),
        ("type: ignore", False),
        ("type: ignore[attr-defined]", False),
        ("type: ignore  # reason", False),
        ("says why, and suppresses nothing", True),
    ],
)
def test_the_check_itself(comment, complete):
    assert (list(unreasoned(f"x = 1  # {comment}\n")) == []) is complete
