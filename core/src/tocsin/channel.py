"""The typed face of one configured channel: its relay, its policies, and the boundary no plugin's exception crosses."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar, cast

import attrs
import pluggy

from tocsin.alert import Alert
from tocsin.errors import DeliveryError, Outcome, PluginError, Scope, TocsinError
from tocsin.hookspecs import API_VERSION, HOOKS, Capabilities, ChannelSpec, SendContext, hookimpl
from tocsin.meter import Meter
from tocsin.policies import Breaker, Throttle
from tocsin.receipt import Health, Receipt
from tocsin.recipient import Recipient
from tocsin.relay import Relay
from tocsin.retry import parse_retry_after
from tocsin.secret import Scrubber, Secret

__all__ = ["Channel", "HandlerChannel", "RefusedPlugin", "relay_for"]


T = TypeVar("T")
_TAKEN = Receipt()
"""One receipt for all that say no more: the core remembers thousands."""


class RefusedPlugin(TocsinError):
    """A channel class breaks the contract; nothing of it was called."""

    code = "TCN-180"


@attrs.define(eq=False)
class HandlerChannel:
    """A plain callable as a channel: ``handler(alert)``. It may return a receipt; what it raises fails the delivery."""

    capabilities = Capabilities(probe=False)
    handler: Callable[[Alert], object] = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        called = getattr(type(self.handler), "__call__", None)  # noqa: B004 -- its kind is asked for, not whether it is there
        if inspect.iscoroutinefunction(self.handler) or inspect.iscoroutinefunction(called):
            raise RefusedPlugin("the handler is async; channels are called from worker threads, write it with def")

    @hookimpl
    def send(self, alert: Alert) -> Receipt:
        """Call the handler."""
        receipt = self.handler(alert)
        if receipt is None:
            return _TAKEN
        if isinstance(receipt, Receipt):
            return receipt
        if inspect.isawaitable(receipt):
            if inspect.iscoroutine(receipt):
                receipt.close()
            raise PluginError(
                "the handler returned something to await, and nobody awaits it", hint="Write it with def."
            )
        return _TAKEN


@attrs.define(eq=False, repr=False)
class Channel:
    """One configured instance of a channel type.

    Every call of the plugin goes through here. What comes out is a value of the contract or a :class:`DeliveryError`
    without traceback, URL, secret or content.

    Attributes:
        name: of the instance.
        type: the channel type it was made from.
        instance: the plugin's object.
        recipients: its destinations; a channel that has none of its own gets one that bears the channel's name.
        capabilities: what its class declares.
        breaker, throttle, meter: its policies.
        relay: made for the instance alone; the policies join it.
        workers, timeout: bounds of its own, or None for the service's.
    """

    name: str
    type: str
    instance: object
    recipients: tuple[Recipient, ...]
    capabilities: Capabilities
    breaker: Breaker
    throttle: Throttle
    meter: Meter
    _relay: pluggy.PluginManager
    client: Any = None
    workers: int | None = None
    timeout: float | None = None
    _scrub: Scrubber = attrs.field(init=False)
    _by_id: dict[str, Recipient] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # Registered last is called first: the breaker decides, then the limit; the meter sees only what went out.
        for policy in (self.meter, self.throttle, self.breaker):
            self._relay.register(policy)
        self._by_id = {recipient.id: recipient for recipient in self.recipients}
        addresses = [one.address.reveal() for one in self.recipients if one.address.reveal() != one.label]
        self._scrub = Scrubber([*_secrets_in(self.instance), *addresses])

    def __repr__(self) -> str:
        return f"Channel({self.name!r}, type={self.type!r}, recipients={len(self.recipients)})"

    def recipient(self, recipient_id: str) -> Recipient | None:
        """The recipient with this id."""
        return self._by_id.get(recipient_id)

    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt:
        """One attempt, through the policies.

        Raises:
            DeliveryError: why the provider did not take it.
        """
        return _guarded(self._scrub, self._relay.hook.send, Receipt, alert=alert, recipient=recipient, context=context)

    def test(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt:
        """Really send a test alert: through the plugin's own test hook, or else ``alert`` through its send hook."""
        if self._relay.hook.test.get_hookimpls():
            return _guarded(self._scrub, self._relay.hook.test, Receipt, recipient=recipient, context=context)
        return self.send(alert, recipient, context)

    def health(self, context: SendContext) -> Health:
        """What the plugin can tell without sending; a failure to find out is a failing health, never an exception."""
        if not self._relay.hook.health.get_hookimpls():
            return Health.unknown("this channel cannot be checked without sending")
        try:
            return _guarded(self._scrub, self._relay.hook.health, Health, context=context)
        except DeliveryError as error:
            return Health.failing(error.message, error_kind=str(error.kind), hint=error.hint)

    def close(self) -> None:
        """Close the plugin's and the client's connections; what a plugin raises here is ignored."""
        for closing in (getattr(self.instance, "close", None), getattr(self.client, "close", None)):
            if callable(closing):
                with contextlib.suppress(Exception):  # nothing can be done about it, and the others must close too
                    closing()


