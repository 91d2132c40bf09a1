"""The tree is the one that newcomers are told about."""

FILES = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "noxfile.py",
    "pyproject.toml",
}
FOLDERS = {"core", "docs", "plugins", "tests"}
TEST_FOLDERS = {
    "architecture",
    "benchmarks",
    "contract",
    "core",
    "docs",
    "faults",
    "fuzz",
    "plugins",
    "services",
    "system",
    "typing",
}


def test_nothing_else_stands_at_the_top(top_level):
    visible = {name for name in top_level if not name.startswith(".")}

    assert visible <= FILES | FOLDERS


def test_everything_announced_is_there(root):
    missing = {name for name in FILES if not (root / name).is_file()}
    missing |= {name for name in FOLDERS if not (root / name).is_dir()}

    assert not missing


def test_tests_are_sorted_into_the_known_kinds(root, files):
    inside = [path.relative_to(root / "tests").parts for path in files if path.is_relative_to(root / "tests")]

    assert {parts[0] for parts in inside if len(parts) > 1} <= TEST_FOLDERS


def test_each_plugin_has_the_same_few_files(plugin):
    package = plugin / "src" / f"tocsin_{plugin.name}"
    expected = [plugin / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    expected += [package / name for name in ("__init__.py", "py.typed")]

    assert [path.relative_to(plugin).as_posix() for path in expected if not path.is_file()] == []


def test_each_channel_has_a_sender_and_a_formatter(channel_plugin):
    package = channel_plugin / "src" / f"tocsin_{channel_plugin.name}"

    assert [name for name in ("channel.py", "format.py") if not (package / name).is_file()] == []


def test_each_plugin_has_its_tests(root, plugin):
    assert list((root / "tests" / "plugins" / plugin.name).glob("test_*.py"))


def test_every_distribution_carries_the_licence(root, distributions):
    text = (root / "LICENSE").read_text(encoding="utf-8")

    assert [folder.name for folder in distributions if (folder / "LICENSE").read_text(encoding="utf-8") != text] == []
