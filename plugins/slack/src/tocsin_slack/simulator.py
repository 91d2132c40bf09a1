"""Slack on loopback: one incoming webhook, and the Web API for one bot in one channel."""

from __future__ import annotations

import json
import time
from collections import deque
from typing import Any
from urllib.parse import parse_qsl

from tocsin.testing import Answer, Fault, FaultKind, HttpSimulator, Received, Request
from tocsin_slack.blockkit import BadBlocks, check, visible

__all__ = ["SlackSimulator"]

_TOKEN = "xoxb-100000000001-simulated"
_HOOK = "/services/T00000001/B00000001/simulatedsimulatedsimulated"
_CHANNEL = "C0000000001"
_SCOPES = "chat:write,channels:read,channels:history"
_SENDING = ("chat.postMessage", "chat.update")
_LOOKING = {"conversations.info": "channels:read", "conversations.history": "channels:history"}
_HOOK_FAULTS: dict[FaultKind, tuple[int, str]] = {
    FaultKind.SERVER_ERROR: (500, "rollup_error"),
    FaultKind.UNAUTHORIZED: (403, "invalid_token"),
    FaultKind.REFUSED_RECIPIENT: (404, "no_service"),
    FaultKind.REFUSED_PAYLOAD: (400, "invalid_blocks"),
    FaultKind.RATE_LIMITED: (429, "rate_limited"),
    FaultKind.LIE: (200, "no_service"),
}
_API_FAULTS: dict[FaultKind, tuple[int, str]] = {
    FaultKind.SERVER_ERROR: (503, "service_unavailable"),
    FaultKind.UNAUTHORIZED: (200, "invalid_auth"),
    FaultKind.REFUSED_RECIPIENT: (200, "channel_not_found"),
    FaultKind.REFUSED_PAYLOAD: (200, "invalid_blocks"),
    FaultKind.RATE_LIMITED: (429, "ratelimited"),
    FaultKind.LIE: (200, "is_archived"),
}


