"""Checks of what arrives: at the right recipient, once, whatever the alert contains."""

from __future__ import annotations

import json
import threading
from typing import Any

import attrs
import pytest

from tocsin.alert import AlertPriority
from tocsin.hookspecs import Capabilities
from tocsin.receipt import Receipt
from tocsin.testing.contract.alerts import MARKUP, WORST, an_alert
from tocsin.testing.contract.rig import Rig
from tocsin.testing.contract.subject import Subject, needs

__all__ = ["DeliveryChecks"]

_THREADS, _EACH = 8, 5


class DeliveryChecks(Subject):
    """Sends that the provider takes."""

    def test_a_success_is_a_receipt(self, rig: Rig) -> None:
        """With plain JSON values, because stores and reports keep it."""
        receipt = rig.send()

        assert isinstance(receipt, Receipt)
        assert json.loads(json.dumps(receipt.to_dict())) == receipt.to_dict()

    def test_title_and_message_arrive(self, rig: Rig) -> None:
        """A person reads both."""
        rig.send(an_alert())
        texts = rig.arrived()
        if texts is None:
            pytest.skip("nobody can look into this channel")

        assert [("Disk full" in text, "/var is at 98 %" in text) for text in texts] == [(True, True)]

    @needs("provider", "recipients")
    def test_only_the_recipient_that_was_meant_gets_it(self, rig: Rig) -> None:
        """One call, one recipient; fan-out is the core's."""
        for meant in range(len(rig.channel.recipients)):
            before = [len(rig.received(index)) for index in range(len(rig.channel.recipients))]
            rig.send(to=meant)
            after = [len(rig.received(index)) for index in range(len(rig.channel.recipients))]

            assert after == [count + (index == meant) for index, count in enumerate(before)]

    @pytest.mark.parametrize("priority", list(AlertPriority))
    def test_every_priority_arrives(self, rig: Rig, priority: AlertPriority) -> None:
        """Each in each status."""
        for status in ("firing", "acknowledged", "resolved"):
            self._arrives(rig, priority=priority, status=status)

    @pytest.mark.parametrize("name", list(MARKUP))
    def test_markup_of_any_kind_is_text(self, rig: Rig, name: str) -> None:
        """In every field; nothing in an alert breaks the message, and the provider refuses nothing."""
        text = MARKUP[name]
        self._arrives(rig, message=text)
        self._arrives(
            rig,
            title=f"Check {text}",
            message=text,
            symbol=text[:50],
            source=text[:50],
            labels={text[:50]: text},
            data={text: text, "list": [text], "inner": {text: text}},
        )

    @pytest.mark.parametrize("name", list(WORST))
    def test_the_worst_alerts_arrive(self, rig: Rig, name: str) -> None:
        """Cut to the provider's limits where they are longer, never refused."""
        self._arrives(rig, **WORST[name])

    @needs("plain")
    @pytest.mark.parametrize("name", ["message of 100 kB", "500 data keys", "every field", "combining marks"])
    def test_the_simpler_form_arrives_too(self, rig: Rig, name: str) -> None:
        """``context.plain``: what is sent once the provider has refused the full form."""
        self._arrives(rig, **WORST[name])
        self._arrives(rig, plain=True, **WORST[name])
        self._arrives(rig, plain=True, title=f"Check {MARKUP['html']}", message=MARKUP["markdown"])

    def test_a_receipt_that_means_nothing_to_the_channel_does_no_harm(self, rig: Rig) -> None:
        """The earlier message may be deleted, or of another channel: a new one is sent."""
        for previous in (Receipt(), Receipt(provider_id="no-such-message", details={"message_id": "0", "ts": "0"})):
            self._arrives(rig, dedup_key="disk", status="resolved", previous=previous)

    @needs("provider", "update or thread")
    def test_an_alert_may_follow_an_earlier_one(self, rig: Rig) -> None:
        """Updates or threads, with the receipt of the alert that had the same ``dedup_key``."""
        first = rig.send(an_alert(dedup_key="disk"))
        second = rig.send(an_alert(title="Disk fine again", dedup_key="disk", status="resolved"), previous=first)
        third = rig.send(an_alert(title="Disk full anew", dedup_key="disk"), previous=second, louder=True)

        assert isinstance(third, Receipt)
        assert "Disk full anew" in rig.received()[-1].text

    def test_threads_do_not_disturb_each_other(self, rig: Rig) -> None:
        """Eight at once, five alerts each: all arrive exactly once."""
        failures: list[BaseException] = []
        titles = [[f"Check {thread}x{number}z" for number in range(_EACH)] for thread in range(_THREADS)]

        def work(mine: list[str], to: int) -> None:
            try:
                for title in mine:
                    rig.send(an_alert(title=title), to=to, seconds=20.0)
            except BaseException as error:
                failures.append(error)

        recipients = len(rig.channel.recipients)
        threads = [threading.Thread(target=work, args=(mine, index % recipients)) for index, mine in enumerate(titles)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30.0)

        assert failures == []
        texts = [rig.arrived(to) for to in range(recipients)]
        if None not in texts:
            for index, mine in enumerate(titles):
                there = texts[index % recipients] or []
                assert [sum(title in text for text in there) for title in mine] == [1] * _EACH

    def test_capabilities_are_stated_as_data(self) -> None:
        """The core, the reference and ``channels describe`` read them without an instance."""
        capabilities = getattr(self.channel_class, "capabilities", Capabilities(probe=False))

        assert isinstance(capabilities, Capabilities)
        assert json.loads(json.dumps(capabilities.to_dict())) == capabilities.to_dict()
        assert attrs.evolve(capabilities).rate_limit >= 0

    def _arrives(self, rig: Rig, *, plain: bool = False, previous: Receipt | None = None, **fields: Any) -> None:
        """The alert is taken, exactly once, and something of it can be read."""
        before = rig.arrived()
        receipt = rig.send(an_alert(**fields), plain=plain, previous=previous)
        after = rig.arrived()

        assert isinstance(receipt, Receipt)
        if before is not None and after is not None:
            assert len(after) == len(before) + 1
            assert after[-1].strip()
