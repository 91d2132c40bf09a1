"""``tocsin send``."""

from __future__ import annotations

import os
import stat
import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli.complete import complete_channels
from tocsin.cli.exits import Exit
from tocsin.cli.session import Session, common_options, pass_session

if TYPE_CHECKING:
    from tocsin.alert import Alert
    from tocsin.cli.terminal import Terminal
    from tocsin.report import DeliveryReport

__all__ = ["send", "tell_nobody"]

_PATIENCE = 2.0
"""Seconds of silence on standard input before the user is told what is being waited for."""


@click.command()
@click.argument("title", required=False)
@click.argument("message", required=False)
@click.option("-p", "--priority", metavar="NAME", help="CRITICAL, HIGH, MEDIUM (default), LOW or INFO.")
@click.option("--type", "alert_type", metavar="NAME", help="PRICE, PERFORMANCE, RISK, HEALTH, MILESTONE or CUSTOM.")
@click.option(
    "--to",
    "--channel",
    "channels",
    metavar="CHANNEL",
    multiple=True,
    shell_complete=complete_channels,
    help="Only through this channel; may be repeated.",
)
@click.option("--symbol", metavar="NAME", help="The instrument it is about.")
@click.option("--strategy", "strategy_id", metavar="ID", help="The strategy it is about.")
@click.option("--position", "position_id", metavar="ID", help="The position it is about.")
@click.option("--source", metavar="NAME", help="Who says so.")
@click.option("--label", "labels", metavar="NAME=TEXT", multiple=True, help="For routing; may be repeated.")
@click.option(
    "-d",
    "--data",
    metavar="NAME=VALUE",
    multiple=True,
    help="A detail; a value that is JSON is taken as that. May be repeated.",
)
@click.option("--dedup-key", metavar="KEY", help="Alerts with the same key are about the same thing.")
@click.option("--alert-id", metavar="ID", help="By default a new one.")
@click.option("--status", metavar="NAME", help="firing (default), acknowledged or resolved.")
@click.option("--jsonl", metavar="FILE", help="Send each line of this file, or of - for standard input.")
@click.option("--dry-run", is_flag=True, help="Show what each channel would send; send nothing.")
@click.option(
    "--durable", is_flag=True, help="Keep it in the configured store first, so that it outlives this process."
)
@click.option("--no-wait", is_flag=True, help="With --durable: return once it is kept; a worker delivers it.")
@click.option(
    "--key", metavar="KEY", help="With --durable: your own name for it; under a known one nothing is sent again."
)
@common_options()
@pass_session
def send(session: Session, /, title: str | None, message: str | None, jsonl: str | None, **options: Any) -> int:
    """Send one alert, or a stream of them.

    MESSAGE is read from standard input where it is - or where something is piped in.
    With --jsonl each line is an alert as a JSON object; the options are what its lines leave out.

    With --durable it is committed to the configured store before anything is tried; what has not arrived within the
    configured deadline is kept there, and the exit code is 75. With --jsonl, line 7 has the key KEY:7.

    \b
      tocsin send "Disk full" "/var is at 98 %" --priority high
      df -h | tocsin send "Disk report" --to email
      tocsin send "Risk above limit" --type RISK -d risk_pct=6.5 --dry-run
      tocsin send "Order rejected" --durable --key order-4711
    """  # noqa: D301 -- click looks for the backspace itself
    keeping = _keeping(options)
    dry_run = options.pop("dry_run")
    fields = _fields(options)
    if jsonl is not None:
        if title is not None:
            raise click.UsageError("--jsonl takes the alerts from its lines; leave TITLE and MESSAGE out")
        return _send_lines(session, jsonl, fields, None if dry_run else keeping, dry_run=dry_run)
    if title is None:
        raise click.UsageError('a TITLE is needed: what happened, in a few words, like "Disk full"')
    text = _message(message, session.terminal)
    from tocsin.alert import Alert

    alert = Alert.from_dict({"title": title, "message": text, **fields})
    if keeping is None or dry_run:
        return _send_one(session, alert, dry_run=dry_run)
    from tocsin.cli.durable import keep_one

    return keep_one(session, alert, **keeping)


