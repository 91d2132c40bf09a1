"""Which alerts somebody in this process waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

import attrs

from tocsin.dispatch.handle import DeliveryHandle
from tocsin.errors import RolledBack, ServiceClosed
from tocsin.report import DeliveryReport
from tocsin.store import Added

__all__ = ["CLOSED", "Awaited", "Waiting"]

CLOSED = "the service is closed; create another to send more"
_UNCOMMITTED = "the service was closed; the transaction with the alert was not committed by then"
_ROLLED_BACK = "the alert was not accepted: the transaction with it was rolled back"
_HEARD = 10_000
"""Reports kept in mind because the store's word of them came before this process's own."""
_KEPT = "the service was closed; the alert is kept, and goes on with the next worker on this store"


@attrs.define(eq=False)
class Awaited:
    """One alert that somebody waits for.

    Attributes:
        before: units that had succeeded when it was sent before.
        again: it had been reported on before.
        uncertain: it was written in a transaction of the application's, which may have been rolled back.
        ways: on which it is being written, or was; each transaction is one.
    """

    handle: DeliveryHandle
    before: Collection[tuple[str, str]] = ()
    again: bool = False
    uncertain: bool = False
    ways: int = 1


class Waiting:
    """The handles of alerts on their way. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._awaited: dict[str, Awaited] = {}
        self._heard: dict[str, DeliveryReport] = {}
        self.closed = False

    def expect(self, alert_id: str, *, uncertain: bool = False) -> tuple[Awaited, bool]:
        """Wait for an alert; False where somebody does already. One that may come to nothing has a way more.

        Raises:
            ServiceClosed: after :meth:`close`.
        """
        with self._lock:
            if self.closed:
                raise ServiceClosed(CLOSED)
            known = self._awaited.get(alert_id)
            if known is not None:
                known.ways += known.uncertain
                return known, False
            fresh = self._awaited[alert_id] = Awaited(DeliveryHandle(alert_id), uncertain=uncertain)
            return fresh, True

    def refuse(self, awaited: Awaited, error: BaseException) -> None:
        """One of its ways came to nothing; with the last of them the alert was not accepted."""
        with self._lock:
            awaited.ways -= 1
            if awaited.ways or self._awaited.get(awaited.handle.alert_id) is not awaited:
                return
            del self._awaited[awaited.handle.alert_id]
        awaited.handle.refuse(error)

    def undo(self, awaited: Awaited) -> None:
        """A transaction with the alert was rolled back."""
        self.refuse(awaited, RolledBack(_ROLLED_BACK))

    def repeated(self, awaited: Awaited) -> None:
        """The last way was none of its own: the client's key told that the alert is there."""
        with self._lock:
            awaited.ways -= 1

    def instead(self, awaited: Awaited, added: Added) -> DeliveryHandle:
        """The handle of the earlier alert that was accepted under the same client's key."""
        with self._lock:
            self._awaited.pop(awaited.handle.alert_id, None)
            other = self._awaited.get(added.alert_id)
            if other is not None:
                return other.handle
            handle = DeliveryHandle(added.alert_id)
            if added.report is None:
                self._awaited[added.alert_id] = Awaited(handle)
                return handle
        handle.resolve(added.report)
        return handle

    def pop(self, alert_id: str) -> Awaited | None:
        """Nobody waits for it any longer."""
        with self._lock:
            return self._awaited.pop(alert_id, None)

    def hear(self, report: DeliveryReport) -> Awaited | None:
        """The store has the report of an alert: who waits for it, None where it has been told already."""
        with self._lock:
            awaited = self._awaited.pop(report.alert_id, None)
            if awaited is not None:
                self._heard[report.alert_id] = report
                if len(self._heard) > _HEARD:
                    del self._heard[next(iter(self._heard))]
            return awaited

    def finish(self, report: DeliveryReport) -> tuple[Awaited | None, bool]:
        """An alert has ended here: who waits for it, and whether it is news; :meth:`hear` may have been quicker."""
        with self._lock:
            known = self._heard.pop(report.alert_id, None)
            return self._awaited.pop(report.alert_id, None), known is None or known != report

    def resolve(self, awaited: Awaited | None, report: DeliveryReport) -> None:
        """The report is there."""
        if awaited is not None:
            awaited.handle.resolve(report)

    def ids(self) -> list[str]:
        """The alerts that somebody waits for."""
        with self._lock:
            return list(self._awaited)

    def close(self) -> list[DeliveryHandle]:
        """Take no more; the handles that are open."""
        with self._lock:
            self.closed = True
            return [one.handle for one in self._awaited.values()]

    def disown(self, is_kept: Callable[[str], bool]) -> None:
        """Nobody waits any longer for alerts whose transaction did not commit."""
        with self._lock:
            uncertain = [name for name, one in self._awaited.items() if one.uncertain]
        for alert_id in uncertain:
            if not is_kept(alert_id) and (one := self.pop(alert_id)) is not None:
                one.handle.refuse(ServiceClosed(_UNCOMMITTED))

    def leave(self) -> None:
        """Nobody of this process will finish what is left: it is kept for others."""
        for alert_id in self.ids():
            if (one := self.pop(alert_id)) is not None:
                one.handle.refuse(ServiceClosed(_KEPT))

    def forget(self) -> None:
        """Start anew in a forked child."""
        self._lock = threading.Lock()
        self._awaited.clear()
        self._heard.clear()
