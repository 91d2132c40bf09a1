"""Who runs deliveries: lanes of workers, one per channel, fed from the store."""

from tocsin.dispatch.dispatcher import CLOSED, Dispatcher
from tocsin.dispatch.handle import DeliveryHandle

__all__ = ["CLOSED", "DeliveryHandle", "Dispatcher"]
