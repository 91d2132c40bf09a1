"""All distributions are released together; core/pyproject.toml is the source, `nox -s version` the pen."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement


def project(folder):
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def core(root):
    return project(root / "core")


def test_a_plugin_has_the_version_of_the_core(core, plugin):
    assert project(plugin)["version"] == core["version"]


def test_a_plugin_supports_the_pythons_of_the_core(core, plugin):
    def pythons(metadata):
        return [entry for entry in metadata["classifiers"] if entry.startswith("Programming Language")]

    assert project(plugin)["requires-python"] == core["requires-python"]
    assert pythons(project(plugin)) == pythons(core)


def test_a_plugin_depends_on_this_series_of_the_core(core, plugin):
    """A lower and an upper bound: a core that breaks the contract is not picked up by an old plugin."""
    requirements = [Requirement(text) for text in project(plugin)["dependencies"]]
    (on_core,) = [requirement for requirement in requirements if requirement.name == "tocsin"]

    assert on_core.specifier.contains(core["version"])
    assert sorted(bound.operator for bound in on_core.specifier) == ["<", ">="]


def test_a_plugin_is_found_under_its_own_name(plugin):
    metadata = project(plugin)
    names = {name for entries in metadata["entry-points"].values() for name in entries}
    modules = [module for entries in metadata["entry-points"].values() for module in entries.values()]

    assert metadata["name"] == f"tocsin-{plugin.name}"
    assert names == {plugin.name}
    assert [
        module for module in modules if not module.startswith((f"tocsin_{plugin.name}:", f"tocsin_{plugin.name}."))
    ] == []


def test_a_channel_comes_with_its_simulator(channel_plugin):
    groups = project(channel_plugin)["entry-points"]

    assert list(groups["tocsin.channels"]) == list(groups["tocsin.simulators"]) == [channel_plugin.name]
    assert groups["tocsin.channels"][channel_plugin.name].startswith(f"tocsin_{channel_plugin.name}:")
    assert groups["tocsin.simulators"][channel_plugin.name].startswith(f"tocsin_{channel_plugin.name}.simulator:")


def test_every_plugin_offers_a_simulator_extra(plugin):
    """So that `tocsin-x[simulator]` can be asked for without knowing x."""
    assert "simulator" in project(plugin)["optional-dependencies"]


def test_no_module_repeats_the_version(module):
    assert not re.search(r"^__version__\s*(?::\s*\w+\s*)?=\s*[\"']\d", module.read_text(encoding="utf-8"), re.MULTILINE)
