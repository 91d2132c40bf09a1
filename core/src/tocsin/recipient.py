"""One destination inside a channel."""

from __future__ import annotations

import hashlib

import attrs

from tocsin.secret import Secret, mask_address, mask_url

__all__ = ["Recipient"]


@attrs.frozen
class Recipient:
    """One destination: a webhook URL, a chat id, an address, a number.

    Attributes:
        id: stable hash of kind and address, 16 hexadecimal digits; what stores and metrics key on.
        label: masked; what reports, the command line, logs and stores show.
        address: secret; what the provider needs.
        kind: the channel's own word where it has several kinds of destination, like ``webhook`` and ``channel``.
    """

    id: str
    label: str
    address: Secret
    kind: str = ""

    @classmethod
    def of(cls, address: str | Secret, *, label: str | None = None, kind: str = "") -> Recipient:
        """A recipient with its id derived from the address, and a masked label unless one is given."""
        secret = address if isinstance(address, Secret) else Secret(address)
        clear = secret.reveal()
        digest = hashlib.sha256(f"{kind}\0{clear}".encode("utf-8", "replace")).hexdigest()[:16]
        if label is None:
            label = f"{mask_url(clear)} #{digest[:4]}" if "://" in clear else mask_address(clear)
        return cls(digest, label, secret, kind)
