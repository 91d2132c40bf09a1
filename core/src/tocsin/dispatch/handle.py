"""What a caller holds of an alert on its way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from tocsin.report import DeliveryReport

__all__ = ["DeliveryHandle"]


class DeliveryHandle:
    """What ``enqueue`` returns: the report to come."""

    def __init__(self, alert_id: str) -> None:
        self.alert_id = alert_id
        self.future: Future[DeliveryReport] = Future()
        self.future.set_running_or_notify_cancel()

    def result(self, timeout: float | None = None) -> DeliveryReport:
        """Wait for the report.

        Args:
            timeout: seconds; None waits as long as it takes, which the alert's deadline bounds.

        Raises:
            TimeoutError: not finished yet; the delivery goes on.
        """
        try:
            return self.future.result(timeout)
        except TimeoutError:
            raise TimeoutError(
                f"alert {self.alert_id} was not finished within {timeout} s; its delivery goes on"
            ) from None

    def done(self) -> bool:
        """Whether the report is there."""
        return self.future.done()

    def add_done_callback(self, callback: Callable[[DeliveryReport], object]) -> None:
        """Call back with the report, at once where it is there, else in the thread that finishes it."""
        self.future.add_done_callback(lambda future: callback(future.result()))

    def __repr__(self) -> str:
        return f"DeliveryHandle({self.alert_id!r}, done={self.done()})"
