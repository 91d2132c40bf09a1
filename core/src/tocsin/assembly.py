"""How a channel is put together: the plugin's object, what it declares, its policies, and the client it asked for."""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import version
from typing import Any

from tocsin.channel import Channel, RefusedPlugin, relay_for
from tocsin.clock import Clock
from tocsin.hookspecs import Capabilities
from tocsin.meter import Meter
from tocsin.policies import Breaker, Throttle
from tocsin.recipient import Recipient
from tocsin.resolution import ChannelOptions

__all__ = ["assembled"]


def assembled(
    name: str, channel_type: str, instance: object, options: ChannelOptions, clock: Clock, workers: int
) -> Channel:
    """A channel that is ready.

    Args:
        name: of the instance.
        channel_type: the type it was made from.
        instance: the plugin's object.
        options: the settings that every channel has.
        clock: for the policies.
        workers: of the service, where the channel has no number of its own.

    Raises:
        RefusedPlugin: the object breaks the contract.
        ImportError: it asks for an HTTP client, and ``tocsin[http]`` is not installed.
    """
    relay = relay_for(instance)  # what breaks the contract is told first
    capabilities = getattr(instance, "capabilities", Capabilities(probe=False))
    if not isinstance(capabilities, Capabilities):
        raise RefusedPlugin(f"{type(instance).__name__}.capabilities must be a tocsin.Capabilities")
    rate = capabilities.rate_limit if options.rate_limit is None else options.rate_limit
    return Channel(
        name=name,
        type=channel_type,
        instance=instance,
        recipients=_recipients(instance, name),
        capabilities=capabilities,
        breaker=Breaker(clock, capabilities.circuit_scope),
        throttle=Throttle(clock, rate, capabilities.rate_scope, capabilities.circuit_scope),
        meter=Meter(clock),
        relay=relay,
        client=_client(options.workers or workers, instance) if capabilities.http else None,
        workers=options.workers,
        timeout=options.timeout,
    )


def _recipients(instance: object, name: str) -> tuple[Recipient, ...]:
    recipients: Any = getattr(instance, "recipients", None)
    if recipients is None:
        return (Recipient.of(name, label=name),)
    recipients = tuple(recipients)
    if not recipients or not all(isinstance(recipient, Recipient) for recipient in recipients):
        raise RefusedPlugin(
            f"{type(instance).__name__}.recipients must hold at least one tocsin.Recipient, and only those"
        )
    return tuple({recipient.id: recipient for recipient in recipients}.values())


def _client(workers: int, instance: object) -> Any:
    try:
        from tocsin.http import HttpClient
    except ImportError:
        raise ImportError("the channel speaks HTTP, which needs requests; pip install 'tocsin[http]'") from None
    return HttpClient(
        workers=workers,
        user_agent=_user_agent(),
        environ=os.environ,
        ca_file=getattr(instance, "ca_file", None),
        guard=getattr(instance, "guard", None),
    )


@cache  # the metadata is a file, parsed as a whole
def _user_agent() -> str:
    return f"tocsin/{version('tocsin')}"
