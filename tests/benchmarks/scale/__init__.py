"""How cost grows with what is configured, addressed, kept and installed."""

from . import alerts, channels, plugins, recipients

__all__ = ["CURVES"]

CURVES = {
    "channels": channels.curve,
    "recipients": recipients.curve,
    "alerts": alerts.curve,
    "plugins": plugins.curve,
}