def _guarded(scrub: Scrubber, hook: Callable[..., Any], expected: type[T], **arguments: Any) -> T:
    """The hook's result; any exception becomes a :class:`DeliveryError` without traceback, cause, URL and secret."""
    failure: DeliveryError
    try:
        result = hook(**arguments)
    except DeliveryError as error:
        failure = _reworded(error, scrub)
    except BaseException as error:  # a plugin's SystemExit must not end a worker
        failure = PluginError(f"{type(error).__name__} raised{_where(error.__traceback__)}")
    else:
        if isinstance(result, expected):
            return _clean(result, scrub)
        if inspect.iscoroutine(result):
            result.close()
        failure = PluginError(f"the plugin returned {type(result).__name__}, a {expected.__name__} is needed")
    raise failure


def _reworded(error: DeliveryError, scrub: Scrubber) -> DeliveryError:
    if not (isinstance(error.outcome, Outcome) and isinstance(error.scope, Scope)):
        return PluginError("the plugin raised an error whose outcome or scope is none of the contract's")
    provider_code = error.provider_code if isinstance(error.provider_code, int | None) else scrub(error.provider_code)
    clean = error.reworded(scrub(error.message), scrub(error.hint), provider_code)
    clean.retry_after = parse_retry_after(error.retry_after)
    clean.status_code = error.status_code if isinstance(error.status_code, int) else None
    return clean


def _clean(result: T, scrub: Scrubber) -> T:
    """The plugin's answer without any secret in its texts."""
    if isinstance(result, Health):
        return attrs.evolve(result, reason=scrub(result.reason), details=_without(result.details, scrub))
    if isinstance(result, Receipt) and (result.provider_id or result.details):
        provider_id = None if result.provider_id is None else scrub.secrets(result.provider_id)
        details = _without(result.details, scrub)
        if provider_id != result.provider_id or details != result.details:
            return attrs.evolve(result, provider_id=provider_id, details=details)
    return result


def _without(value: Any, scrub: Scrubber) -> Any:
    """Details, which are frozen dicts and lists, without any secret."""
    if isinstance(value, str):
        return scrub.secrets(value)
    if isinstance(value, dict):
        return {scrub.secrets(key): _without(item, scrub) for key, item in value.items()}
    return [_without(item, scrub) for item in value] if isinstance(value, list) else value


def relay_for(instance: object, policies: Iterable[object] = ()) -> pluggy.PluginManager:
    """A plugin manager of its own for one channel.

    Raises:
        RefusedPlugin: a hook is not marked, async, unknown, or takes arguments that the contract does not have.
    """
    _refuse_at_build(instance)
    relay = Relay()
    relay.add_hookspecs(ChannelSpec)
    try:
        for plugin in (instance, *policies):
            relay.register(plugin)
        relay.check_pending()
    except pluggy.PluginValidationError as error:
        raise RefusedPlugin(f"{type(instance).__name__}: {str(error).splitlines()[-1]}") from None
    return relay


def _refuse_at_build(instance: object) -> None:
    cls = type(instance)
    for hook in HOOKS:
        method = inspect.getattr_static(cls, hook, None)
        if method is None:
            if hook == "send":
                raise RefusedPlugin(
                    f"{cls.__name__} has no send method; every channel needs one, marked with @hookimpl"
                )
            continue
        if not hasattr(method, "tocsin_impl"):
            raise RefusedPlugin(f"{cls.__name__}.{hook} bears a hook's name but not its mark; add @hookimpl above it")
        if inspect.iscoroutinefunction(method):
            raise RefusedPlugin(
                f"{cls.__name__}.{hook} is async; hooks are called from worker threads, write it with def"
            )
    version = getattr(cls, "api_version", API_VERSION)
    if version != API_VERSION:
        raise RefusedPlugin(f"{cls.__name__} was written for contract version {version}, this is version {API_VERSION}")


def _secrets_in(instance: object) -> list[str]:
    if not attrs.has(type(instance)):
        return []
    fields: tuple[Any, ...] = attrs.fields(cast(Any, type(instance)))
    values = [getattr(instance, field.name, None) for field in fields]
    groups = [value.values() if isinstance(value, Mapping) else value for value in values]
    flat = [item for group in groups for item in (group if isinstance(group, Collection) else [group])]
    return [item.reveal() for item in flat if isinstance(item, Secret)]


def _where(traceback: TracebackType | None) -> str:
    """Module and line of the innermost frame outside pluggy; names of code only, no value."""
    place = ""
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "")
        if not module.startswith(("pluggy", "tocsin.channel", "tocsin.policies")):
            place = f" in {module}, line {traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place
