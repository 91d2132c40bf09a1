"""What is remembered: alerts, deliveries, reports. The port, and the memory behind it by default."""

from tocsin.store.delivery import Delivery, Earlier
from tocsin.store.memory import MemoryStore
from tocsin.store.port import Store

__all__ = ["Delivery", "Earlier", "MemoryStore", "Store"]
