"""The channel: its settings, and one mail for each recipient."""

from __future__ import annotations

from collections.abc import Mapping
from email import message_from_bytes
from email.policy import default

import attrs

from tocsin import Alert, Capabilities, Health, Receipt, Recipient, Scope, Secret, SendContext, hookimpl
from tocsin.deadline import current
from tocsin.settings import MissingSetting, in_range, one_of, setting, to_integer, to_secret, to_strings, to_text
from tocsin_email.addresses import Mailbox, is_loopback, to_host, to_mailbox
from tocsin_email.connection import Endpoint
from tocsin_email.format import FULL, MAX_PREFIX, Letter, mail_for, message_id, token_of
from tocsin_email.mailer import Mailer
from tocsin_email.receipt import queue_id
from tocsin_email.tls import context_for
from tocsin_email.transaction import Mail

__all__ = ["EmailChannel"]

_MECHANISMS = {"auto": ("PLAIN", "LOGIN"), "plain": ("PLAIN",), "login": ("LOGIN",), "xoauth2": ("XOAUTH2",)}


def _to_sender(value: str) -> str:
    to_mailbox(value)
    return to_text(value)


def _to_prefix(value: str) -> str:
    text = " ".join(to_text(value).split()) if value else ""
    if len(text) > MAX_PREFIX:
        raise ValueError(f"must have at most {MAX_PREFIX} characters")
    return text


def _to_addresses(value: str | list[str]) -> tuple[str, ...]:
    items = to_strings(value)
    for position, item in enumerate(items, start=1):
        try:
            to_mailbox(item)
        except ValueError as error:
            raise ValueError(f"item {position} {error}") from None
    return items


