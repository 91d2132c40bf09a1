"""What can go wrong, as one tree of exceptions with stable codes.

Every exception that Tocsin raises is a :class:`TocsinError` with a ``code`` that the documentation lists. What a
channel raises is a :class:`DeliveryError`: it carries everything the dispatcher needs to decide what happens next, so
that no caller ever has to parse a message.
"""

from tocsin.errors.delivery import (
    AuthError,
    ChannelConfigError,
    CircuitOpen,
    ClientError,
    ConnectionFailed,
    DeliveryError,
    DeliveryTimeout,
    Expired,
    InvalidRecipient,
    PayloadError,
    PluginError,
    RateLimited,
    ServerError,
    TlsError,
    not_attempted,
)
from tocsin.errors.kinds import ErrorKind, Outcome, Scope
from tocsin.errors.usage import (
    AlertError,
    ConfigError,
    DeliveryFailed,
    ProcessorFailed,
    QueueFull,
    RolledBack,
    ServiceClosed,
    StoreError,
    Suppressed,
    TocsinError,
    UnknownAlert,
    UnknownChannel,
    did_you_mean,
)

__all__ = [
    "AlertError",
    "AuthError",
    "ChannelConfigError",
    "CircuitOpen",
    "ClientError",
    "ConfigError",
    "ConnectionFailed",
    "DeliveryError",
    "DeliveryFailed",
    "DeliveryTimeout",
    "ErrorKind",
    "Expired",
    "InvalidRecipient",
    "Outcome",
    "PayloadError",
    "PluginError",
    "ProcessorFailed",
    "QueueFull",
    "RateLimited",
    "RolledBack",
    "Scope",
    "ServerError",
    "ServiceClosed",
    "StoreError",
    "Suppressed",
    "TlsError",
    "TocsinError",
    "UnknownAlert",
    "UnknownChannel",
    "did_you_mean",
    "not_attempted",
]
