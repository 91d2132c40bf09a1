"""What a caller holds of an alert on its way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future

from tocsin.log import event
from tocsin.report import DeliveryReport

__all__ = ["DeliveryHandle"]


class DeliveryHandle:
    """What ``enqueue`` returns: the report to come."""

    __slots__ = ("_callbacks", "_error", "_gate", "_report", "alert_id")  # 100,000 may wait

    def __init__(self, alert_id: str) -> None:
        self.alert_id = alert_id
        self._report: DeliveryReport | None = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[], object]] = []
        self._gate = threading.Lock()  # closed until there is something to tell; a bare lock is the quickest wait
        self._gate.acquire()

    @property
    def future(self) -> Future[DeliveryReport]:
        """The same as a future of the standard library."""
        future: Future[DeliveryReport] = Future()
        future.set_running_or_notify_cancel()

        def tell() -> None:
            if self._error is not None:
                future.set_exception(self._error)
            elif self._report is not None:
                future.set_result(self._report)

        self._when_done(tell)
        return future

    def result(self, timeout: float | None = None) -> DeliveryReport:
        """Wait for the report.

        Args:
            timeout: seconds; None waits as long as it takes, which the alert's deadline bounds.

        Raises:
            TimeoutError: not finished yet; the delivery goes on.
            RolledBack: the application's transaction with the alert was rolled back.
            ServiceClosed: the service was closed before; with a store that outlives it, the alert goes on there.
        """
        if not self.done():
            if not self._gate.acquire(timeout=-1 if timeout is None else min(max(0.0, timeout), threading.TIMEOUT_MAX)):
                raise TimeoutError(f"alert {self.alert_id} was not finished within {timeout} s; its delivery goes on")
            self._gate.release()  # for whoever waits beside
        if self._report is None:
            raise self._error or RuntimeError("neither report nor error")
        return self._report

    def done(self) -> bool:
        """Whether the report is there, or will not come."""
        return self._report is not None or self._error is not None

    def add_done_callback(self, callback: Callable[[DeliveryReport], object]) -> None:
        """Call back with the report, at once where it is there, else in the thread that finishes it."""
        self._when_done(lambda: None if self._report is None else callback(self._report))

    def resolve(self, report: DeliveryReport) -> None:
        """The report is there; called once, by the dispatcher."""
        self._report = report
        self._tell()

    def refuse(self, error: BaseException) -> None:
        """There will be no report; called once, by the dispatcher."""
        self._error = error
        self._tell()

    def _tell(self) -> None:
        self._gate.release()
        self._run()

    def _when_done(self, call: Callable[[], object]) -> None:
        self._callbacks.append(call)
        if self.done():
            self._run()

    def _run(self) -> None:
        """Call what is left to call; taking it off the list decides which thread does."""
        while self._callbacks:
            try:
                call = self._callbacks.pop(0)
            except IndexError:
                return
            try:
                call()
            except Exception as error:
                event(logging.ERROR, "callback_failed", alert_id=self.alert_id, error=type(error).__name__)

    def __repr__(self) -> str:
        return f"DeliveryHandle({self.alert_id!r}, done={self.done()})"
