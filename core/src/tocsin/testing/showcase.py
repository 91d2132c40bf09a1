"""The alerts that channels are shown with: the two of ``tocsin demo``, and one that asks for everything at once."""

from __future__ import annotations

from tocsin.alert import Alert

__all__ = ["showcase"]

_WHEN = "2026-11-23T09:30:00+00:00"
_PARAGRAPH = (
    "The margin account fell below its maintenance level at 09:29:58. Orders that would add to the position are held "
    "back until somebody has looked at it & released them. "
)


def showcase() -> dict[str, Alert]:
    """Alerts by name: ``risk``, ``milestone`` and ``worst``; ids and times are fixed, so that pictures can be compared.

    The worst has more text than a chat message takes, markup and mentions of several providers, a link, emoji of
    several code points, text that runs from right to left, labels and nested data.
    """
    return {"risk": _risk(), "milestone": _milestone(), "worst": _worst()}


def _risk() -> Alert:
    return Alert(
        title="Position Risk Exceeded",
        message="Position risk 6.5% exceeds limit 5.0%",
        alert_type="RISK",
        priority="HIGH",
        symbol="BTCUSDT",
        strategy_id="momentum_001",
        data={"position_size": 2.5, "risk_pct": 6.5, "limit_pct": 5.0},
        alert_id="4f1c8e52-risk",
        created_at=_WHEN,
    )


def _milestone() -> Alert:
    return Alert(
        title="Monthly Goal Achieved",
        message="The goal of this month is reached.",
        alert_type="MILESTONE",
        priority="INFO",
        data={"target": 5.0, "achieved": 5.2},
        alert_id="4f1c8e52-milestone",
        created_at=_WHEN,
    )


def _worst() -> Alert:
    return Alert(
        title="@everyone <!channel> **Margin** <b>call</b> & 'more' 👩‍👩‍👧 " + "over several accounts " * 14,
        message=(
            "@here <@U123> `code` _it_ ~no~ ||no|| [a](https://example.com) <script>alert(1)</script> &amp;\n"
            "> quoted\n# title\n\tindented  twice\nhttps://example.com/a_b?c=<d>&e=1#f\n"
            "مرحبا بالعالم 🇩🇪 e\u0301 漢字 \u202eabc\u202c\n"
        )
        + "".join(f"\n{number}. {_PARAGRAPH * 2}" for number in range(1, 21)),
        alert_type="HEALTH",
        priority="CRITICAL",
        symbol="A`B<C>",
        strategy_id="*mean_reversion*",
        position_id="<@999>",
        labels={"team": "ops & dev", "*not bold*": "line\nbreak"},
        data={"fence": "```\n@everyone\n```", "deep": {"er": {"<i>": ["<u>", None, True]}}}
        | {f"account_{number}": round(-12.5 * number, 2) for number in range(1, 9)},
        source='desk "1"',
        dedup_key="margin-1",
        alert_id="4f1c8e52-`worst`",
        created_at=_WHEN,
    )