def _keeping(options: dict[str, Any]) -> dict[str, Any] | None:
    """How it is to be kept, taken out of the options; None where it is not."""
    durable, no_wait, key = (options.pop(name) for name in ("durable", "no_wait", "key"))
    if not durable and (no_wait or key is not None):
        raise click.UsageError(f"{'--no-wait' if no_wait else '--key'} needs --durable")
    return {"key": key, "wait": not no_wait} if durable else None


def _send_lines(
    session: Session, path: str, fields: dict[str, Any], keeping: dict[str, Any] | None, *, dry_run: bool
) -> int:
    if keeping is None:
        from tocsin.cli.jsonl import send_lines

        return send_lines(session, path, fields, dry_run=dry_run)
    from tocsin.cli.durable import keep_lines

    return keep_lines(session, path, fields, **keeping)


def _fields(options: dict[str, Any]) -> dict[str, Any]:
    """The alert's fields that the options give; what was not given is left out."""
    fields = {name: value for name, value in options.items() if value not in (None, ())}
    if "channels" in fields:
        names = [name.strip() for option in fields["channels"] for name in option.split(",")]
        fields["channels"] = [name for name in names if name]
    if "labels" in fields:
        fields["labels"] = dict(_pair("--label", text) for text in fields["labels"])
    if "data" in fields:
        fields["data"] = {name: _json_or_text(text) for name, text in (_pair("-d", item) for item in fields["data"])}
    return fields


def _pair(option: str, text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.UsageError(f"{option} takes NAME=VALUE, like {option} host=db-1")
    return name, value


def _json_or_text(text: str) -> Any:
    from tocsin.errors import AlertError
    from tocsin.values import parse_json

    try:
        return parse_json(text)
    except AlertError:
        return text


def _message(message: str | None, terminal: Terminal) -> str:
    if message is not None and message != "-":
        return message
    if message is None and not _is_piped():
        return ""
    if sys.stdin is None:
        raise click.UsageError("standard input is closed; give the MESSAGE as an argument")
    impatient = threading.Timer(
        _PATIENCE, terminal.say, ["Reading the message from standard input; Ctrl-D ends it, a MESSAGE avoids it."]
    )
    impatient.daemon = True
    impatient.start()
    try:
        content: bytes = sys.stdin.buffer.read()
    finally:
        impatient.cancel()
    return content.decode("utf-8", "replace").rstrip("\r\n")


def _is_piped() -> bool:
    """Whether somebody put a pipe or a file there; a terminal, a closed stream or /dev/null holds no message."""
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return False
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):
        return True
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def _send_one(session: Session, alert: Alert, *, dry_run: bool) -> int:
    from tocsin.cli.outcome import show_report, summary
    from tocsin.cli.readiness import exit_code, make_ready
    from tocsin.cli.watch import tell_retries, watch
    from tocsin.store import MemoryStore

    store, terminal = MemoryStore(), session.terminal
    code: int
    with session.service(store=store) as service:
        absent = make_ready(service, alert.channels, terminal)
        if dry_run:
            from tocsin.cli.dry_run import show_requests

            code = show_requests(service, alert, session)
            terminal.say("Nothing was sent.")
            return code
        report = watch(service.enqueue(alert), store, tell_retries(terminal))
        code = exit_code(service, alert, report)
    if session.as_json:
        terminal.json(report.to_dict())
    show_report(report, terminal, told=absent)
    if report.results:
        terminal.say(summary(report, code))
    else:
        tell_nobody(report, code, terminal, has_routes=bool(service.config.routes))
    return code


def tell_nobody(report: DeliveryReport, code: int, terminal: Terminal, *, has_routes: bool) -> None:
    """Say that the alert went nowhere, and why."""
    advice = "; tocsin route test says why" if code is Exit.UNMATCHED and has_routes else ""
    terminal.fail(f"{terminal.mark('warn')} nobody was told: {report.suppressed}{advice}")
