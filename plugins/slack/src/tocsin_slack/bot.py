"""The Web API: a bot's new message, its edit, its reply, and looking for one that may have arrived."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from tocsin import Alert, DeliveryError, DeliveryTimeout, Receipt, Secret, SendContext
from tocsin_slack.answer import Reply
from tocsin_slack.errors import EDIT_IMPOSSIBLE, THREAD_IMPOSSIBLE
from tocsin_slack.format import POSTED, message
from tocsin_slack.thread import Earlier, receipt_of

__all__ = ["METADATA_TYPE", "Bot"]

METADATA_TYPE = "tocsin_alert"
"""``event_type`` of the metadata, under which a message is found again."""
_EDITED = {"parse": "none", "link_names": False}
"""chat.update would find names and links by itself, unlike chat.postMessage
(docs.slack.dev/reference/methods/chat.update)."""
_LOOKED_THROUGH = 15
"""Messages in which a copy is looked for: what an app outside the Marketplace gets at once
(docs.slack.dev/reference/methods/conversations.history)."""
_SKEW = 60.0
"""Seconds by which Slack's clock may be behind."""


@attrs.frozen
class Bot:
    """One attempt of a bot.

    Attributes:
        api_url: base address of the Web API.
        token: of the bot; it goes into the header, never into URL or body.
        context: of the attempt.
    """

    api_url: str
    token: Secret
    context: SendContext

    def call(self, method: str, **body: Any) -> Reply:
        """Ask a method; ``json`` or ``form`` is its body."""
        headers = {"Authorization": f"Bearer {self.token.reveal()}"}
        return Reply.of(self.context.http.post(f"{self.api_url.rstrip('/')}/{method}", headers=headers, **body))

    def deliver(self, alert: Alert, address: str) -> Receipt:
        """Edit the earlier message, or answer it where the alert must be noticed; else, or where that fails, post."""
        earlier = Earlier.of(self.context.previous, address)
        if earlier is not None and not self.context.louder:
            edited = self._edit(alert, address, earlier)
            if edited is not None:
                return edited
        found = self._find(alert, address) if self.context.repeated else None
        if found is not None:
            return found
        if earlier is not None and self.context.louder:
            reply = self._reply(alert, address, earlier)
            if reply is not None:
                return reply
        return _posted(self._post(alert, {"channel": address}), address)

    def _edit(self, alert: Alert, address: str, earlier: Earlier) -> Receipt | None:
        """The receipt of the edited message; None where it cannot be edited any more.

        Where it is a reply, the thread's parent is edited too: both stand in the channel, and neither may tell what is
        no longer so. An edit may be repeated without harm, so a failure of the second repeats both, and neither carries
        a mark of a repeat.
        """
        if not self._update(alert, earlier.channel, earlier.ts):
            return None
        if earlier.thread_ts != earlier.ts:
            self._update(alert, earlier.channel, earlier.thread_ts)
        return receipt_of(earlier.ts, earlier.channel, address, thread_ts=earlier.thread_ts, edited=True)

    def _update(self, alert: Alert, channel: str, ts: str) -> bool:
        body = message(alert, plain=self.context.plain, edit=True) | _EDITED | {"channel": channel, "ts": ts}
        reply = self.call("chat.update", json=body)
        if reply.word in EDIT_IMPOSSIBLE and not reply.ok:
            return False
        reply.check()
        return True

    def _reply(self, alert: Alert, address: str, earlier: Earlier) -> Receipt | None:
        """The receipt of a reply that the channel sees too; None where nothing can be put under the message."""
        where = {"channel": earlier.channel, "thread_ts": earlier.thread_ts, "reply_broadcast": True}
        reply = self._post(alert, where)
        return None if reply.word in THREAD_IMPOSSIBLE and not reply.ok else _posted(reply, address)

    def _post(self, alert: Alert, where: dict[str, Any]) -> Reply:
        """Post a message that can be found by its metadata.

        Every app of the workspace can read metadata (docs.slack.dev/messaging/message-metadata), so there is nothing in
        it but the delivery's key, which is a hash.
        """
        body = message(alert, plain=self.context.plain, repeated=self.context.repeated) | POSTED | where
        if not self.context.plain:
            body["metadata"] = {"event_type": METADATA_TYPE, "event_payload": {"key": self.context.key}}
        return self.call("chat.postMessage", json=body)

    def _find(self, alert: Alert, address: str) -> Receipt | None:
        """The receipt of a message that an earlier attempt did post, although its answer was lost.

        It takes the scope channels:history (groups:history in private channels). Where the bot may not read the
        channel, or anything else goes wrong, None: a marked copy is better than no message.
        """
        for item in self._messages_since(min(alert.created_at, self.context.now).timestamp() - _SKEW, address):
            if _key(item) == self.context.key and isinstance(item.get("ts"), str):
                return receipt_of(item["ts"], address, address, thread_ts=_thread_ts(item), found=True)
        return None

    def _messages_since(self, oldest: float, address: str) -> Iterable[Any]:
        form = {"channel": address, "include_all_metadata": "1", "limit": str(_LOOKED_THROUGH)}
        try:
            body = self.call("conversations.history", form=form | {"oldest": f"{max(oldest, 0.0):.6f}"}).check().body
        except DeliveryError:
            return ()
        messages = body.get("messages")
        return messages if isinstance(messages, list) else ()


def _key(item: Any) -> object:
    """The key in a message's metadata."""
    metadata = item.get("metadata") if isinstance(item, dict) else None
    if not isinstance(metadata, dict) or metadata.get("event_type") != METADATA_TYPE:
        return None
    payload = metadata.get("event_payload")
    return payload.get("key") if isinstance(payload, dict) else None


def _posted(reply: Reply, address: str) -> Receipt:
    """The receipt of a new message, whose timestamp and channel id prove that it was taken.

    Where the parent was deleted, Slack posts a reply as a message of its own and says ok; only the ``thread_ts`` of the
    answered message tells (github.com/slack-go/slack/issues/1571).
    """
    body = reply.check().body
    ts, channel = body.get("ts"), body.get("channel")
    if not isinstance(ts, str) or not isinstance(channel, str):
        raise DeliveryTimeout("Slack said ok but named no message", status_code=reply.response.status)
    return receipt_of(ts, channel, address, thread_ts=_thread_ts(body.get("message")))


def _thread_ts(item: Any) -> str | None:
    found = item.get("thread_ts") if isinstance(item, dict) else None
    return found if isinstance(found, str) else None
