"""The channel: its settings, and one POST for each address."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from tocsin import Alert, Capabilities, Health, Receipt, Recipient, Scope, Secret, SendContext, hookimpl
from tocsin.http import failure_for
from tocsin.settings import MissingSetting, setting, to_secret_urls, to_text
from tocsin_webhook.format import body_of, headers_of
from tocsin_webhook.headers import to_headers
from tocsin_webhook.signature import to_signing_keys

__all__ = ["WebhookChannel"]


@attrs.define(eq=False, kw_only=True)
class WebhookChannel:
    """Posts the alert as JSON to every address.

    Attributes:
        urls: the addresses; each is a recipient.
        headers: sent with every request.
        secret: signing keys, newest first.
        ca_file: authorities to trust instead of the usual ones.
        recipients: one for each address.
    """

    capabilities = Capabilities(
        http=True, probe=False, idempotent=True, circuit_scope=Scope.RECIPIENT, formats=("json",)
    )
    api_version = 1

    urls: tuple[Secret, ...] = attrs.field(
        converter=to_secret_urls, metadata=setting("WEBHOOK_URLS", "Addresses to post to")
    )
    headers: Mapping[str, Secret] = attrs.field(
        factory=dict,
        converter=to_headers,
        repr=False,
        metadata=setting("WEBHOOK_HEADERS", "Headers of every request, like Authorization"),
    )
    secret: tuple[Secret, ...] = attrs.field(
        default=(),
        converter=to_signing_keys,
        metadata=setting("WEBHOOK_SECRET", "Signing key whsec_…; several while one replaces another"),
    )
    ca_file: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_text),
        metadata=setting("WEBHOOK_CA_FILE", "PEM file of the authorities to trust instead of the usual ones"),
    )
    recipients: tuple[Recipient, ...] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.urls:
            raise MissingSetting("urls is empty; name at least one address")
        self.recipients = tuple(map(Recipient.of, self.urls))

    @hookimpl
    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt:
        """POST the alert; any 2xx is a success, whatever its body says or whether it ends."""
        body = body_of(alert)
        own = {name: value.reveal() for name, value in self.headers.items()}
        headers = own | headers_of(context.key, context.now, body, self.secret)
        answer = context.http.post(recipient.address, content=body, headers=headers)
        if answer.is_success:
            return Receipt(details={"status": answer.status})
        # The credential is in the address or meant for it: a refusal stops that address alone.
        raise failure_for(answer, scope=Scope.RECIPIENT)

    @hookimpl
    def health(self) -> Health:
        """Nothing can be known: no request is harmless to every receiver."""
        return Health.unknown("an address of your own cannot be checked without sending; use the test")
