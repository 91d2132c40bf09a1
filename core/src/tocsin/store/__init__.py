"""What is remembered: alerts, deliveries, reports. The port, and the memory behind it by default."""

from tocsin.store.delivery import Delivery, Earlier, Record
from tocsin.store.memory import MemoryStore
from tocsin.store.port import Added, Claim, Settled, Store
from tocsin.store.progress import Step, begun, cancelled, is_cancellable, next_step, report_of

__all__ = [
    "Added",
    "Claim",
    "Delivery",
    "Earlier",
    "MemoryStore",
    "Record",
    "Settled",
    "Step",
    "Store",
    "begun",
    "cancelled",
    "is_cancellable",
    "next_step",
    "report_of",
]
