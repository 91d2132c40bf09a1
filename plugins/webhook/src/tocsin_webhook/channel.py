"""The channel: settings, and one signed POST."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import attrs

from tocsin import (
    Alert,
    Capabilities,
    DeliveryError,
    DeliveryTimeout,
    Health,
    Receipt,
    Recipient,
    Scope,
    Secret,
    SendContext,
    hookimpl,
)
from tocsin.http import AddressGuard, HttpResponse, failure_for
from tocsin.settings import MissingSetting, one_of, setting, to_boolean, to_secret_urls, to_text
from tocsin_webhook.format import FORMATS, body_of, headers_of, ping_of
from tocsin_webhook.headers import to_headers
from tocsin_webhook.signature import to_signing_keys

__all__ = ["WebhookChannel"]

_NOT_BELIEVED = "The endpoint refused the signature or the credentials; check secret, headers, the URL, and its clock."
_REFUSALS: dict[int, dict[str, Any]] = {
    # What is refused may be mended at the endpoint, so that it is probed instead of paused.
    401: {"scope": Scope.RECIPIENT, "lasting": False, "hint": _NOT_BELIEVED},
    403: {"scope": Scope.RECIPIENT, "lasting": False, "hint": _NOT_BELIEVED},
    404: {
        "lasting": False,
        "hint": "Correct the URL, or look whether the endpoint is up: proxies answer so meanwhile.",
    },
    410: {"hint": "The endpoint asks never to be called again; remove its URL."},
}


def _to_authorities(value: str) -> str:
    path = to_text(value)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:
        raise ValueError("cannot be read as a file of PEM certificates") from None
    return path


def _to_networks(value: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(map(str, AddressGuard(value).allow))


@attrs.define(eq=False, kw_only=True)
class WebhookChannel:
    """Posts alerts as JSON to HTTP endpoints, signed after Standard Webhooks 1.0 where a secret is set.

    Attributes:
        urls: the endpoints; each is a secret, since many carry a token.
        headers: sent along, like ``Authorization``; their values are secrets.
        secret: ``whsec_…``; several while keys are changed, each of which signs.
        ca_file: PEM file of the authorities to trust instead of the default ones.
        format: ``alert`` for the flat alert, ``cloudevents`` for a CloudEvent 1.0 around it.
        public_only: connect to public addresses only, and use no proxy.
        allow_networks: networks that ``public_only`` lets through besides.
        ping: whether a health check posts an event of type ``ping`` to each endpoint.
        recipients: one for each endpoint.
        guard: what the core's HTTP client asks about each address, with ``public_only``.
    """

    capabilities = Capabilities(
        http=True,
        probe=False,
        idempotent=True,
        circuit_scope=Scope.RECIPIENT,
        formats=("json",),
    )
    api_version = 1

    urls: tuple[Secret, ...] = attrs.field(
        converter=to_secret_urls, metadata=setting("WEBHOOK_URLS", "Endpoints: URLs that take a POST")
    )
    headers: Mapping[str, Secret] = attrs.field(
        factory=dict,
        converter=to_headers,
        repr=False,
        metadata=setting("WEBHOOK_HEADERS", "Headers to send along: a table; in the environment name=value, …"),
    )
    secret: tuple[Secret, ...] = attrs.field(
        default=(),
        converter=to_signing_keys,
        metadata=setting("WEBHOOK_SECRET", "Signs each request: whsec_ and base64; several while keys are changed"),
    )
    ca_file: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(_to_authorities),
        metadata=setting("WEBHOOK_CA_FILE", "PEM file of the authorities to trust instead of the default ones"),
    )
    format: str = attrs.field(
        default="alert",
        converter=to_text,
        validator=one_of(*FORMATS),
        metadata=setting("WEBHOOK_FORMAT", "alert for the flat alert, cloudevents for a CloudEvent 1.0 around it"),
    )
    public_only: bool = attrs.field(
        default=False,
        converter=to_boolean,
        metadata=setting(
            "WEBHOOK_PUBLIC_ONLY", "Refuse private, loopback, link-local and metadata addresses; use no proxy"
        ),
    )
    allow_networks: tuple[str, ...] = attrs.field(
        default=(),
        converter=_to_networks,
        metadata=setting("WEBHOOK_ALLOW_NETWORKS", "Networks that public_only lets through, like 10.20.0.0/16"),
    )
    ping: bool = attrs.field(
        default=False,
        converter=to_boolean,
        metadata=setting("WEBHOOK_PING", "Let a health check post an event of type ping to each endpoint"),
    )
    recipients: tuple[Recipient, ...] = attrs.field(init=False, repr=False)
    guard: AddressGuard | None = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.urls:
            raise MissingSetting("urls names no endpoint; list at least one")
        if self.allow_networks and not self.public_only:
            raise ValueError("allow_networks says nothing without public_only = true; set both or neither")
        self.recipients = tuple(map(Recipient.of, self.urls))
        self.guard = AddressGuard(self.allow_networks) if self.public_only else None
        if self.guard is not None:
            _check_numeric(self.urls, self.guard)

    @hookimpl
    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt:
        """Post the alert; any 2xx says that the endpoint took it, and no other word of the answer is needed."""
        response = self._post(body_of(alert, self.format), recipient, context)
        return _taken(response.status)

    @hookimpl
    def health(self, context: SendContext) -> Health:
        """What a ping to each endpoint comes to, with ``ping``; unknown without.

        No request is agreed on that every endpoint would answer without taking it for an alert.
        """
        if not self.ping:
            return Health.unknown("an endpoint cannot be checked without sending; set ping", urls=len(self.urls))
        failures = {one.label: error for one in self.recipients if (error := self._ping(one, context)) is not None}
        if not failures:
            return Health.ok("every endpoint took a ping", urls=len(self.urls))
        first = next(iter(failures.values()))
        return Health.failing(
            f"{len(failures)} of {len(self.urls)} endpoints took no ping: {first.message}",
            error_kind=str(first.kind),
            hint=first.hint,
            endpoints={label: error.message for label, error in failures.items()},
        )

    def _ping(self, recipient: Recipient, context: SendContext) -> DeliveryError | None:
        try:
            self._post(ping_of(context.key, context.now, self.format), recipient, context)
        except DeliveryError as error:
            return error
        return None

    def _post(self, content: bytes, recipient: Recipient, context: SendContext) -> HttpResponse:
        """The answer that says yes; the bytes that are signed are the bytes that are sent."""
        own = {name: value.reveal() for name, value in self.headers.items()}
        headers = own | headers_of(context.key, context.now, content, self.secret, self.format)
        try:
            response = context.http.post(recipient.address, content=content, headers=headers)
        except DeliveryTimeout as error:
            if error.status_code is None:
                raise
            # The status was there in time; only the rest of the answer was not.
            response = HttpResponse(error.status_code, {}, b"", complete=False)
        if response.is_success:
            return response
        raise failure_for(response, **_REFUSALS.get(response.status, {}))


@cache
def _taken(status: int) -> Receipt:
    """One receipt for all answers alike: the core remembers thousands."""
    return Receipt(details={"status": status})


def _check_numeric(urls: Iterable[Secret], guard: AddressGuard) -> None:
    """Tell at once of an address that can never pass; names are judged when they are resolved."""
    for position, url in enumerate(urls, start=1):
        host = urlsplit(url.reveal()).hostname or ""
        try:
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            continue
        if (kind := guard.refused(host)) is not None:
            raise ValueError(
                f"urls: item {position} leads to {kind}, which public_only refuses; "
                "correct it, or list its network in allow_networks"
            )
