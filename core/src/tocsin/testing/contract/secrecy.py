"""Checks that neither secrets nor content are seen where they do not belong."""

from __future__ import annotations

import base64
import contextlib
import logging
import threading
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tocsin.alert import Alert
from tocsin.errors import DeliveryError
from tocsin.receipt import Receipt
from tocsin.testing.contract.alerts import an_alert
from tocsin.testing.contract.rig import Rig
from tocsin.testing.contract.settings import secrets_in
from tocsin.testing.contract.subject import Connect, Subject, needs
from tocsin.testing.simulator import Fault, FaultKind

__all__ = ["SecrecyChecks"]

_CONTENT = "c4n4ryc0ntent"
_SHORTEST = 5
"""Characters: anything shorter is found in ordinary words."""
_SECONDS = {FaultKind.HANG: 0.2, FaultKind.DRIP: 0.2}


class SecrecyChecks(Subject):
    """Each fault with a canary in every secret, address and field of the alert."""

    def test_no_representation_shows_a_secret(self, rig: Rig, channel_settings: dict[str, Any]) -> None:
        """Neither of the channel nor of its recipients, however they are printed."""
        shown = [
            text
            for thing in (rig.channel, rig.channel.instance, rig.channel.recipients, *rig.channel.recipients)
            for text in (repr(thing), str(thing), f"{thing}", "%r" % (thing,))  # noqa: UP031 -- one more way to print
        ]

        self._reveals_nothing(rig, channel_settings, "\n".join(shown), content=False)

    def test_a_success_shows_neither_secret_nor_content(
        self, rig: Rig, channel_settings: dict[str, Any], capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Neither the receipt, nor the health, nor any logger at DEBUG."""
        with listening() as logged:
            receipt, health = rig.send(_canary()), rig.health()
        printed = "".join(capfd.readouterr())

        self._reveals_nothing(rig, channel_settings, f"{receipt!r} {receipt.to_dict()} {health!r} {''.join(logged)}")
        self._reveals_nothing(rig, channel_settings, printed, content=False)

    @needs("provider")
    @pytest.mark.parametrize("fault", list(FaultKind), ids=str)
    def test_a_fault_shows_neither_secret_nor_content(
        self, rig: Rig, channel_settings: dict[str, Any], fault: FaultKind
    ) -> None:
        """Not in the exception, its causes and its traceback, and not in any logger at DEBUG."""
        self.require(fault)
        rig.provider.fail(fault)
        with listening() as logged:
            result = rig.outcome(_canary(), seconds=_SECONDS.get(fault, 3.0))

        self._reveals_nothing(rig, channel_settings, f"{_told(result)} {''.join(logged)}")

    @needs("provider")
    @pytest.mark.parametrize("fault", list(FaultKind), ids=str)
    def test_the_words_of_the_plugin_itself_are_clean(
        self, rig: Rig, channel_settings: dict[str, Any], fault: FaultKind
    ) -> None:
        """The core takes known secrets out of them; it cannot know the content."""
        self.require(fault)
        rig.provider.fail(fault)
        error = rig.unguarded(_canary(), seconds=_SECONDS.get(fault, 3.0))

        assert error is None or isinstance(error, DeliveryError)
        if isinstance(error, DeliveryError):
            words = f"{error.message} {error.hint} {error.provider_code} {error.args}"
            self._reveals_nothing(rig, channel_settings, words)

    @needs("provider")
    def test_a_failed_connection_shows_no_secret(self, rig: Rig, channel_settings: dict[str, Any]) -> None:
        """The libraries below quote whole URLs there."""
        secrets = self._secrets(rig, channel_settings)
        rig.provider.close()
        with listening() as logged:
            text = f"{_told(rig.outcome(_canary()))} {rig.health()!r} {''.join(logged)}"

        assert [secret for secret in secrets if secret in text] == []
        assert _CONTENT not in text

    @needs("provider")
    def test_a_failing_health_shows_no_secret(self, rig: Rig, channel_settings: dict[str, Any]) -> None:
        """Its reason is shown on pages and in the command line."""
        rig.provider.fail(*(Fault(FaultKind.UNAUTHORIZED, times=0),))
        health = rig.health()

        self._reveals_nothing(rig, channel_settings, f"{health!r} {health.to_dict()}")

    def test_a_channel_that_is_built_logs_nothing_secret(
        self, connect: Connect, channel_settings: dict[str, Any]
    ) -> None:
        """Nor does one that is closed."""
        with listening() as logged:
            rig = connect()
            rig.channel.close()

        self._reveals_nothing(rig, channel_settings, "".join(logged))

    def _reveals_nothing(self, rig: Rig, settings: dict[str, Any], text: str, *, content: bool = True) -> None:
        assert [secret for secret in self._secrets(rig, settings) if secret in text] == []
        assert not content or _CONTENT not in text

    def _secrets(self, rig: Rig, settings: dict[str, Any]) -> set[str]:
        """Every secret setting and every address, in each form in which it could slip through."""
        used = [item for item in self.declared() if settings.get(item.name) is not None]
        clear = {*secrets_in(used, settings)}
        if not self.without_recipients:
            clear |= {recipient.address.reveal() for recipient in rig.channel.recipients}
        return {form for secret in clear for form in _forms(secret) if len(form) >= _SHORTEST}


def _forms(secret: str) -> Iterator[str]:
    raw = secret.encode()
    yield from (secret, quote(raw), quote(raw, safe=""), base64.b64encode(raw).decode().rstrip("="))
    if "://" in secret:
        parts = urlsplit(secret)
        yield from (part for part in (parts.path, parts.query, parts.password or "") if len(part) > _SHORTEST)


def _canary() -> Alert:
    word = _CONTENT
    fields = ("title", "message", "symbol", "strategy_id", "position_id", "source", "dedup_key")
    return an_alert(**dict.fromkeys(fields, word), labels={word: word}, data={word: word, "inner": {"key": [word]}})


def _told(result: Receipt | DeliveryError) -> str:
    """Everything that an application can print of an outcome."""
    if isinstance(result, Receipt):
        return f"{result!r} {result.to_dict()}"
    words = (result, repr(result), vars(result), getattr(result, "__notes__", ""))
    return " ".join([*map(str, words), *traceback.format_exception(result)])


class _Listener(logging.Handler):
    """Keeps what one thread logs; the simulator's threads may say what they like."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._thread = threading.get_ident()
        self._format = logging.Formatter("%(name)s %(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line, its traceback and whatever was passed along with it."""
        if record.thread == self._thread:
            self.lines.append(f"{self._format.format(record)} {vars(record)}\n")


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Every line that this thread logs, on any logger, at any level."""
    listener = _Listener()
    known = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    levels = [(logger, logger.level) for logger in (logging.root, *known)]
    deaf = [logging.root, *(logger for logger in known if not logger.propagate)]
    for logger, _ in levels:
        logger.setLevel(logging.DEBUG)
    for logger in deaf:
        logger.addHandler(listener)
    try:
        yield listener.lines
    finally:
        for logger in deaf:
            logger.removeHandler(listener)
        for logger, level in levels:
            logger.setLevel(level)
