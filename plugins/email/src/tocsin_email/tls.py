"""What TLS trusts, and what it shows of itself."""

from __future__ import annotations

import ssl

from tocsin import Secret

__all__ = ["context_for"]


def context_for(
    ca_file: str | None = None,
    client_cert_file: str | None = None,
    client_key_file: str | None = None,
    client_key_password: Secret | None = None,
) -> ssl.SSLContext:
    """TLS 1.2 or later, with certificate and host name checked.

    Args:
        ca_file: PEM file of the authorities to trust instead of the system's.
        client_cert_file: PEM file of the certificate to show, with its chain.
        client_key_file: PEM file of its key; None where it stands in the same file.
        client_key_password: of an encrypted key.

    Raises:
        ValueError: a file cannot be used; the message names the setting and not the file.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError:
        raise ValueError("ca_file cannot be read as a file of PEM certificates") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8314, section 4.1
    if client_cert_file is not None:
        # Without a password of ours, OpenSSL would ask for one at the terminal.
        password = client_key_password.reveal() if client_key_password is not None else ""
        try:
            context.load_cert_chain(client_cert_file, client_key_file, password)
        except (OSError, ValueError):
            raise ValueError(
                "client_cert_file and client_key_file cannot be used: they must be PEM files of a certificate and of "
                "its key, and client_key_password opens the key where it is encrypted"
            ) from None
    return context
