"""Who may import whom, where a list of names in a configuration would have to grow with each plugin."""

import ast
import subprocess
import sys

HEAVY = ["click", "requests", "rich", "stevedore", "structlog", "twilio", "urllib3"]
# A formatter turns an alert into a payload and touches nothing else.
IMPURE = {"os", "random", "requests", "smtplib", "socket", "ssl", "time", "tocsin.http", "urllib3", "uuid"}


def imports(path):
    """Each absolute import of a module as a dotted name, `from a import b` as `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name, package):
    return name == package or name.startswith(f"{package}.")


def test_importing_tocsin_loads_nothing_heavy():
    code = f"import sys, tocsin; print(*sorted(set(sys.modules) & {set(HEAVY)!r}))"

    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split() == []


def test_delivering_an_alert_loads_only_what_it_needs():
    code = f"""if True:
        import sys
        from tocsin import Alert, NotificationConfig, NotificationService
        with NotificationService(NotificationConfig()) as service:
            service.add_channel("handler", lambda alert: None)
            assert service.send_notification(Alert(title="t", message="m")).is_complete
        print(*sorted(set(sys.modules) & ({set(HEAVY)!r} - {{"stevedore"}} | {{"asyncio"}})))
    """

    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split() == []


def test_the_core_imports_no_plugin(root):
    names = [name for path in root.glob("core/src/**/*.py") for name in imports(path)]

    assert [name for name in names if name.startswith("tocsin_")] == []


def test_a_plugin_imports_no_other_plugin(plugin):
    names = [name for path in plugin.glob("src/**/*.py") for name in imports(path)]

    assert [name for name in names if name.startswith("tocsin_") and not within(name, f"tocsin_{plugin.name}")] == []


def test_a_plugin_imports_only_public_names_of_the_core(plugin):
    names = [name for path in plugin.glob("src/**/*.py") for name in imports(path) if within(name, "tocsin")]

    assert [name for name in names if any(part.startswith("_") for part in name.split("."))] == []


def test_a_formatter_is_a_pure_function(channel_plugin):
    names = list(imports(channel_plugin / "src" / f"tocsin_{channel_plugin.name}" / "format.py"))

    assert [name for name in names if any(within(name, module) for module in IMPURE)] == []


def test_a_plugin_neither_sleeps_nor_reads_the_environment(plugin):
    """Waiting, limits and settings are the core's; a simulator stands outside this rule."""
    modules = [path for path in plugin.glob("src/**/*.py") if path.stem != "simulator"]
    nodes = [node for path in modules for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    used = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    used |= {name for path in modules for name in imports(path)}

    assert not used & {"os.environ", "os.getenv", "time.sleep"}