class SlackSimulator(HttpSimulator):
    """A workspace with one incoming webhook and one channel that the bot is in.

    Attributes:
        hooks: paths of the webhooks that exist.
        channels: what ``conversations.info`` says, by id.
        scopes: of the bot's token.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hooks = {_HOOK}
        self.channels: dict[str, dict[str, Any]] = {_CHANNEL: {"is_archived": False, "is_member": True}}
        self.scopes = _SCOPES
        self._scripted: deque[Answer] = deque()
        self._posted: dict[tuple[str, str], dict[str, Any]] = {}
        self._last = 0

    def settings(self) -> dict[str, Any]:
        """One webhook, and one channel of a bot."""
        return {
            "webhook_urls": [f"{self.url}{_HOOK}"],
            "bot_token": _TOKEN,
            "channel_ids": [_CHANNEL],
            "api_url": f"{self.url}/api",
        }

    def addresses(self) -> list[str]:
        """The webhook's URL and the channel's id."""
        return [f"{self.url}{_HOOK}", _CHANNEL]

    def script(self, word: str, status: int = 200, **more: object) -> None:
        """Answer the next message with this word: as plain text to a webhook, as ``error`` to a bot."""
        self._scripted.append(_answer(status, {"ok": False, "error": word} | more))

    def delete(self, ts: str) -> None:
        """Delete a message, so that it cannot be edited any more."""
        with self._lock:
            self._posted = {key: body for key, body in self._posted.items() if key[1] != ts}

    def posted(self, ts: str) -> dict[str, Any] | None:
        """A bot's message as it stands now."""
        with self._lock:
            return next((body for key, body in self._posted.items() if key[1] == ts), None)

    def message(self, request: Request) -> Received | None:
        """The message that a webhook, ``chat.postMessage`` or ``chat.update`` carries."""
        body = _json(request)
        if request.path in self.hooks and request.method == "POST":
            return Received(f"{self.url}{request.path}", visible(body), raw=body)
        if _method(request) in _SENDING and self._knows_token(request):
            return Received(str(body.get("channel", "")), visible(body), raw=body)
        return None

    def accept(self, request: Request, message: Received) -> Answer:
        """``ok``, or what the real Slack would refuse."""
        is_hook = request.path in self.hooks
        if self._scripted:
            scripted = self._scripted.popleft()
            return _as_text(scripted) if is_hook else scripted
        try:
            check(message.raw)
            return self._take_hook(message) if is_hook else self._take_bot(_method(request), message)
        except BadBlocks as refusal:
            return Answer(400, str(refusal).encode()) if is_hook else _error(str(refusal))

    def refuse(self, fault: Fault, request: Request, message: Received) -> Answer:
        """The documented refusals; the lie is a failure at HTTP 200."""
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        is_hook = request.path in self.hooks
        status, word = (_HOOK_FAULTS if is_hook else _API_FAULTS)[fault.kind]
        if is_hook:
            return Answer(status, word.encode(), headers)
        return _answer(status, {"ok": False, "error": word}, headers)

    def other(self, request: Request) -> Answer:
        """``auth.test``, ``conversations.info`` and ``.history``, and what becomes of a wrong URL, token or method."""
        method = _method(request)
        if method is None:
            return Answer(404, b"no_service")
        if not self._knows_token(request):
            return _error("invalid_auth" if "Authorization" in request.headers else "not_authed")
        scopes = {"X-OAuth-Scopes": self.scopes}
        if method == "auth.test":
            return _answer(200, {"ok": True, "team_id": "T00000001", "user_id": "U00000001"}, scopes)
        needed = _LOOKING.get(method)
        if needed is None:
            return _error("unknown_method")
        if needed not in self.scopes.split(","):
            return _answer(200, {"ok": False, "error": "missing_scope", "needed": needed}, scopes)
        form = dict(parse_qsl(request.body.decode()))
        known = self.channels.get(form.get("channel", ""))
        if known is None:
            return _error("channel_not_found")
        found = {"messages": self._history(form)} if method.endswith("history") else {"channel": known}
        return _answer(200, {"ok": True} | found, scopes)

    def _history(self, form: dict[str, str]) -> list[dict[str, Any]]:
        """The newest messages of a channel, with their metadata where that was asked for."""
        with self._lock:
            there = [
                body | {"ts": ts}
                for (channel, ts), body in reversed(self._posted.items())
                if channel == form["channel"] and float(ts) > float(form.get("oldest", 0))
            ]
        hidden = set() if form.get("include_all_metadata") == "1" else {"metadata"}
        return [{k: v for k, v in one.items() if k not in hidden} for one in there[: int(form.get("limit", 100))]]

    def _take_hook(self, message: Received) -> Answer:
        self.take(message)
        return Answer(200, b"ok", {"Content-Type": "text/html"})

    def _take_bot(self, method: str | None, message: Received) -> Answer:
        body = message.raw
        channel = str(body.get("channel", ""))
        refusal = self._refusal(channel)
        if refusal:
            return _error(refusal)
        with self._lock:
            ts = self._edited(channel, body) if method == "chat.update" else self._new(channel, body)
        if ts is None:
            return _error("message_not_found")
        self.take(Received(message.address, message.text, provider_id=ts, raw=body))
        stands = self.posted(ts) or {}
        kept = {name: stands[name] for name in ("thread_ts", "metadata") if name in stands}
        posted = {"type": "message", "ts": ts} | kept
        return _answer(200, {"ok": True, "channel": channel, "ts": ts, "message": posted})

    def _refusal(self, channel: str) -> str | None:
        known = self.channels.get(channel)
        if known is None:
            return "channel_not_found"
        if known.get("is_archived"):
            return "is_archived"
        return None if known.get("is_member", True) else "not_in_channel"

    def _new(self, channel: str, body: dict[str, Any]) -> str:
        self._last += 1
        ts = f"{int(time.time()) + self._last}.{self._last:06d}"
        # Under a message that is gone the real one posts without a word what should have been a reply.
        lost = (channel, body.get("thread_ts")) not in self._posted
        self._posted[channel, ts] = {k: v for k, v in body.items() if k != "thread_ts" or not lost}
        return ts

    def _edited(self, channel: str, body: dict[str, Any]) -> str | None:
        ts = str(body.get("ts", ""))
        if (channel, ts) not in self._posted:
            return None
        # chat.update keeps what it is not told, like metadata.
        self._posted[channel, ts] |= body
        return ts

    def _knows_token(self, request: Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {_TOKEN}"


def _method(request: Request) -> str | None:
    _, found, method = request.path.rpartition("/api/")
    return method if found and request.method == "POST" else None


def _json(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _as_text(answer: Answer) -> Answer:
    return Answer(answer.status, str(json.loads(answer.body)["error"]).encode())


def _error(word: str) -> Answer:
    return _answer(200, {"ok": False, "error": word})


def _answer(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"} | (headers or {}))
