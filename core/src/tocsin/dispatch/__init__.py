"""Who runs deliveries: lanes of workers, one per channel, and the run of one alert through its plan."""

from tocsin.dispatch.dispatcher import CLOSED, Dispatcher
from tocsin.dispatch.plan import Plan
from tocsin.dispatch.run import DeliveryHandle

__all__ = ["CLOSED", "DeliveryHandle", "Dispatcher", "Plan"]
