"""What is remembered: alerts, deliveries, reports. The port, and the memory behind it by default."""

from tocsin.store.delivery import Delivery, Earlier, Record
from tocsin.store.memory import MemoryStore
from tocsin.store.port import Added, Claim, Settled, Store
from tocsin.store.progress import Step, begun, cancelled, is_cancellable, next_step, report_of
from tocsin.store.readable import Readable
from tocsin.store.states import TRANSITIONS, Transition, may_become
from tocsin.store.upkeep import Upkeep

__all__ = [
    "TRANSITIONS",
    "Added",
    "Claim",
    "Delivery",
    "Earlier",
    "MemoryStore",
    "Readable",
    "Record",
    "Settled",
    "Step",
    "Store",
    "Transition",
    "Upkeep",
    "begun",
    "cancelled",
    "is_cancellable",
    "may_become",
    "next_step",
    "report_of",
]
