"""The plugins' own simulators in one process: strict about what they take, one recipient each."""

import contextlib
import json
import sys

from benchmarks.marks import DIGITS, PREFIX


def main():
    from tocsin.discovery import SIMULATORS, installed

    with contextlib.ExitStack() as stack:
        simulators = {
            name: stack.enter_context(plugin.entry_point.load()()) for name, plugin in installed(SIMULATORS).items()
        }
        facts = {name: {"settings": one.settings(), "addresses": one.addresses()} for name, one in simulators.items()}
        _say(facts)
        for line in sys.stdin:
            order = json.loads(line)
            if "reset" in order:
                for simulator in simulators.values():
                    with simulator._lock:
                        simulator._received.clear()
                        getattr(simulator, "requests", []).clear()
            marks = {name: [_mark_of(one.text) for one in each.received()] for name, each in simulators.items()}
            found = {name: len({mark for mark in listed if mark}) for name, listed in marks.items()}
            _say({"distinct": sum(found.values()), "by_type": found})


def _mark_of(text):
    at = text.find(PREFIX)
    return text[at : at + len(PREFIX) + DIGITS] if at >= 0 else None


def _say(words):
    sys.stdout.write(json.dumps(words, default=str) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
