"""How cost grows with what is configured, addressed, kept and installed."""

CURVES = {}
