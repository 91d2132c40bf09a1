"""What the architecture tests look at, found by glob: a new plugin or module is checked without a line changed here.

A test that takes `module`, `python_file`, `plugin` or `channel_plugin` runs once for each of them.
"""

import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
DISTRIBUTIONS = [ROOT / "core", *PLUGINS]
CHANNELS = [folder for folder in PLUGINS if '"tocsin.channels"' in (folder / "pyproject.toml").read_text("utf-8")]


def tracked(*options: str) -> list[pathlib.Path]:
    """The files git knows, or nothing where there is no git (a downloaded archive)."""
    command = ["git", "ls-files", "-z", *options]
    try:
        listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        return []
    return sorted(ROOT / name for name in set(listing.split("\0")) if name and (ROOT / name).is_file())


def sources() -> list[pathlib.Path]:
    """Every file that belongs to the project, also one that is about to be added."""
    known = tracked("--cached", "--others", "--exclude-standard")
    return known or sorted(
        path for folder in ("core", "plugins", "tests", "docs") for path in ROOT.glob(f"{folder}/**/*.*")
    )


SOURCES = sources()
PYTHON_FILES = [path for path in SOURCES if path.suffix == ".py"]
MODULES = sorted(path for folder in DISTRIBUTIONS for path in folder.glob("src/**/*.py"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each thing that it names as its argument."""
    things = {"module": MODULES, "python_file": PYTHON_FILES, "plugin": PLUGINS, "channel_plugin": CHANNELS}
    for name, paths in things.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, paths, ids=[path.relative_to(ROOT).as_posix() for path in paths])


@pytest.fixture(scope="session")
def root() -> pathlib.Path:
    """The top of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def files() -> list[pathlib.Path]:
    """Every file of the project."""
    return SOURCES


@pytest.fixture(scope="session")
def distributions() -> list[pathlib.Path]:
    """The folders that hold a distribution, the core's first."""
    return DISTRIBUTIONS


@pytest.fixture(scope="session")
def plugins() -> list[pathlib.Path]:
    """The folders of the plugins."""
    return PLUGINS


@pytest.fixture(scope="session")
def top_level() -> set[str]:
    """The names git tracks at the top; without git, those on disk."""
    return {path.relative_to(ROOT).parts[0] for path in tracked() or SOURCES}
