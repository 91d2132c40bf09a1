"""The alerts that channels are checked with, from an ordinary one to the worst that anybody may send."""

from __future__ import annotations

from typing import Any

from tocsin.alert import Alert

__all__ = ["MARKUP", "WORST", "an_alert"]


def an_alert(**fields: Any) -> Alert:
    """An ordinary alert; short, in ASCII."""
    return Alert(**{"title": "Disk full", "message": "/var is at 98 %", "priority": "HIGH", **fields})


def _nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"end": 1}
    for _ in range(depth - 2):
        value = {"deeper": value}
    return value


MARKUP: dict[str, str] = {
    "html": "<b>bold</i> <p><br/> <script>alert(1)</script> <a href='javascript:x'>x</a> <img src=x onerror=y> </b",
    "entities": "&amp; &lt; &nbsp; &#60; &bogus; & &&",
    "xml": "<![CDATA[ x ]]> ]]> <?xml version='1.0'?> <!-- -- > <!DOCTYPE x>",
    "markdown": "**a* __b_ ~~c~ `d ```e [f](g (h) > i # j | k \\_ \\ ![l](m",
    "mentions": "@everyone @here @channel <!channel> <!here|x> <@U024BE7LH> <@!80351110224678912> <@&1> <#2> <t:1:R>",
    "links": "https://example.com/?a=1&b=<2> <https://example.com|label> mailto:x@example.com http://[::1",
    "quotes": '"double" \'single\' \\back\\slash \\u0041 \\x41 \\n \\" `tick` “curly”',
    "templates": "{{ 7 * 7 }} ${HOME} {0} {name} %s %(name)s %n $(id) <%= 1 %> #{1}",
    "headers": "x\r\nBcc: everyone@example.com\r\n\r\nInjected: yes\n.\n\nQUIT\n",
    "json": '{"text": "x", "attachments": [{"color": null}]} ]}',
    "queries": "'; DROP TABLE alerts; -- &To=%2B15005550099&Body=x+y%00",
}
"""Text that is markup, or a command, somewhere."""

WORST: dict[str, dict[str, Any]] = {
    "emoji": {
        "title": "\U0001f525 \U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
        "message": "\u2139\ufe0f \U0001f44d\U0001f3fd" * 50,
    },
    "right to left": {"title": "\u0645\u0631\u062d\u0628\u0627", "message": "\u202eabc\u202c \u05e9\u05dc\u05d5\u05dd"},
    "combining marks": {"title": "Z" + "\u0300\u0301\u0302\u0303" * 30, "message": "e\u0301a\u0308" * 500},
    "wide characters": {"title": "\u78c1\u76d8\u5df2\u6ee1", "message": "\u8b66\u544a" * 3_000},
    "beyond the basic plane": {"title": "\U0001d54f" * 300, "message": "\U00020000" * 5_000},
    "controls and surrogates": {
        "title": "a\x00b\x1b[31m\ud800",
        "message": "\x07\x7f\x85\udfff\r\rtab\there\u2028\u2029\ufeff\u200b",
    },
    "blanks": {"title": "\u00a0 x \u3000", "message": " \n\t \n \u00a0 "},
    "empty message": {"message": ""},
    "message of 100 kB": {"message": "All work and no play. " * 4_600},
    "message without a blank": {"message": "x" * 100_000},
    "message of line ends": {"message": "\n" * 20_000},
    "longest title": {"title": "t" * 1_000},
    "500 data keys": {"data": {f"key_{number}": f"value {number}" for number in range(500)}},
    "deep data": {"data": _nested(32)},
    "odd data": {
        "data": {"": "", "k" * 5_000: None, "<b>": [True, {"x": []}], "n": -1.5e300, "i": 2**100, "*_": "`" * 200}
    },
    "long data": {"data": {"stack": "line\n" * 20_000}},
    "every field": {
        "alert_type": "RISK",
        "priority": "CRITICAL",
        "symbol": "<BTC&USDT>",
        "strategy_id": "momentum_001",
        "position_id": "p*1*",
        "source": 'desk_"1"',
        "dedup_key": "k" * 256,
        "status": "resolved",
        "labels": {f"label_{number}": "<!here> " * 20 for number in range(30)},
    },
}
"""Fields of alerts that have broken somebody's formatter."""
