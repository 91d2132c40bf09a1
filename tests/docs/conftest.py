"""The pages that hold examples, found by glob: a new page or plugin is tested without a line changed here."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))

from tocsin_docs.blocks import blocks_of, read_page  # noqa: E402 -- it is found by the line above

GENERATED = {"_build", "channels", "facts", "stores"}
"""Folders below docs/ that a build writes."""
TEXTS = [
    ROOT / "README.md",
    *(path for path in sorted(DOCS.rglob("*.md")) if not GENERATED & set(path.relative_to(DOCS).parts)),
    *sorted(ROOT.glob("plugins/*/README.md")),
    *sorted(ROOT.glob("plugins/*/src/*/__init__.py")),
]
PAGES = [path for path in TEXTS if any(blocks_of(read_page(path)))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each page that it names as its argument."""
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", PAGES, ids=[path.relative_to(ROOT).as_posix() for path in PAGES])


@pytest.fixture(scope="session")
def root() -> pathlib.Path:
    """The top of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def pages() -> list[pathlib.Path]:
    """Every page that holds examples."""
    return PAGES
