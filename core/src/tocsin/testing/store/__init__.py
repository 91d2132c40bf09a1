"""The contract suite of stores: every implementation passes it.

A subclass supplies the fixture ``make_store``: a function that takes ``max_waiting`` and gives a store that was not
opened yet. Called again in the same test it gives another one on the same place, where the store is a shared one.
Where content can be damaged, a fixture ``spoil`` gives a function that damages that of the alert with a given id.
"""

import pytest

# Before they are imported, so that a failing check shows the values that it compared.
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in ("claims", "life", "memory", "rig", "upkeep")))

from tocsin.testing.store.claims import ClaimPromises  # noqa: E402 -- see above
from tocsin.testing.store.life import LifePromises  # noqa: E402 -- see above
from tocsin.testing.store.memory import MemoryPromises  # noqa: E402 -- see above
from tocsin.testing.store.upkeep import UpkeepPromises  # noqa: E402 -- see above

__all__ = ["StoreContract"]


class StoreContract(ClaimPromises, LifePromises, MemoryPromises, UpkeepPromises):
    """What the dispatcher relies on, whatever remembers."""
