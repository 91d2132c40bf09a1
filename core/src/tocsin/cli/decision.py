"""What a person decides about deliveries in the store: to start them anew, or to cancel them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs
import click

from tocsin.cli.exits import Exit
from tocsin.cli.opened import actor, note, opened_store
from tocsin.cli.terminal import clean
from tocsin.errors import UnknownAlert
from tocsin.report import DeliveryState

if TYPE_CHECKING:
    from tocsin.cli.session import Session
    from tocsin.store import Delivery, Store

__all__ = ["cancel_all", "replay_all"]

_SHOWN = 5
_WAITING = (DeliveryState.PENDING, DeliveryState.RETRYING)
_ENDED_BADLY = (DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.EXPIRED, DeliveryState.CANCELLED)


def _states(names: Sequence[str]) -> list[DeliveryState]:
    return [DeliveryState(name) for name in names]


@attrs.frozen(kw_only=True)
class _Choice:
    """Which deliveries a decision is about.

    Attributes:
        whole: alerts as a whole were named, without any other condition.
    """

    alert_ids: Sequence[str]
    states: Sequence[DeliveryState] = attrs.field(converter=_states)
    channel: str | None
    recipient: str | None
    limit: int
    yes: bool

    @property
    def whole(self) -> bool:
        return not (self.states or self.channel or self.recipient)

    def find(self, store: Store, default: Sequence[DeliveryState]) -> list[Delivery]:
        """The deliveries.

        Args:
            store: where they are.
            default: the states that count where neither states nor alerts were named.

        Raises:
            UnknownAlert: an alert that the store does not know.
        """
        if not self.alert_ids:
            found = store.select(states=self.states or default, channel=self.channel, limit=self.limit)
            return [one for one in found if self._is_meant(one)]
        return [
            one for alert_id in dict.fromkeys(self.alert_ids) for one in _of(store, alert_id) if self._is_meant(one)
        ]

    def _is_meant(self, delivery: Delivery) -> bool:
        return (
            (not self.states or delivery.state in self.states)
            and self.channel in (None, delivery.channel)
            and self.recipient in (None, delivery.recipient_id, delivery.recipient)
        )


def _of(store: Store, alert_id: str) -> Sequence[Delivery]:
    record = store.record(alert_id)
    if record is None:
        raise UnknownAlert(alert_id)
    return record.deliveries


def replay_all(session: Session, **choice: object) -> int:
    """Start anew what was chosen and ended without success."""
    chosen = _choice(choice)
    named = bool(chosen.states or chosen.recipient)
    with opened_store(session) as store:
        found = [one for one in chosen.find(store, _ENDED_BADLY) if one.is_replayable(named=named)]
        changed = _decide("replay", chosen, found, session, store, lambda one: store.replay(one.alert_id, one.unit))
    if changed:
        session.terminal.say("A worker delivers them: one that runs, or tocsin worker --once.")
    return _end("replay", "replayed", changed, chosen, session)


def cancel_all(session: Session, *, reason: str, **choice: object) -> int:
    """Cancel what was chosen and waits."""
    chosen = _choice(choice)
    words = f"cancelled by {actor()}" + (f": {reason}" if reason else "")
    with opened_store(session) as store:
        found = [one for one in chosen.find(store, _WAITING) if not one.state.is_final]
        if not (chosen.alert_ids and chosen.whole):
            found = [one for one in found if one.is_waiting]

        def cancel(one: Delivery) -> list[Delivery]:
            if chosen.alert_ids and chosen.whole:
                return store.cancel(one.alert_id, words, close=True)
            return store.cancel(one.alert_id, words, one.unit)

        changed = _decide("cancel", chosen, found, session, store, cancel)
    flying = sum(one.state is DeliveryState.IN_FLIGHT for one in found)
    if flying:
        session.terminal.say(f"{flying:,} in flight: not repeated, whatever becomes of it.")
    return _end("cancel", "cancelled", changed, chosen, session, flying)


def _choice(values: dict[str, object]) -> _Choice:
    chosen = _Choice(**values)  # type: ignore[arg-type] # click gives each option its type
    if chosen.whole and not chosen.alert_ids:
        raise click.UsageError("say which: ALERT_ID, or --state, --channel or --recipient")
    return chosen


def _decide(
    action: str,
    chosen: _Choice,
    found: Sequence[Delivery],
    session: Session,
    store: Store,
    change: Callable[[Delivery], list[Delivery]],
) -> list[Delivery]:
    """Ask where it is about many, keep on record who decided, and do it; what was changed."""
    if not found or not _is_sure(action, chosen, found, session):
        return []
    changed: list[Delivery] = []
    done: set[tuple[str, tuple[str, str]]] = set()
    for one in found:
        if (one.alert_id, one.unit) in done:  # an alert as a whole was changed with its first delivery
            continue
        note(store, action, f"{one.alert_id} {one.channel} {one.recipient_id}")
        more = change(one)
        changed += more
        done |= {(other.alert_id, other.unit) for other in more}
    return changed


def _is_sure(action: str, chosen: _Choice, found: Sequence[Delivery], session: Session) -> bool:
    if chosen.yes or (len({one.alert_id for one in found}) == 1 and chosen.alert_ids):
        return True
    terminal = session.terminal
    for one in found[:_SHOWN]:
        terminal.say(f"  {one.alert_id}  {clean(one.channel)}  {clean(one.recipient)}  {one.state}")
    if len(found) > _SHOWN:
        terminal.say(f"  and {len(found) - _SHOWN:,} more")
    words = f"{action} {len(found):,} deliver{'y' if len(found) == 1 else 'ies'}"
    if not sys.stdin.isatty():
        raise click.UsageError(f"this would {words}; say --yes where nobody can be asked")
    return click.confirm(f"Really {words}?", err=True, abort=True)


def _end(
    action: str, done: str, changed: Sequence[Delivery], chosen: _Choice, session: Session, flying: int = 0
) -> int:
    """Say what was done. That no delivery met the conditions is no failure, that a named alert has none is."""
    terminal = session.terminal
    if session.as_json:
        units = [
            {"alert_id": one.alert_id, "channel": one.channel, "recipient_id": one.recipient_id} for one in changed
        ]
        terminal.json({done: units})
    if not changed and not flying:
        terminal.fail(f"{terminal.mark('warn')} there was nothing to {action}")
        return Exit.NOTHING if chosen.alert_ids else Exit.DELIVERED
    for one in changed if terminal.verbosity > 0 else ():
        terminal.say(f"  {one.alert_id}  {clean(one.channel)}  {clean(one.recipient)}")
    terminal.good(f"{terminal.mark('good')} {done} {len(changed):,} deliver{'y' if len(changed) == 1 else 'ies'}")
    return Exit.DELIVERED
