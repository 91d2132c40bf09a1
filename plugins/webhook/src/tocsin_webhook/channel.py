"""The channel: settings, and one signed POST."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

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
from tocsin.http import HttpResponse, failure_for
from tocsin.settings import MissingSetting, setting, to_secret_urls, to_text
from tocsin_webhook.format import body_of, headers_of
from tocsin_webhook.headers import to_headers
from tocsin_webhook.signature import to_signing_keys

__all__ = ["WebhookChannel"]

_NOT_BELIEVED = "The endpoint refused the signature or the credentials; check secret, headers, the URL, and its clock."
_HINTS = {
    401: _NOT_BELIEVED,
    403: _NOT_BELIEVED,
    404: "Correct the URL, then enable the channel again.",
    410: "The endpoint asks never to be called again; remove its URL.",
}


def _to_authorities(value: str) -> str:
    path = to_text(value)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:
        raise ValueError("cannot be read as a file of PEM certificates") from None
    return path


@attrs.define(eq=False, kw_only=True)
class WebhookChannel:
    """Posts alerts as JSON to HTTP endpoints, signed after Standard Webhooks 1.0 where a secret is set.

    Attributes:
        urls: the endpoints; each is a secret, since many carry a token.
        headers: sent along, like ``Authorization``; their values are secrets.
        secret: ``whsec_…``; several while keys are changed, each of which signs.
        ca_file: PEM file of the authorities to trust instead of the default ones.
        recipients: one for each endpoint.
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
    recipients: tuple[Recipient, ...] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.urls:
            raise MissingSetting("urls names no endpoint; list at least one")
        self.recipients = tuple(map(Recipient.of, self.urls))

    @hookimpl
    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt:
        """Post the alert; any 2xx says that the endpoint took it, and no other word of the answer is needed."""
        content = body_of(alert)
        own = {name: value.reveal() for name, value in self.headers.items()}
        headers = own | headers_of(context.key, context.now, content, self.secret)
        try:
            response = context.http.post(recipient.address, content=content, headers=headers)
        except DeliveryTimeout as error:
            if error.status_code is None:
                raise
            # The status was there in time; only the rest of the answer was not.
            response = HttpResponse(error.status_code, {}, b"", complete=False)
        if response.is_success:
            return Receipt(details={"status": response.status})
        raise _failure(response)

    @hookimpl
    def health(self) -> Health:
        """Unknown: no request is agreed on that an endpoint would answer without taking it for an alert."""
        return Health.unknown("an endpoint cannot be checked without sending; send a test alert", urls=len(self.urls))


def _failure(response: HttpResponse) -> DeliveryError:
    """What the status stands for; credentials are each endpoint's own, so that one refusal stops only that one."""
    changes: dict[str, Any] = {}
    if response.status in _HINTS:
        changes["hint"] = _HINTS[response.status]
    if response.status in (401, 403):
        changes["scope"] = Scope.RECIPIENT
    return failure_for(response, **changes)
