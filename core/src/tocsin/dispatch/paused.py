"""Paused recipients outlive the process: a channel takes them from the store when it begins, and keeps them there."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from tocsin.channel import Channel
from tocsin.errors import StoreError
from tocsin.log import event
from tocsin.store import Store

__all__ = ["remember_paused"]


def remember_paused(channel: Channel, store: Store) -> None:
    """Pause what the store has as paused, and have what is paused from now on kept there.

    What cannot be understood there is ignored: its recipients are called, and paused anew where they are gone.

    Raises:
        StoreError: the store cannot be read now.
    """
    try:
        for recipient_id, why in _kept(channel, store).items():
            _restore(channel, recipient_id, why)
    except StoreError:
        raise
    except Exception as error:
        _ignored(channel, error)
    channel.breaker.on_pause = lambda: _keep(channel, store)


def _kept(channel: Channel, store: Store) -> Mapping[str, Any]:
    state = store.load_channel(channel.name)
    paused: Mapping[str, Any] = {} if state is None else state.get("paused", {})
    return paused


def _restore(channel: Channel, recipient_id: str, why: Any) -> None:
    try:
        channel.breaker.restore({recipient_id: why})
    except Exception as error:  # written by another version, or by hand; the others are as good as before
        _ignored(channel, error)


def _ignored(channel: Channel, error: Exception) -> None:
    event(logging.WARNING, "channel_state_ignored", channel=channel.name, error=type(error).__name__)


def _keep(channel: Channel, store: Store) -> None:
    """Write all that are paused; where that fails, the next change writes them too, and no delivery is told."""
    try:
        store.save_channel(channel.name, {"paused": channel.breaker.paused()})
    except Exception as error:
        event(logging.ERROR, "store_trouble", channel=channel.name, error=type(error).__name__)
