"""Policies: wrappers around every attempt of one channel. They refuse by raising before it, and watch its result.

Each guards its own state with a lock that is never held during the call itself.
"""

from tocsin.policies.breaker import Breaker
from tocsin.policies.throttle import WAITING, Throttle

__all__ = ["WAITING", "Breaker", "Throttle"]
