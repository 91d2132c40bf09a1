"""Tocsin, embedded as the tutorial does it."""

import threading
import time
from datetime import UTC, datetime

from benchmarks.marks import fields
from tocsin import Alert, NotificationConfig, NotificationService

from .playing import Playing, best_of, measured, serve


class Tocsin(Playing):
    """Its target is a configuration, in the shape of the file."""

    service = None
    handles = ()
    to = ()

    def setup(self, config):
        self.close()
        begun = time.perf_counter()
        self.service = NotificationService(NotificationConfig.from_mapping(config), strict=True)
        self.built_in = time.perf_counter() - begun

    def build_time(self):
        """Seconds that the last setup took."""
        return self.built_in

    def close(self):
        if self.service is not None:
            self.service.close(30.0)
            self.service = None

    def send(self, number):
        _check(self.service.send_notification(Alert(**fields(number), channels=self.to)))

    def serial(self, first, count, to=()):
        """``to``: only these channels."""
        self.to = to
        return super().serial(first, count)

    def burst(self, first, count, workers):
        """The service's own workers do it, as configured."""
        with measured() as result:
            handles = [self.service.enqueue(Alert(**fields(number))) for number in range(first, first + count)]
            for handle in handles:
                _check(handle.result())
        return result

    def enqueue(self, first, count, workers):
        """Accept alerts from several threads; :meth:`settle` waits for what becomes of them."""
        self.handles = handles = [[] for _ in range(workers)]

        def produce(turn):
            for number in range(first + turn, first + count, workers):
                handles[turn].append(self.service.enqueue(Alert(**fields(number))))

        threads = [threading.Thread(target=produce, args=(turn,)) for turn in range(workers)]
        with measured() as result:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return result

    def settle(self):
        """Wait for the ends of what :meth:`enqueue` accepted last."""
        for handle in (one for some in self.handles for one in some):
            _check(handle.result(120))

    def look_for_due(self):
        """Seconds of one look into the store for channels that have something due."""
        return best_of(self.service.store.due, times=20) / 1e6

    def parts(self, number):
        """Microseconds of what surrounds a delivery: its log line, the relay to the channel, the report."""
        from tocsin.dispatch.unit import log
        from tocsin.store import report_of

        from .relay import relay_cost

        report = self.service.send_notification(Alert(**fields(number)))
        record = self.service.store.record(report.alert_id)
        delivery, now = record.deliveries[0], datetime.now(UTC)

        def tell():
            report_of(record, now)
            self.service._reported(report, (), False)

        return {
            "log": best_of(lambda: log(delivery, attempted=True)),
            "relay": relay_cost(),
            "report": best_of(tell),
        }


def _check(report):
    if not report.is_complete:
        raise RuntimeError(f"not delivered: {report.to_dict()}")


if __name__ == "__main__":
    player = Tocsin()
    serve(player)
    player.close()
