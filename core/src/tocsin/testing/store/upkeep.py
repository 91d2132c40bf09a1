"""Looking after a store: optional, and then all of it."""

# ruff: noqa: D102 -- the name of a test says what it holds

from __future__ import annotations

import pytest

from tocsin.store import Store, Upkeep
from tocsin.testing.store.rig import StoreRig, alert

__all__ = ["UpkeepPromises"]

METHODS = [name for name in vars(Upkeep) if not name.startswith("_")]


class UpkeepPromises(StoreRig):
    """A store that has any method of ``Upkeep`` has them all; what is wrong is apart from what may go wrong."""

    def test_upkeep_is_there_as_a_whole_or_not_at_all(self, store: Store) -> None:
        missing = [name for name in METHODS if not hasattr(store, name)]

        assert missing in ([], METHODS), f"tocsin store needs these too: {', '.join(missing)}"

    def test_a_good_store_has_no_problem_whatever_its_hazards(self, store: Store) -> None:
        if not isinstance(store, Upkeep):
            pytest.skip("this store has no upkeep")
        self.put(store, alert())

        assert store.check() == []
        assert all(isinstance(hazard, str) for hazard in store.hazards())
