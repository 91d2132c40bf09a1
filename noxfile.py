"""What is run to show, check and build Tocsin: `nox -l` lists it, `nox` runs the checks."""

from __future__ import annotations

import os
import pathlib
import re
import shutil

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["tests", "types", "lint", "layers", "docs"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_external_run = True
# `matrix` says which interpreter it did not find and goes on; nothing is fetched behind one's back.
nox.options.error_on_missing_interpreters = False
nox.options.download_python = "never"


WORKSPACE = nox.project.load_toml("pyproject.toml")
CORE = nox.project.load_toml("core/pyproject.toml")
SUPPORTED = nox.project.python_versions(CORE)
DISTRIBUTIONS = [
    pathlib.Path("core"),
    *sorted(path.parent for path in pathlib.Path("plugins").glob("*/pyproject.toml")),
]
PLUGINS = [folder.name for folder in DISTRIBUTIONS[1:]]
DIST = pathlib.Path("dist")


def group(name: str) -> list[str]:
    """The requirements of a dependency group; works with every installer."""
    return list(nox.project.dependency_groups(WORKSPACE, name))


def install_workspace(session: nox.Session, *requirements: str, extras: str = "testing,rich") -> None:
    """Install the core and every plugin from this checkout, editable."""
    editable = [f"./core[{extras}]", *(f"./plugins/{plugin}[simulator]" for plugin in PLUGINS)]
    session.install(*(part for path in editable for part in ("-e", path)), *requirements)


@nox.session(tags=["show"])
def demo(session: nox.Session) -> None:
    """Send two alerts through every channel to local receivers."""
    install_workspace(session, extras="http,rich")

    session.run("tocsin", "demo", *session.posargs)


@nox.session(tags=["check"])
def tests(session: nox.Session) -> None:
    """Run the tests on nox's own Python; arguments go to pytest."""
    install_workspace(session, *group("tests"))

    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session(python=SUPPORTED, tags=["matrix"])
def matrix(session: nox.Session) -> None:
    """Run the tests on every supported Python that is installed."""
    install_workspace(session, *group("tests"))

    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests under coverage and print what they miss."""
    install_workspace(session, *group("tests"))

    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def faults(session: nox.Session) -> None:
    """Run the rows of the fault table and print their figures.

    `-- --long` for sizes ten times as large, `-- --figures FILE`, `-- --soak MINUTES`, or a test to run.
    """
    install_workspace(session, *group("tests"))

    soak, long = ("--soak" in session.posargs, "--long" in session.posargs)
    named = any(argument.startswith("tests/") for argument in session.posargs)
    chosen = [] if named else ["tests/faults/durable/test_soak.py" if soak else "tests/faults"]
    patience = 36_000 if soak or long else 600  # seconds that one test may take
    session.run("pytest", "-o", f"faulthandler_timeout={patience}", *chosen, *session.posargs)


@nox.session
def services(session: nox.Session) -> None:
    """Run what needs PostgreSQL, Redis and RabbitMQ, which `.ci/services` starts; fails where one is missing."""
    install_workspace(session, *group("tests"))

    where = os.environ.get("TOCSIN_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432")
    options = ["-s", "-o", "faulthandler_timeout=300"]
    session.run("pytest", *options, "tests/services", *session.posargs, env={"TOCSIN_TEST_POSTGRESQL": where})


@nox.session
def bench(session: nox.Session) -> None:
    """Measure Tocsin beside its peers and print the ratios; `-- --help` tells the options, like `--quick`."""
    install_workspace(session, *group("bench"))
    peers = pathlib.Path(session.virtualenv.location, "peers")
    python = peers / pathlib.Path(session.bin).name / "python"
    if not peers.is_dir():
        session.run("python", "-m", "venv", str(peers), silent=True)
    session.run(str(python), "-m", "pip", "install", "--quiet", *group("bench-peers"), external=True)

    options = ["--peers", str(python), *session.posargs]
    session.run("python", "-m", "benchmarks", *options, env={"PYTHONPATH": "tests"})


@nox.session
def fuzz(session: nox.Session) -> None:
    """Feed what takes in others' bytes with made-up ones, a minute each; `-- --seconds 600`, or targets by name."""
    install_workspace(session, *group("fuzz"))

    session.run("python", "tests/fuzz/run.py", *session.posargs)


@nox.session(tags=["build"])
def wheels(session: nox.Session) -> None:
    """Build sdists, and from them wheels, of all distributions into dist/."""
    session.install(*group("wheels"))

    shutil.rmtree(DIST, ignore_errors=True)
    for folder in DISTRIBUTIONS:
        session.run("python", "-m", "build", "--no-isolation", "--outdir", str(DIST), str(folder))


@nox.session(requires=["wheels"], reuse_venv=False, tags=["matrix"])
@nox.parametrize("plugin", [nox.param(plugin, id=plugin) for plugin in PLUGINS])
def alone(session: nox.Session, plugin: str) -> None:
    """Test one plugin with nothing but the core beside it, from wheels."""
    session.install(f"{wheel('tocsin')}[testing]", f"{wheel(f'tocsin_{plugin}')}[simulator]", *group("plugin-tests"))

    session.run("python", "-c", ONLY, "tocsin", f"tocsin-{plugin}")
    session.run("pytest", "-n", "auto", f"tests/plugins/{plugin}", *session.posargs)


ONLY = """
import sys
from importlib.metadata import distributions

found = sorted(name for dist in distributions() if (name := dist.name.lower().replace("_", "-")).startswith("tocsin"))
print("installed:", *found)
sys.exit(found != sys.argv[1:] and f"expected only: {' '.join(sys.argv[1:])}")
"""


def wheel(name: str) -> str:
    """The path of the one wheel that `wheels` built for a distribution."""
    (path,) = DIST.glob(f"{name}-*.whl")
    return f"./{path.as_posix()}"


@nox.session(tags=["check"])
def types(session: nox.Session) -> None:
    """Check the types, strictly; the paths stand in pyproject.toml."""
    install_workspace(session, *group("types"))

    session.run("mypy", *session.posargs)


@nox.session(tags=["check"])
def lint(session: nox.Session) -> None:
    """Check style and format; `nox -s lint -- --fix` repairs both."""
    session.install(*group("lint"))

    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", *([] if "--fix" in session.posargs else ["--check"]))


@nox.session(tags=["check"])
def layers(session: nox.Session) -> None:
    """Check which module may import which."""
    session.install("-e", "./core", *group("layers"))

    session.run("lint-imports", "--no-logo", *session.posargs)


@nox.session(tags=["check"])
def docs(session: nox.Session) -> None:
    """Build the documentation into docs/_build/html; a warning is an error."""
    install_workspace(session, *group("docs"))

    session.run("pytest", "tests/docs")
    for builder in session.posargs or ["html"]:
        options = f"-T -E -W --keep-going -b {builder} -d docs/_build/doctrees"
        session.run("python", "-Im", "sphinx", *options.split(), "docs", f"docs/_build/{builder}")


@nox.session(tags=["build"])
def pictures(session: nox.Session) -> None:
    """Take the docs' pictures of what arrives anew, with Chromium; `-- --all` or `-- --check`."""
    install_workspace(session, *group("pictures"))

    session.run("python", "-m", "tocsin_docs.pictures", *session.posargs, env={"PYTHONPATH": "docs"})


@nox.session(venv_backend="none", tags=["build"])
def version(session: nox.Session) -> None:
    """Write a version everywhere it stands: `nox -s version -- 1.2.3`."""
    new = session.posargs[0] if session.posargs else ""
    if not (parts := re.fullmatch(r"(\d+)\.(\d+)\.\d+", new)):
        session.error("say which version: nox -s version -- MAJOR.MINOR.PATCH")
    major, minor = map(int, parts.groups())
    # Before 1.0 a minor release may break a plugin, afterwards only a major one.
    core = f">={major}.{minor},<{f'{major}.{minor + 1}' if major == 0 else major + 1}"
    for folder in DISTRIBUTIONS:
        path = folder / "pyproject.toml"
        text = path.read_text(encoding="utf-8")
        text = re.sub(r'^version = "[^"]*"$', f'version = "{new}"', text, count=1, flags=re.MULTILINE)
        text = re.sub(r'"(tocsin(?:\[[\w,]+\])?)>=[^"]*"', rf'"\1{core}"', text)
        path.write_text(text, encoding="utf-8", newline="\n")
        session.log(f"{path}: {new}")
