"""Which way an alert goes: routes, states of channels and delivery settings, brought together."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import attrs

from tocsin.alert import Alert
from tocsin.config import NotificationConfig
from tocsin.plan import Plan
from tocsin.registry import Registry
from tocsin.routing import Routing

__all__ = ["Planner"]

_MOST = 1_000
"""Ways whose plans are kept: alerts may name channels as they like."""


@attrs.frozen
class Planner:
    """Plans the way of alerts.

    Attributes:
        durable: the store outlives the process, so that alerts live as long as their priority says.
    """

    config: NotificationConfig
    registry: Registry
    durable: bool
    _plans: dict[object, tuple[object, Plan]] = attrs.field(factory=dict, init=False, repr=False, eq=False)
    """The last plan of each way and the ready channels it was made for: alerts that go the same way share it."""

    def route(self, alert: Alert) -> Routing:
        """Which channels the alert would go to, and why; nothing is sent."""
        return Routing.decide(alert, self.config.routes, self.registry.ready())

    def plan(self, alert: Alert) -> Plan | str:
        """The way of the alert, or the reason why it goes nowhere; nothing is sent."""
        ready, routes = self.registry.ready(), self.config.routes
        lifetime = self.config.delivery.lifetime(alert.priority, durable=self.durable)
        routing = Routing.decide(alert, routes, ready) if routes and not alert.channels else None
        way = (routing.channels, routing.fallback, lifetime) if routing else (alert.channels, (), lifetime)
        made_for, plan = self._plans.get(way, (None, None))
        if plan is not None and made_for is ready:
            return plan
        routing = routing or Routing.decide(alert, routes, ready)
        if not routing.channels:
            return routing.reason if routes else "no channel is ready"
        if len(self._plans) >= _MOST:
            self._plans.clear()
        plan = self._planned(routing, ready, lifetime)
        self._plans[way] = (ready, plan)
        return plan

    def _planned(self, routing: Routing, ready: Collection[str], lifetime: float) -> Plan:
        chosen, unavailable = self._available(routing.channels, ready)
        fallback, fallback_unavailable = self._available(routing.fallback, ready)
        delivery = self.config.delivery
        stages = (chosen,) if delivery.parallel else [[name] for name in chosen]
        return Plan(stages, fallback, unavailable, fallback_unavailable, delivery.fail_fast, lifetime)

    def _available(self, names: Iterable[str], ready: Collection[str]) -> tuple[list[str], dict[str, str]]:
        return [n for n in names if n in ready], {n: self._why_not(n) for n in names if n not in ready}

    def _why_not(self, name: str) -> str:
        try:
            entry = self.registry.find(name)
        except KeyError as error:
            return str(error)
        return f"{entry.state}: {entry.reason}"
