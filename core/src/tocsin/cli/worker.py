"""``tocsin worker``."""

from __future__ import annotations

import click

from tocsin.cli.session import Session, common_options, pass_session

__all__ = ["worker"]


@click.command()
@click.option("--once", is_flag=True, help="Deliver what is due, then end.")
@click.option(
    "--grace",
    metavar="SECONDS",
    type=click.FloatRange(min=0, max=86_400),
    default=10.0,
    show_default=True,
    help="How long to finish what has begun, once told to stop.",
)
@common_options()
@pass_session
def worker(session: Session, once: bool, grace: float) -> int:
    """Deliver what is in the store, until told to stop.

    Any number of workers may share a store, on one machine with SQLite and on many with PostgreSQL.

    SIGTERM or Ctrl-C: nothing further is begun, what has begun is finished within the grace, the rest is left to
    the next worker. Exits with 0 where everything begun was finished, with 75 where something was not. A second
    signal ends it at once, with 143 (SIGTERM) or 130 (Ctrl-C); what was on its way then is tried again by another
    worker once its lease is over, under the same idempotency key.

    With --json each alert that has ended is a line with its report.
    """
    from tocsin.cli.shift import Shift

    return Shift(session, grace).run(once=once)
