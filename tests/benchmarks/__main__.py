"""The command: measures, prints the table, and writes what it is asked to write."""

import argparse
import fnmatch
import json
import os
import pathlib
import platform
import shutil
import sys
import time
import traceback

from .bench import Bench
from .ceiling import ceilings
from .figures import as_json, table
from .rows import ROWS
from .scale import CURVES


def _arguments():
    parser = argparse.ArgumentParser(prog="nox -s bench --", description="Measure Tocsin beside its peers.")
    parser.add_argument("--only", metavar="NAME", action="append", help="these rows or curves (a pattern); repeatable")
    parser.add_argument("--quick", action="store_true", help="small sizes and 3 rounds: whether it works, not how fast")
    parser.add_argument("--rounds", type=int, help="of each contest; 5 by default")
    parser.add_argument("--profile", action="store_true", help="also where the time goes")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write every round's figures")
    parser.add_argument("--scale", action="store_true", help="also how cost grows")
    parser.add_argument("--long", action="store_true", help="the curves to their largest sizes")
    parser.add_argument(
        "--write-docs", action="store_true", help="write the page and its plots; implies --scale and --profile"
    )
    parser.add_argument("--peers", metavar="PYTHON", type=pathlib.Path, help="interpreter that has the peers installed")
    parser.add_argument("--list", action="store_true", help="list the names of rows and curves")
    return parser.parse_args()


def main():
    options = _arguments()
    if options.list:
        print("rows:", *ROWS, "\ncurves:", *CURVES)
        return 0
    rounds = options.rounds or (3 if options.quick else 5)
    kept = {
        "rounds": rounds,
        "quick": options.quick,
        "long": options.long,
        "profiling": options.profile or options.write_docs,
    }
    begun, figures, curves, failures = time.monotonic(), [], [], []
    with Bench(peers=_peers(options.peers), say=_say, **kept) as bench:
        limits = ceilings(bench)
        _tell_ceilings(bench, limits)
        for name in _chosen(ROWS, options.only):
            figures += _measured(name, ROWS[name], bench, failures)
        wants_curves = options.scale or options.write_docs or options.long
        for name in _chosen(CURVES, options.only) if wants_curves or options.only else ():
            curves += _measured(name, CURVES[name], bench, failures)
    _print(figures, curves, bench.profiles, failures)
    _say(f"{time.monotonic() - begun:.0f} s")
    about = _about(limits, kept)
    if options.json:
        content = {
            "about": about,
            "figures": as_json(figures),
            "curves": [curve.plain() for curve in curves],
            "profiles": bench.profiles,
            "failures": failures,
        }
        options.json.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if options.write_docs:
        from .page import write

        write(figures, curves, about, bench.profiles)
    return 1 if failures else 0


def _peers(path):
    found = shutil.which(path) if path else None
    return pathlib.Path(found).absolute() if found else None


def _chosen(names, patterns):
    return [name for name in names if not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]


def _measured(name, row, bench, failures):
    """The row's figures; one that fails does not take the others along."""
    _say(f"{name} …")
    bench.http.reset()
    try:
        return list(row(bench))
    except Exception:
        failures.append(f"{name}: {traceback.format_exc()}")
        return []


def _about(limits, kept):
    return {
        "python": platform.python_version(),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "ceilings": {name: sample.median for name, sample in limits.items()},
        **kept,
    }


def _tell_ceilings(bench, limits):
    print(f"The HTTP sink by itself ({bench.http.facts['loop']}, raw sockets):")
    for name, sample in limits.items():
        print(f"  {sample.median:10,.0f} requests/s ±{sample.spread * 100:.0f} %  {name}")
    sys.stdout.flush()


def _print(figures, curves, profiles, failures):
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    print("", *table(figures, color), *_notes(figures), sep="\n")
    for curve in curves:
        _listed(curve.title, curve.lines())
    for name, lines in profiles.items():
        _listed(f"Where the time goes: {name}", lines)
    for failure in failures:
        print(f"\nFAILED {failure}")


def _notes(figures):
    return [f"  {figure.row}: {figure.note}" for figure in figures if figure.note]


def _listed(title, lines):
    print(f"\n{title}", *(f"  {line}" for line in lines), sep="\n")


def _say(words):
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
