"""Processors: ``Alert -> Alert`` before routing, or :class:`~tocsin.errors.Suppressed`. ``redact`` ships."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from tocsin.alert import Alert
from tocsin.errors import ProcessorFailed, Suppressed

__all__ = ["Processor", "process", "redact"]

Processor = Callable[[Alert], Alert]
_HIDDEN = "[redacted]"


def redact(keys: Iterable[str] = (), patterns: Iterable[str | re.Pattern[str]] = ()) -> Processor:
    """A processor that takes sensitive values out, so that no channel, store or log ever has them.

    Args:
        keys: names in ``data`` and ``labels``, at any depth and in any case, whose value is replaced whole.
        patterns: regular expressions; what they match in texts, names, labels and data is replaced.
    """
    redactor = _Redactor(frozenset(key.lower() for key in keys), tuple(re.compile(pattern) for pattern in patterns))
    return redactor.alert


@attrs.frozen
class _Redactor:
    keys: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]

    def alert(self, alert: Alert) -> Alert:
        names = ("title", "message", "symbol", "strategy_id", "position_id", "source")
        texts = {name: self.text(value) for name in names if (value := getattr(alert, name))}
        return attrs.evolve(alert, data=self.value(alert.data), labels=self.value(alert.labels), **texts)

    def text(self, text: str) -> str:
        for pattern in self.patterns:
            text = pattern.sub(_HIDDEN, text)
        return text

    def value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(key): self.item(key, item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return _HIDDEN if is_number and self.text(str(value)) != str(value) else value

    def item(self, key: str, value: Any) -> Any:
        return _HIDDEN if key.lower() in self.keys else self.value(value)


def process(alert: Alert, processors: Iterable[Processor]) -> tuple[Alert, str | None]:
    """The alert after all processors, and None; or as far as it came, and why it goes nowhere.

    Raises:
        ProcessorFailed: one of them failed; its message names the processor and the exception's type, no content.
    """
    for processor in processors:
        failure: str
        try:
            result = processor(alert)
        except Suppressed as suppressed:
            return alert, suppressed.reason
        except Exception as error:
            failure = f"raised {type(error).__name__}"
        else:
            if isinstance(result, Alert):
                alert = result
                continue
            failure = f"returned {type(result).__name__}, an Alert is needed"
        name = getattr(processor, "__qualname__", type(processor).__name__)
        raise ProcessorFailed(f"the processor {name} {failure}; the alert was not sent") from None
    return alert, None