@attrs.define(eq=False, kw_only=True)
class EmailChannel:
    """Alerts by mail over SMTP, one message for each recipient.

    Raises:
        ValueError: a setting cannot be used, alone or with the others.
    """

    capabilities = Capabilities(
        plain=True,
        thread=True,
        rate_scope=Scope.CHANNEL,  # what providers limit is the account
        max_length=FULL.message,
        formats=("html", "text"),
    )
    api_version = 1

    host: str = attrs.field(converter=to_host, metadata=setting("SMTP_HOST", "Mail server"))
    port: int = attrs.field(
        default=587,
        converter=to_integer,
        validator=in_range(1, 65_535),
        metadata=setting(
            "SMTP_PORT", "Port of the mail server: 587 for STARTTLS, 465 for implicit TLS, 25 for a relay"
        ),
    )
    username: str | None = attrs.field(
        default=None,
        repr=False,
        converter=attrs.converters.optional(to_text),
        metadata=setting("SMTP_USERNAME", "Account to log in with"),
    )
    password: Secret | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_secret),
        metadata=setting("SMTP_PASSWORD", 'Password (often an app password) or, with auth = "xoauth2", access token'),
    )
    from_email: str = attrs.field(
        repr=False,
        converter=_to_sender,
        metadata=setting("SMTP_FROM_EMAIL", "Sender: a@b or Name <a@b>", keywords=("smtp_from",)),
    )
    to: tuple[str, ...] = attrs.field(
        repr=False, converter=_to_addresses, metadata=setting("EMAIL_TO", "Recipients: addresses, each may have a name")
    )
    tls: str = attrs.field(
        default="starttls",
        converter=to_text,
        validator=one_of("starttls", "implicit", "none"),
        metadata=setting("SMTP_TLS", "starttls (refused by the channel where the server lacks it), implicit, or none"),
    )
    ca_file: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_text),
        metadata=setting("SMTP_CA_FILE", "PEM file of the authorities to trust instead of the system's"),
    )
    client_cert_file: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_text),
        metadata=setting("SMTP_CLIENT_CERT_FILE", "PEM file of the certificate to show to the server"),
    )
    client_key_file: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_text),
        metadata=setting("SMTP_CLIENT_KEY_FILE", "PEM file of its key, where that is a file of its own"),
    )
    client_key_password: Secret | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_secret),
        metadata=setting("SMTP_CLIENT_KEY_PASSWORD", "Password of that key, where it is encrypted"),
    )
    auth: str = attrs.field(
        default="auto",
        converter=to_text,
        validator=one_of(*_MECHANISMS),
        metadata=setting("SMTP_AUTH", "How to log in: auto (PLAIN, else LOGIN), plain, login or xoauth2"),
    )
    ehlo_name: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_host),
        metadata=setting("SMTP_EHLO_NAME", "Name of this host for the server, where its own does not do"),
    )
    subject_prefix: str = attrs.field(
        default="",
        converter=_to_prefix,
        metadata=setting("EMAIL_SUBJECT_PREFIX", "Stands before each subject, like [prod]"),
    )
    recipients: tuple[Recipient, ...] = attrs.field(init=False, repr=False)
    _sender: Mailbox = attrs.field(init=False, repr=False)
    _boxes: Mapping[str, Mailbox] = attrs.field(init=False, repr=False)
    _mailer: Mailer = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._check()
        self._sender = to_mailbox(self.from_email)
        self._boxes = {box.address: box for box in map(to_mailbox, self.to)}
        self.recipients = tuple(map(Recipient.of, self._boxes))
        self._mailer = Mailer(
            Endpoint(
                host=self.host,
                port=self.port,
                tls=self.tls,
                context=context_for(
                    self.ca_file, self.client_cert_file, self.client_key_file, self.client_key_password
                ),
                username=self.username,
                password=self.password,
                mechanisms=_MECHANISMS[self.auth],
                ehlo_name=self.ehlo_name,
            )
        )

    def _check(self) -> None:
        if not self.to:
            raise MissingSetting("to is empty; name at least one address")
        if (self.username is None) != (self.password is None):
            raise MissingSetting("username and password belong together; set both or none")
        if self.tls == "none" and self.password is not None and not is_loopback(self.host):
            raise ValueError('tls = "none" would show username and password to the network; use TLS, or no login')
        if self.client_cert_file is None and (self.client_key_file or self.client_key_password):
            raise MissingSetting("client_key_file and client_key_password belong to client_cert_file; set it too")
        if self.tls == "none" and self.client_cert_file is not None:
            raise ValueError('tls = "none" shows no certificate; use TLS, or leave client_cert_file out')
        if self.tls != "implicit" and self.port == 465:
            raise ValueError('port 465 speaks TLS from the first byte; set tls = "implicit"')
        if self.tls == "implicit" and self.port == 587:
            raise ValueError('port 587 does not speak TLS at once; set port = 465, or tls = "starttls"')

    @hookimpl
    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt:
        """One message in one SMTP transaction, on a connection that is kept for the next one."""
        letter = self._letter(recipient, context)
        mail = Mail(
            sender=letter.sender.address,
            to=letter.to.address,
            content=mail_for(alert, letter),
            utf8=letter.needs_utf8,
            envelope_id=token_of(letter.key),
        )
        answer = self._mailer.send(mail, current() or context.deadline)
        details = {"message_id": message_id(letter.key, letter.sender.domain)}
        return Receipt(provider_id=queue_id(answer), details=details)

    def preview(self, alert: Alert, recipient: Recipient, context: SendContext) -> str:
        """The mail's header and its plain text, for a dry run."""
        mail = message_from_bytes(mail_for(alert, self._letter(recipient, context)), policy=default)
        text = mail.get_body(("plain",))
        header = "\n".join(f"{name}: {value}" for name, value in mail.items())
        return f"{header}\n\n{text.get_content() if text is not None else ''}"

    def _letter(self, recipient: Recipient, context: SendContext) -> Letter:
        address = recipient.address.reveal()
        return Letter(
            sender=self._sender,
            to=self._boxes.get(address) or to_mailbox(address),
            key=context.key,
            now=context.now,
            prefix=self.subject_prefix,
            plain=context.plain,
            repeated=context.repeated,
            previous=context.previous.details.get("message_id") if context.previous else None,
        )

    @hookimpl
    def health(self, context: SendContext) -> Health:
        """Connect, start TLS, log in, NOOP, QUIT: everything but a mail.

        Raises:
            DeliveryError: what a send would fail with now.
        """
        tls = self._mailer.check(current() or context.deadline)
        return Health.ok("connected and logged in" if self.username else "connected", tls=tls or None)

    def close(self) -> None:
        """Close the connections that are kept; one that is in use closes when its mail is through."""
        self._mailer.close()
