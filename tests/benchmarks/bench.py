"""What the rows share: sinks, players, rounds that take turns, and the check of what arrived."""

import contextlib
import os
import pathlib
import sys
import tempfile

import attrs
import trustme

from . import sinks
from .figures import Sample
from .players import Player, Refused

__all__ = ["Bench", "Entry", "percentile"]

_TOCSIN = ("tocsin", "loops", "mails", "alertmanager")


@attrs.define
class Entry:
    """One player in a contest.

    Attributes:
        play: called with the first mark's number and how many; returns what the player measured.
        copies: how often each message arrives.
        sink: where.
        count: how many messages; None for the contest's.
    """

    play: object
    copies: int = 1
    sink: object = None
    count: int | None = None


@attrs.define(eq=False, slots=False)
class Bench:
    """One run.

    Attributes:
        rounds: of each contest.
        quick: sizes a fifth as large, for looking whether everything works.
        long: the large sizes of the scale curves.
        profiling: also tell where the time goes.
        peers: the interpreter that has the peers installed; None for none.
        say: told how it goes.
    """

    rounds: int = 5
    quick: bool = False
    long: bool = False
    profiling: bool = False
    peers: pathlib.Path | None = None
    say: object = print
    profiles: dict = attrs.field(factory=dict)
    _number: int = 0
    _stack: contextlib.ExitStack = attrs.field(factory=contextlib.ExitStack)

    def __enter__(self):
        # Nothing here leaves the machine, so no proxy may take it.
        os.environ |= {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
        self.folder = pathlib.Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        self._certify()
        self.http = self._stack.enter_context(sinks.start("http", self.certificate))
        return self

    def __exit__(self, *exc_info):
        self._stack.close()

    def _certify(self):
        """A certificate for loopback, and an authorities' file as one makes it: the usual ones and one's own."""
        import certifi

        authority = trustme.CA()
        self.certificate = self.folder / "server.pem"
        authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(self.certificate)
        usual = pathlib.Path(certifi.where()).read_bytes()
        self.authorities = self.folder / "authorities.pem"
        self.authorities.write_bytes(usual + b"\n" + authority.cert_pem.bytes())

    def size(self, count, least=10):
        """How many, in a run of this kind."""
        return max(least, count // 5) if self.quick else count

    def numbers(self, count):
        """The first of so many numbers that no message has had yet."""
        first = self._number
        self._number += count
        return first

    @contextlib.contextmanager
    def player(self, module, **setup):
        """A player that is set up, for the time of the block; None where its peer is not installed."""
        own = module in _TOCSIN
        if not own and self.peers is None:
            yield None
            return
        player = Player(module, sys.executable if own else self.peers)
        try:
            player("setup", **setup)
            yield player
        finally:
            player.close()

    def contest(self, entries, count, rounds=None):
        """Let the players take turns, each round in another order.

        Returns:
            What each measured, a list of rounds by name.

        Raises:
            Refused: the sink did not get exactly what was sent.
        """
        entries = {name: entry for name, entry in entries.items() if entry is not None}
        results = {name: [] for name in entries}
        names = list(entries)
        for turn in range((rounds or self.rounds) + 1):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                # The first time is for connections, caches and threads, and does not count.
                results[name].append(self._play(name, entries[name], count if turn else self.size(count // 4, 5)))
        return {name: listed[1:] for name, listed in results.items()}

    def _play(self, name, entry, count):
        count = entry.count or count
        first = self.numbers(count)
        sink = entry.sink or self.http
        before = sink.count()["distinct"]
        result = entry.play(first, count)
        arrived = sink.count()
        if arrived["distinct"] - before != count * entry.copies:
            raise Refused(f"{name}: sent {count} × {entry.copies}, and {arrived['distinct'] - before} arrived")
        return result | {"count": count, "arrived": arrived}

    def profile(self, row, player, method, **arguments):
        """Keep where the CPU goes, with ``--profile``."""
        if self.profiling:
            count = arguments["count"]
            self.profiles[row] = player("profile", method=method, first=self.numbers(count), **arguments)

    @staticmethod
    def rate(results, copies=1):
        """Messages a second."""
        return Sample(one["count"] * copies / one["seconds"] for one in results)

    @staticmethod
    def cpu(results, copies=1):
        """Microseconds of CPU for each message."""
        return Sample(one["cpu"] / one["count"] / copies * 1e6 for one in results)


def percentile(results, percent):
    """A percentile of each round's times, in milliseconds."""
    return Sample(_percentile(one["times"], percent) * 1e3 for one in results)


def _percentile(times, percent):
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]
