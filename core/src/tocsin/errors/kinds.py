"""The words that classify a failure, for reports, logs, metrics and the dispatcher."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ErrorKind", "Outcome", "Scope"]


class ErrorKind(StrEnum):
    """The class of a failed attempt, as reports, logs and metrics show it."""

    AUTH = "auth"
    RATE_LIMITED = "rate_limited"
    INVALID_RECIPIENT = "invalid_recipient"
    PAYLOAD = "payload"
    CLIENT = "client"
    SERVER = "server"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    CONFIG = "config"
    PLUGIN = "plugin"
    CIRCUIT_OPEN = "circuit_open"
    EXPIRED = "expired"
    STORE = "store"


class Outcome(StrEnum):
    """What one attempt came to, and with it what happens next."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    RETRY = "retry"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    GONE = "gone"
    CREDENTIALS = "credentials"
    PLUGIN_ERROR = "plugin_error"


class Scope(StrEnum):
    """What a failure, or a wait that the provider asked for, holds back."""

    MESSAGE = "message"
    RECIPIENT = "recipient"
    CHANNEL = "channel"
