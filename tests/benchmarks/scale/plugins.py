"""Start-up with 1 to 50 plugins installed: distributions that exist only for this, none of them configured."""

import os
import subprocess
import sys
import tempfile
import time

from .curve import Curve

__all__ = ["curve"]

_SIZES = (1, 5, 10, 25, 50)
_MEANS = (
    "A start reads what each installed distribution says of itself and imports only what is configured; the metadata "
    "of every distribution on the path is read, whoever it belongs to. Fifty plugins are no reason to do anything."
)
_CODE = "from tocsin import NotificationConfig, NotificationService; NotificationService(NotificationConfig()).close()"


def curve(bench):
    series = {"empty interpreter": [], "build a service": [], "tocsin --help": [], "tocsin plugins": []}
    commands = {
        "empty interpreter": ["-c", "pass"],
        "build a service": ["-c", _CODE],
        "tocsin --help": ["-m", "tocsin", "--help"],
        "tocsin plugins": ["-m", "tocsin", "plugins"],
    }
    for size in _SIZES:
        with tempfile.TemporaryDirectory() as folder:
            for index in range(size):
                _install(folder, f"example-{index}")
            environ = os.environ | {"PYTHONPATH": folder}
            for name, arguments in commands.items():
                series[name].append(_least(arguments, environ, 3 if bench.quick else 9))
    yield Curve("plugins", "Plugins installed", "plugins", "ms", _SIZES, series, _MEANS)


def _install(folder, name):
    """A distribution with one channel type, as an installer leaves it."""
    module, metadata = name.replace("-", "_"), os.path.join(folder, f"{name.replace('-', '_')}-1.0.dist-info")
    os.makedirs(metadata)
    files = {
        os.path.join(folder, f"{module}.py"): "class Channel:\n    pass\n",
        os.path.join(metadata, "METADATA"): f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        os.path.join(metadata, "entry_points.txt"): f"[tocsin.channels]\n{name} = {module}:Channel\n",
        os.path.join(metadata, "RECORD"): "",
    }
    for path, text in files.items():
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def _least(arguments, environ, times):
    least = float("inf")
    for _ in range(times):
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ
        )
        least = min(least, time.perf_counter() - begun)
    return least * 1e3
