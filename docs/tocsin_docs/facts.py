"""The facts of a provider that a channel keeps to, and the test that holds each: `facts.toml` beside its tests."""

from __future__ import annotations

import re
import tomllib

import attrs

from tocsin_docs.manual import ROOT, Manual, manuals

__all__ = ["Fact", "fact_links", "fact_pages", "facts_of", "pointer"]


@attrs.frozen
class Fact:
    """One fact.

    Attributes:
        says: the fact, in one sentence.
        source: address of the provider's document.
        tests: `file::function`, below the folder of the plugin's tests.
    """

    says: str
    source: str
    tests: list[str]


def facts_of(manual: Manual) -> list[Fact]:
    """In the order of the file; none where there is no file."""
    path = ROOT / "tests" / "plugins" / manual.folder.name / "facts.toml"
    if not path.exists():
        return []
    return [Fact(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["fact"]]


def fact_pages() -> dict[str, str]:
    """The page of each channel type that has facts, by its name."""
    return {manual.type: _page(manual, found) for manual in manuals() if (found := facts_of(manual))}


def fact_links() -> str:
    """A list of the pages, and their place in the navigation."""
    counts = {manual.type: len(found) for manual in manuals() if (found := facts_of(manual))}
    lines = [f"- {{ref}}`{name} <facts-{name}>`: {count} facts" for name, count in counts.items()]
    toctree = ["```{toctree}", ":hidden:", "", *(f"facts/{name}" for name in counts), "```"]
    return "\n".join([*lines, "", *toctree]) if counts else ""


def pointer(manual: Manual) -> list[str]:
    """The lines of a channel's page that lead to its facts."""
    found = facts_of(manual)
    if not found:
        return []
    words = f"{len(found)} documented facts of the provider are kept to, each held by a test"
    return [f"{words}: {{ref}}`facts-{manual.type}`.", ""]


def _page(manual: Manual, found: list[Fact]) -> str:
    folder = f"tests/plugins/{manual.folder.name}"
    lines = [
        f"(facts-{manual.type})=",
        f"# Facts: {manual.type}",
        "",
        f"What the provider documents, and the test in `{folder}` that fails when the channel no longer keeps to it.",
        f"The manual: {{ref}}`channel-{manual.type}`.",
        "",
        "::::{container} tocsin-facts",
        *map(_item, found),
        "::::",
        "",
    ]
    return "\n".join(lines)


def _item(fact: Fact) -> str:
    """The fact, and below it each test on a line of its own."""
    return "\\\n   ".join([f"1. {_escaped(fact.says)} ([source](<{fact.source}>))", *(f"`{t}`" for t in fact.tests)])


def _escaped(text: str) -> str:
    return re.sub(r"([|<>*_`\\\[\]{}$])", r"\\\1", " ".join(text.split()))
