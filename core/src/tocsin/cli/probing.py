"""``tocsin test`` and ``tocsin health``: whether a channel works, with and without sending."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tocsin.cli.complete import complete_channels
from tocsin.cli.exits import Exit, exit_for_result
from tocsin.cli.session import Session, common_options, pass_session
from tocsin.cli.terminal import seconds

__all__ = ["health", "test"]


@click.command()
@click.argument("channel", shell_complete=complete_channels)
@common_options()
@pass_session
def test(session: Session, channel: str) -> int:
    """Really send a test message through one channel.

    Every recipient of the channel gets it, once and without retries.
    """
    from tocsin.cli.outcome import show_result
    from tocsin.cli.readiness import UNUSABLE, make_ready

    terminal = session.terminal
    with session.service() as service:
        make_ready(service, [channel], terminal)
        entry = service.registry.find(channel)
        result = service.test_channel(channel)
    if session.as_json:
        terminal.json(result.to_dict())
    if result.recipients:
        show_result(result, terminal)
    elif entry.state not in UNUSABLE:
        terminal.fail(f"{terminal.mark('bad')} {channel}  {result.error}")
    return Exit.CONFIG if not result.recipients and entry.state in UNUSABLE else exit_for_result(result)


@click.command()
@click.option("--probe", is_flag=True, help="Ask each provider; nothing is sent.")
@common_options()
@pass_session
def health(session: Session, probe: bool) -> int:
    """Show the state of each channel; --probe asks the providers.

    A probe finds out whether credentials and address work, and sends nothing. Exits with 1 where a channel could not
    deliver now.
    """
    terminal = session.terminal
    with session.service() as service:
        if probe and service.channels:
            terminal.say(f"Asking {', '.join(service.channels)} …")
        found = service.get_channel_health(probe=probe)
    if session.as_json:
        terminal.json(found)
    elif found:
        styles = ["" if _is_well(one) else "bad" for one in found.values()]
        terminal.table(
            ("channel", "state", "recipients", "probe", "why"), [_row(n, one) for n, one in found.items()], styles
        )
    if not found:
        terminal.say("No channel is configured; tocsin channels list shows what is installed.")
    elif not probe:
        terminal.say("Ready means loaded and configured. --probe asks the providers.")
    return Exit.DELIVERED if all(map(_is_well, found.values())) else Exit.NOTHING


def _is_well(one: Mapping[str, Any]) -> bool:
    """Ready and not found failing, or switched off on purpose."""
    if one["state"] == "disabled":
        return True
    return bool(one["enabled"]) and one.get("probe", {}).get("state") != "failing"


def _row(name: str, one: Mapping[str, Any]) -> tuple[str, ...]:
    asked = one.get("probe", {})
    latency = (one.get("latency") or {}).get("p95")
    why = one["reason"] or asked.get("reason") or ""
    hint = asked.get("details", {}).get("hint") if asked.get("state") == "failing" else None
    words = f"{why} → {hint}" if hint else why
    state = f"{one['state']} (p95 {seconds(latency)})" if latency else one["state"]
    return name, state, ", ".join(one["recipients"]), asked.get("state", ""), words
