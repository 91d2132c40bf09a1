"""Content as it stands in the database: JSON with a checksum, encrypted where there is a key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from typing import Any

from tocsin import Alert, ContentLost, ContentSealed
from tocsin.settings import MissingSetting

__all__ = ["Seal", "checksum", "to_key"]

_SEALED = b"\x01"
_NONCE = 12
_HOW = 'make one with: python -c "import base64, os; print(base64.b64encode(os.urandom(32)).decode())"'


def to_key(value: str) -> bytes:
    """The 32 bytes of a key in base64.

    Raises:
        ValueError: it is something else; the message does not quote it.
    """
    try:
        key = base64.b64decode(value.strip().replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise ValueError(f"must be 32 bytes in base64; {_HOW}")
    return key


def checksum(content: bytes) -> str:
    """What tells a damaged content: 16 hexadecimal digits."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _cipher(key: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise MissingSetting("key needs the package cryptography: pip install 'tocsin-sql[encryption]'") from None
    return AESGCM(key)


class Seal:
    """Seals and opens content with AES-256-GCM, bound to its alert's id; without a key it leaves content as it is.

    Args:
        key: 32 bytes, or None.
    """

    def __init__(self, key: bytes | None) -> None:
        self._cipher = None if key is None else _cipher(key)

    @property
    def has_key(self) -> bool:
        """Whether what is written is encrypted."""
        return self._cipher is not None

    def close(self, text: str, name: str) -> bytes:
        """The text as it is to be stored under this name."""
        if self._cipher is None:
            return text.encode()
        nonce = os.urandom(_NONCE)
        return bytes(_SEALED + nonce + self._cipher.encrypt(nonce, text.encode(), name.encode()))

    def open(self, content: bytes, name: str) -> str:
        """The text that was stored under this name.

        Raises:
            ContentSealed: it was sealed with another key, or changed since.
        """
        if not content.startswith(_SEALED):
            return content.decode()
        if self._cipher is None:
            raise ContentSealed(f"the content of {name} is encrypted and no key is set; set TOCSIN_STORE_KEY")
        nonce, rest = content[1 : 1 + _NONCE], content[1 + _NONCE :]
        try:
            return str(self._cipher.decrypt(nonce, rest, name.encode()).decode())
        except Exception:  # InvalidTag, whose class is there only with the package
            words = f"the content of {name} was encrypted with another key, or was changed"
            raise ContentSealed(f"{words}; set TOCSIN_STORE_KEY to the key it was written with") from None

    def opens(self, content: bytes, name: str) -> bool:
        """Whether it can be opened with this key."""
        try:
            self.open(content, name)
        except ContentSealed:
            return False
        return True

    def row(self, alert: Alert) -> dict[str, Any]:
        """An alert's row of content."""
        content = self.close(alert.to_json(), alert.alert_id)
        return {"alert_id": alert.alert_id, "content": content, "checksum": checksum(content)}

    def alert(self, row: Any) -> Alert:
        """The alert of a row of content.

        Raises:
            ContentLost: it is damaged.
            ContentSealed: it cannot be opened with this key.
        """
        content = bytes(row.content)
        if checksum(content) != row.checksum:
            raise ContentLost(f"the content of alert {row.alert_id} is damaged; run tocsin store check")
        return Alert.from_json(self.open(content, row.alert_id))
