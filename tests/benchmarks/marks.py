"""The mark that each message bears, so that a sink can count what really arrived."""

__all__ = ["DIGITS", "PREFIX", "fields", "mark"]

PREFIX = "QZ"
DIGITS = 8
_TEXT = "Position risk 6.5 % exceeds the limit of 5.0 %; orders that would add to it are held back."


def mark(number: int) -> str:
    """``QZ00000042``: no format escapes, folds or encodes any of it."""
    return f"{PREFIX}{number:0{DIGITS}d}"


def fields(number: int) -> dict:
    """One message, the same for every player."""
    return {
        "title": f"Position Risk Exceeded {mark(number)}",
        "message": _TEXT,
        "priority": "HIGH",
        "symbol": "BTCUSDT",
        "strategy_id": "momentum_001",
        "data": {"position_size": 2.5, "risk_pct": 6.5, "limit_pct": 5.0},
    }
