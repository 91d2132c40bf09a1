"""The code blocks of a page, and why one of them is not run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import attrs

__all__ = ["Block", "blocks_of", "read_page"]

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<info>.*)$")
_DIRECTIVE = re.compile(r"\{(?P<name>[\w-]+)\}\s*(?P<argument>.*)")
_COMMENT = re.compile(r"^ *<!-- (?P<word>not run|output|wrong on purpose)(?:: (?P<reason>.*\S))? -->$")
_OPTION = re.compile(r"^:(?P<name>[\w-]+):\s*(?P<value>.*)$")


@attrs.frozen
class Block:
    """One fenced block.

    Attributes:
        language: as it stands behind the backticks, or behind `{code-block}`.
        code: without indentation and options.
        line: of its first line of code, counted from 1.
        file: the caption, which names the file that the block is.
        is_wrong: it shows a mistake; as a file it is written and not checked.
        not_run: the reason why it is only shown.
        is_output: it shows what the Python block before it prints.
    """

    language: str
    code: str
    line: int
    file: str | None = None
    not_run: str | None = None
    is_output: bool = False
    is_wrong: bool = False


def read_page(path: Path) -> str:
    """The text of a page; of a module its docstring, moved to the lines where it stands."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text
    module = ast.parse(text)
    docstring = ast.get_docstring(module, clean=False) or ""
    return "\n" * (module.body[0].lineno - 1) + docstring if docstring else ""


def blocks_of(text: str) -> Iterator[Block]:
    """Every fenced block of a page, in order; the contents of a directive that is no code block are searched too."""
    yield from _blocks(text.splitlines(), 0)


def _blocks(lines: list[str], offset: int) -> Iterator[Block]:
    position = 0
    while position < len(lines):
        opened = _FENCE.match(lines[position])
        if opened is None:
            position += 1
            continue
        end = _end(lines, position, opened)
        body = [line.removeprefix(opened["indent"]) for line in lines[position + 1 : end]]
        comment = _COMMENT.match(lines[position - 1]) if position else None
        yield from _block(opened["info"].strip(), body, offset + position + 1, comment)
        position = end + 1


def _end(lines: list[str], start: int, opened: re.Match[str]) -> int:
    for position in range(start + 1, len(lines)):
        if re.fullmatch(rf" *{opened['ticks']}`*", lines[position]):
            return position
    raise ValueError(f"line {start + 1}: the fence is not closed")


def _block(info: str, body: list[str], offset: int, comment: re.Match[str] | None) -> Iterator[Block]:
    directive = _DIRECTIVE.fullmatch(info)
    if directive is not None and directive["name"] not in ("code-block", "code"):
        yield from _blocks(body, offset)
        return
    options: dict[str, str] = {}
    while directive is not None and body and (option := _OPTION.match(body[0])):
        options[option["name"]] = option["value"]
        body, offset = body[1:], offset + 1
    if options and body and not body[0].strip():
        body, offset = body[1:], offset + 1
    yield Block(
        language=directive["argument"] if directive else info.partition(" ")[0],
        code="\n".join(body) + "\n",
        line=offset + 1,
        file=options.get("caption"),
        not_run=(comment["reason"] or "") if comment and comment["word"] == "not run" else None,
        is_output=comment is not None and comment["word"] == "output",
        is_wrong=comment is not None and comment["word"] == "wrong on purpose",
    )
