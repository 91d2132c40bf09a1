"""Alert delivery: a small core, and channels that install one by one.

Nothing is loaded at import; each name is loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tocsin.alert import Alert, AlertChannel, AlertPriority, AlertStatus, AlertType
    from tocsin.clock import Clock
    from tocsin.config import NotificationConfig
    from tocsin.errors import (
        AlertError,
        AlertLost,
        AuthError,
        ChannelConfigError,
        CircuitOpen,
        ClientError,
        ConfigError,
        ConnectionFailed,
        ContentLost,
        ContentSealed,
        DeliveryError,
        DeliveryFailed,
        DeliveryTimeout,
        ErrorKind,
        Expired,
        InvalidRecipient,
        Outcome,
        PayloadError,
        PluginError,
        ProcessorFailed,
        QueueFull,
        RateLimited,
        RolledBack,
        Scope,
        ServerError,
        ServiceClosed,
        StoreError,
        Suppressed,
        TlsError,
        TocsinError,
        UnknownAlert,
        UnknownChannel,
    )
    from tocsin.hookspecs import Capabilities, ChannelSpec, SendContext, hookimpl
    from tocsin.manager import AlertManager
    from tocsin.processors import redact
    from tocsin.receipt import Health, HealthState, Receipt, ReceiptState, ReceiptUpdate, UpdateState
    from tocsin.recipient import Recipient
    from tocsin.report import Attempt, DeliveryReport, DeliveryState, NotificationResult, RecipientResult
    from tocsin.secret import Secret
    from tocsin.service import NotificationService
    from tocsin.store import MemoryStore, Store

_HOMES = {
    "alert": ("Alert", "AlertChannel", "AlertPriority", "AlertStatus", "AlertType"),
    "clock": ("Clock",),
    "config": ("NotificationConfig",),
    "errors": (
        "AlertError",
        "AlertLost",
        "AuthError",
        "ChannelConfigError",
        "CircuitOpen",
        "ClientError",
        "ConfigError",
        "ContentLost",
        "ContentSealed",
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
    ),
    "hookspecs": ("Capabilities", "ChannelSpec", "SendContext", "hookimpl"),
    "manager": ("AlertManager",),
    "processors": ("redact",),
    "receipt": ("Health", "HealthState", "Receipt", "ReceiptState", "ReceiptUpdate", "UpdateState"),
    "recipient": ("Recipient",),
    "report": ("Attempt", "DeliveryReport", "DeliveryState", "NotificationResult", "RecipientResult"),
    "secret": ("Secret",),
    "service": ("NotificationService",),
    "store": ("MemoryStore", "Store"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Alert",
    "AlertChannel",
    "AlertError",
    "AlertLost",
    "AlertManager",
    "AlertPriority",
    "AlertStatus",
    "AlertType",
    "Attempt",
    "AuthError",
    "Capabilities",
    "ChannelConfigError",
    "ChannelSpec",
    "CircuitOpen",
    "ClientError",
    "Clock",
    "ConfigError",
    "ConnectionFailed",
    "ContentLost",
    "ContentSealed",
    "DeliveryError",
    "DeliveryFailed",
    "DeliveryReport",
    "DeliveryState",
    "DeliveryTimeout",
    "ErrorKind",
    "Expired",
    "Health",
    "HealthState",
    "InvalidRecipient",
    "MemoryStore",
    "NotificationConfig",
    "NotificationResult",
    "NotificationService",
    "Outcome",
    "PayloadError",
    "PluginError",
    "ProcessorFailed",
    "QueueFull",
    "RateLimited",
    "Receipt",
    "ReceiptState",
    "ReceiptUpdate",
    "Recipient",
    "RecipientResult",
    "RolledBack",
    "Scope",
    "Secret",
    "SendContext",
    "ServerError",
    "ServiceClosed",
    "Store",
    "StoreError",
    "Suppressed",
    "TlsError",
    "TocsinError",
    "UnknownAlert",
    "UnknownChannel",
    "UpdateState",
    "hookimpl",
    "redact",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("tocsin")
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
