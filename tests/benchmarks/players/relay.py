"""What the way through the hook relay and its policies costs, beside a plain call of the same method."""

from benchmarks.marks import fields
from tocsin import Alert, NotificationConfig, NotificationService, Receipt, SendContext
from tocsin.deadline import Deadline

from .playing import best_of

__all__ = ["relay_cost"]


def relay_cost():
    """Microseconds between the facade and the plugin."""
    taken = Receipt()
    config = NotificationConfig.from_mapping({})
    with NotificationService(config) as service:
        channel = service.add_channel("plain", lambda alert: taken)
        alert, recipient = Alert(**fields(0)), channel.recipients[0]
        with Deadline(3600.0) as deadline:
            context = SendContext(key="k", deadline=deadline, now=alert.created_at)
            through = best_of(lambda: channel.send(alert, recipient, context))
            plain = best_of(lambda: channel.instance.send(alert))
    return through - plain
