"""The contract between the core and a channel: three hooks, and what the core needs to know as data."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs
import pluggy

from tocsin.alert import Alert
from tocsin.deadline import Deadline
from tocsin.errors import PluginError, Scope
from tocsin.receipt import Health, Receipt
from tocsin.recipient import Recipient

if TYPE_CHECKING:
    from tocsin.http import HttpClient

__all__ = ["API_VERSION", "Capabilities", "ChannelSpec", "SendContext", "hookimpl", "hookspec"]

API_VERSION = 1
"""The contract's version; a channel class may state the one it was written for as ``api_version``."""

hookspec = pluggy.HookspecMarker("tocsin")
hookimpl = pluggy.HookimplMarker("tocsin")
"""Marks a method as the implementation of a hook."""


@attrs.frozen(kw_only=True)
class Capabilities:
    """What a channel type can do, as data; the class states it as ``capabilities = Capabilities(…)``.

    Attributes:
        http: the core makes an HTTP client for it and passes it as ``context.http``.
        plain: there is a simpler form (plain text, shorter), tried once after a payload error.
        probe: the health hook can tell without sending.
        receipts: the provider reports delivery later.
        update, thread: an alert with the same ``dedup_key`` edits, or threads under, the earlier message.
        idempotent: the provider honours the idempotency key, so that a repeat is not shown twice.
        rate_limit: messages per second that the provider allows in each ``rate_scope``; 0 for no limit.
        rate_scope: what the limit is for: each recipient, or the channel.
        circuit_scope: what fails together: the channel, or each recipient where recipients are URLs.
        max_length, unit: the longest text, and what the provider counts (characters, utf16, bytes, gsm7).
        formats: markup the channel writes, first choice first.
    """

    http: bool = False
    plain: bool = False
    probe: bool = True
    receipts: bool = False
    update: bool = False
    thread: bool = False
    idempotent: bool = False
    rate_limit: float = 0.0
    rate_scope: Scope = Scope.RECIPIENT
    circuit_scope: Scope = Scope.CHANNEL
    max_length: int | None = None
    unit: str = "characters"
    formats: tuple[str, ...] = ("text",)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = attrs.asdict(self)
        return (
            plain | {name: str(plain[name]) for name in ("rate_scope", "circuit_scope")} | {"formats": [*self.formats]}
        )


@attrs.frozen(kw_only=True)
class SendContext:
    """What a channel may need besides the alert and the recipient.

    Attributes:
        key: idempotency key; the same in every attempt of one (alert, channel, recipient). 32 hexadecimal digits.
        deadline: the end of this attempt; ``deadline.remaining()`` gives seconds.
        now: start of the attempt, aware, in UTC.
        attempt: 1 for the first try.
        plain: send the simpler form; the provider refused the full one.
        repeated: an earlier attempt may have arrived; mark the copy where the provider has no key.
        previous: the receipt of the last alert with this ``dedup_key`` at this recipient.
        louder: this alert must be noticed again: it is more urgent than that last one, or fires again after that was
            resolved. An edit makes no sound, so a new message is due, under the earlier one where the provider can.
        test: a person asked for this message; it counts nowhere.
        patience: seconds that a policy may have the delivery wait before it expires.
    """

    key: str
    deadline: Deadline
    now: datetime
    attempt: int = 1
    plain: bool = False
    repeated: bool = False
    previous: Receipt | None = None
    louder: bool = False
    test: bool = False
    patience: float = math.inf
    client: HttpClient | None = attrs.field(default=None, repr=False)

    @property
    def http(self) -> HttpClient:
        """The channel's HTTP client.

        Raises:
            PluginError: the channel did not ask for one with ``Capabilities(http=True)``.
        """
        if self.client is None:
            raise PluginError("the channel uses context.http without capabilities = Capabilities(http=True)")
        return self.client


class ChannelSpec:
    """The hooks of a channel. An implementation takes only the arguments it needs, by these names.

    All hooks are called from worker threads, several at once where a channel has several workers, and must end by
    ``context.deadline``. They never sleep, retry, limit, log content or read the environment: the core does.
    """

    @hookspec(firstresult=True)
    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt | None:
        """Deliver one alert to one recipient; called once for each attempt.

        Returns:
            The receipt, once the provider has taken the message.

        Raises:
            DeliveryError: the subclass that says why not. Anything else is a fault of the plugin.
        """

    @hookspec(firstresult=True)
    def health(self, context: SendContext) -> Health | None:
        """Check credentials and reachability without sending; called when someone asks with ``probe=True``."""

    @hookspec(firstresult=True)
    def test(self, recipient: Recipient, context: SendContext) -> Receipt | None:
        """Really send a test alert; without it the core sends one through :meth:`send`."""


HOOKS = ("send", "health", "test")
"""The names of the hooks above."""
