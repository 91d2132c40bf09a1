"""Feeds what takes in others' bytes with made-up ones, each for some seconds; anything uncaught fails.

    python tests/fuzz/run.py [--seconds 60] [target ...]

A failure prints the bytes and the traceback; ``--one TARGET FILE`` runs a target once, with a file's bytes.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import atheris

with atheris.instrument_imports(include=["tocsin", "email", "json", "tomllib"]):
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    from targets import targets


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--one", nargs=2, metavar=("TARGET", "FILE"))
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("targets", nargs="*")
    arguments = parser.parse_args()
    known = targets()
    if arguments.one:
        known[arguments.one[0]][0]()(pathlib.Path(arguments.one[1]).read_bytes())
        return 0
    if arguments.inside:
        return fuzz(known[arguments.inside], arguments.seconds)
    if unknown := set(arguments.targets) - set(known):
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    failed = [name for name in arguments.targets or known if not run(name, arguments.seconds)]
    print(f"failed: {', '.join(failed)}" if failed else "nothing uncaught")
    return 1 if failed else 0


def run(name, seconds):
    """One target in a process of its own; True where nothing was found."""
    command = [sys.executable, __file__, "--seconds", str(seconds), "--inside", name]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    lines = [line for line in (done.stderr + done.stdout).splitlines() if not line.startswith(("INFO", "WARNING"))]
    last = next((line for line in reversed(lines) if line.startswith(("Done", "stat::number_of_executed"))), "")
    print(f"{name:<24} {'ok' if done.returncode == 0 else 'FAILED':<8} {last}", flush=True)
    if done.returncode:
        print("\n".join(lines[-60:]), flush=True)
    return done.returncode == 0


def fuzz(target, seconds):
    make, seeds = target
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds):
            (pathlib.Path(corpus) / str(number)).write_bytes(seed)
        options = [
            f"-max_total_time={seconds}",
            "-timeout=20",
            "-rss_limit_mb=2048",
            "-max_len=8192",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={tempfile.gettempdir()}/", corpus], make())
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
