"""Mail over STARTTLS: a kept connection beside a connection per mail."""

import contextlib

from benchmarks import sinks
from benchmarks.bench import Entry
from benchmarks.figures import Bound, Comparison, Figure

__all__ = ["mailbox", "starttls"]


def mailbox(bench, port):
    """Settings of a channel that mails to the sink; no rate limit."""
    return {
        "rate_limit": 0,
        "host": "127.0.0.1",
        "port": port,
        "from_email": "alerts@example.com",
        "to": ["ops@example.com"],
        "tls": "starttls",
        "ca_file": str(bench.authorities),
    }


def starttls(bench):
    authorities, count = str(bench.authorities), bench.size(120)
    with sinks.start("mail", bench.certificate) as sink, contextlib.ExitStack() as stack:
        port = sink.facts["port"]
        mailto = f"mailtos://127.0.0.1:{port}?from=alerts@example.com&to=ops@example.com&mode=starttls"
        config = {"channels": {"email": mailbox(bench, port)}}
        players = {
            "tocsin": stack.enter_context(bench.player("tocsin", config=config)),
            "smtplib, one each": stack.enter_context(bench.player("mails", port=port, authorities=authorities)),
            "apprise": stack.enter_context(bench.player("apprise", urls=[mailto], authorities=authorities)),
            "notifiers": stack.enter_context(bench.player("notifiers", port=port, authorities=authorities)),
        }
        entries = {
            name: Entry(lambda first, size, one=one: one("serial", first=first, count=size), sink=sink)
            for name, one in players.items()
            if one is not None
        }
        results = bench.contest(entries, count)
        bench.profile("mail", stack.enter_context(bench.player("tocsin", config=config)), "serial", count=count)
    bounds = {"smtplib, one each": Bound.at_least(2)}
    comparisons = [
        Comparison(peer, bench.rate(results[peer]), bounds.get(peer))
        if peer in results
        else Comparison(peer, absent="not installed")
        for peer in ("smtplib, one each", "apprise", "notifiers")
    ]
    name, rate = "mail over STARTTLS, one at a time", bench.rate(results["tocsin"])
    yield Figure("mail", name, "mails/s", rate, tuple(comparisons))
