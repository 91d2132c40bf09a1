"""The policy that only watches: how long attempts take, and what the last ones came to."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from datetime import datetime
from typing import Any

import attrs

from tocsin.clock import Clock
from tocsin.errors import DeliveryError, ErrorKind
from tocsin.hookspecs import SendContext, hookimpl
from tocsin.receipt import Receipt

__all__ = ["Meter"]


@attrs.define(eq=False)
class Meter:
    """What the attempts of a channel look like lately: latencies, the last success, the last error."""

    clock: Clock
    latencies: deque[float] = attrs.field(factory=lambda: deque(maxlen=512), init=False)
    last_success: datetime | None = attrs.field(default=None, init=False)
    last_error: dict[str, Any] | None = attrs.field(default=None, init=False)

    @hookimpl(wrapper=True)
    def send(self, context: SendContext) -> Generator[None, Receipt, Receipt]:
        """Time the attempt; a test counts nowhere."""
        started = self.clock.monotonic()
        try:
            receipt = yield
        except DeliveryError as error:
            self._note(error.kind, context)
            raise
        except Exception:
            self._note(ErrorKind.PLUGIN, context)
            raise
        if not context.test:
            self.latencies.append(self.clock.monotonic() - started)
            self.last_success = self.clock.now()
        return receipt

    def _note(self, kind: ErrorKind, context: SendContext) -> None:
        if not context.test:
            self.last_error = {"kind": str(kind), "at": self.clock.now().isoformat()}

    def percentiles(self) -> dict[str, float | None]:
        """p50, p95 and p99 of the last 512 successful attempts, in seconds; None before the first."""
        ordered = sorted(self.latencies.copy())
        last = len(ordered) - 1
        return {f"p{p}": ordered[round(last * p / 100)] if ordered else None for p in (50, 95, 99)}
