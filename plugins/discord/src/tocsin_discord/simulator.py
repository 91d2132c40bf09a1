"""Discord's webhook API on loopback: strict about limits, as the real server is."""

from __future__ import annotations

import json
import math
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from tocsin.testing import Answer, Fault, FaultKind, HttpSimulator, Received, Request
from tocsin_discord import format as limits
from tocsin_discord import names
from tocsin_discord.markdown import shown

__all__ = ["DiscordSimulator"]

_HOOKS = ("100000000000000001/simulated-token-simulated-token", "100000000000000002/another-token-another-token")
_PATH = re.compile(
    r"/(?:[a-z]+/)*?api(?:/v10)?/webhooks/(?P<name>(?P<id>[0-9]+)/(?P<token>[\w-]+))(?:/messages/(?P<message>[0-9]+))?"
)
_REFUSALS: dict[FaultKind, tuple[int, int, str]] = {
    FaultKind.SERVER_ERROR: (503, 0, "Service Unavailable"),
    FaultKind.UNAUTHORIZED: (401, 50027, "Invalid Webhook Token"),
    FaultKind.REFUSED_RECIPIENT: (404, 10015, "Unknown Webhook"),
    FaultKind.REFUSED_PAYLOAD: (400, 50035, "Invalid Form Body"),
}
_TOO_LONG = "BASE_TYPE_MAX_LENGTH"
_REQUIRED = "BASE_TYPE_REQUIRED"
_CHANNEL = "199737254929760256"
_ROOM = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "4", "X-RateLimit-Reset-After": "2"}


class DiscordSimulator(HttpSimulator):
    """Two webhooks.

    Attributes:
        hooks: ``<id>/<token>`` of the webhooks that exist.
        forums: those of them whose channel is a forum.
        threads: ids of the threads and forum posts that exist.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hooks = set(_HOOKS)
        self.forums: set[str] = set()
        self.threads = {"42"}
        self._scripted: deque[Answer] = deque()
        self._messages: dict[str, dict[str, Any]] = {}
        self._places: dict[str, str | None] = {}
        self._room = _ROOM
        self._last = 1_100_000_000_000_000_000

    def settings(self) -> dict[str, Any]:
        """The URLs of both webhooks, as Discord shows them."""
        return {"webhook_urls": self.addresses()}

    def addresses(self) -> list[str]:
        """The URLs of both webhooks."""
        return [f"{self.url}/api/webhooks/{name}" for name in _HOOKS]

    def script(self, status: int, code: int = 0, headers: dict[str, str] | None = None, **body: object) -> None:
        """Answer the next message with this refusal."""
        self.answer(_answer(status, {"message": "scripted", "code": code} | body, headers))

    def answer(self, answer: Answer) -> None:
        """Answer the next message with this, whatever it is."""
        self._scripted.append(answer)

    def exhaust(self, seconds: float) -> None:
        """Tell with the next message that is taken that the bucket is empty for so long."""
        self._room = _ROOM | {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": str(seconds)}

    def delete(self, message_id: str) -> None:
        """Delete a message, so that it cannot be edited any more."""
        with self._lock:
            self._messages.pop(message_id, None)

    def posted(self, message_id: str) -> dict[str, Any] | None:
        """A message as it stands now."""
        with self._lock:
            return self._messages.get(message_id)

    def message(self, request: Request) -> Received | None:
        """The message that a webhook is executed with, or that replaces an earlier one."""
        path = _PATH.fullmatch(request.path)
        if path is None or path["name"] not in self.hooks or request.method not in ("POST", "PATCH"):
            return None
        body = _json(request)
        return Received(f"{self.url}/api/webhooks/{path['name']}", _visible(body), raw=body)

    def accept(self, request: Request, message: Received) -> Answer:
        """200 and the message with ``wait=true``, 204 without; or what the real server would refuse."""
        if self._scripted:
            return self._scripted.popleft()
        errors = dict(_problems(message.raw))
        if errors:
            tree = {"message": "Invalid Form Body", "code": 50035, "errors": errors}
            return _answer(400, tree if "_empty" not in errors else {"message": "Empty", "code": 50006})
        with self._lock:
            refusal = self._misplaced(request, message.raw)
            if refusal is not None:
                return _answer(*refusal)
            message_id, channel_id = self._keep(request, message.raw)
            room, self._room = self._room, _ROOM
        self.take(Received(message.address, message.text, provider_id=message_id, raw=message.raw))
        if request.method == "POST" and request.query.get("wait") != "true":
            return Answer(204, headers=room)
        return _answer(200, {"id": message_id, "type": 0, "channel_id": channel_id}, room)

    def _misplaced(self, request: Request, body: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        """What is wrong with the message, thread or forum that a request names."""
        path, thread_id, opens = _PATH.fullmatch(request.path), request.query.get("thread_id"), "thread_name" in body
        if path is None or (thread_id is not None and thread_id not in self.threads):
            return 404, {"message": "Unknown Channel", "code": 10003}
        if path["message"] is not None:
            known = path["message"] in self._messages and self._places[path["message"]] == thread_id
            return None if known else (404, {"message": "Unknown Message", "code": 10008})
        if path["name"] not in self.forums:
            return (400, {"message": "No forum", "code": 220003}) if opens else None
        if opens == (thread_id is not None):
            return 400, {"message": "One of thread_name and thread_id", "code": 220002 if opens else 220001}
        return None

    def _keep(self, request: Request, body: dict[str, Any]) -> tuple[str, str]:
        """Ids of the message, and of where it stands; the first message of a forum's post has the id of that post."""
        path, thread_id = _PATH.fullmatch(request.path), request.query.get("thread_id")
        message_id = path["message"] if path is not None else None
        if message_id is None:
            self._last += 1
            message_id = str(self._last)
            if "thread_name" in body:
                thread_id = message_id
                self.threads.add(thread_id)
        self._messages[message_id], self._places[message_id] = body, thread_id
        return message_id, thread_id or _CHANNEL

    def refuse(self, fault: Fault, request: Request, message: Received) -> Answer:
        """The documented refusals; the lie is 204, which says nothing of the message."""
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        if fault.kind is FaultKind.LIE:
            return Answer(204)
        if fault.kind is not FaultKind.RATE_LIMITED:
            status, code, words = _REFUSALS[fault.kind]
            return _answer(status, {"message": words, "code": code}, headers)
        body: dict[str, Any] = {"message": "You are being rate limited.", "global": False}
        if isinstance(fault.retry_after, int | float):
            body["retry_after"] = float(fault.retry_after)
            headers = {"Retry-After": str(math.ceil(fault.retry_after)), "X-RateLimit-Scope": "user"}
        return _answer(429, body, headers)

    def other(self, request: Request) -> Answer:
        """The webhook itself by GET, and what becomes of a wrong URL."""
        path = _PATH.fullmatch(request.path)
        if path is None:
            return _answer(404, {"message": "404: Not Found", "code": 0})
        if path["id"] not in {name.partition("/")[0] for name in self.hooks}:
            return _answer(404, {"message": "Unknown Webhook", "code": 10015})
        if path["name"] not in self.hooks:
            return _answer(401, {"message": "Invalid Webhook Token", "code": 50027})
        return _answer(200, {"id": path["id"], "type": 1, "name": "alerts", "channel_id": _CHANNEL})


def _problems(body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The tree of errors that Discord answers with."""
    content, embeds = body.get("content") or "", body.get("embeds") or []
    if not content.strip() and not embeds:
        yield "_empty", True
    if len(content.strip()) > limits.CONTENT_LIMIT:
        yield "content", _error(_TOO_LONG)
    yield from _name_problems(body.get("username"), body.get("thread_name", ""))
    if len(embeds) > limits.EMBEDS_LIMIT or sum(map(_size, embeds)) > limits.TOTAL_LIMIT:
        yield "embeds", _error("MAX_EMBED_SIZE_EXCEEDED")
    for index, embed in enumerate(embeds):
        found = dict(_embed_problems(embed))
        if found:
            yield "embeds", {str(index): found}


def _name_problems(username: str | None, thread_name: str) -> Iterator[tuple[str, Any]]:
    if username is not None and not 0 < len(username.strip()) <= names.USERNAME_LIMIT:
        yield "username", _error("BASE_TYPE_BAD_LENGTH")
    if any(word in (username or "").lower() for word in ("clyde", "discord")):
        yield "username", _error("USERNAME_INVALID_CONTAINS")
    if len(thread_name.strip()) > names.THREAD_NAME_LIMIT:
        yield "thread_name", _error(_TOO_LONG)


def _embed_problems(embed: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    texts = (
        ("title", embed.get("title"), limits.TITLE_LIMIT),
        ("description", embed.get("description"), limits.DESCRIPTION_LIMIT),
        ("footer", embed.get("footer", {}).get("text"), limits.FOOTER_LIMIT),
    )
    for name, text, limit in texts:
        if text is not None and len(text.strip()) > limit:
            yield name, _error(_TOO_LONG)
    color = embed.get("color", 0)
    if not isinstance(color, int) or not 0 <= color <= 0xFFFFFF:
        yield "color", _error("NUMBER_TYPE_COERCE")
    if len(embed.get("fields", [])) > limits.FIELDS_LIMIT:
        yield "fields", _error("BASE_TYPE_BAD_LENGTH")
    for index, field in enumerate(embed.get("fields", [])):
        for name, limit in (("name", limits.FIELD_NAME_LIMIT), ("value", limits.FIELD_VALUE_LIMIT)):
            size = len(field.get(name, "").strip())
            if not 0 < size <= limit:
                yield "fields", {str(index): {name: _error(_TOO_LONG if size else _REQUIRED)}}


def _error(code: str) -> dict[str, Any]:
    return {"_errors": [{"code": code, "message": "refused"}]}


def _texts(embed: dict[str, Any]) -> Iterator[str]:
    yield from (embed.get("title", ""), embed.get("description", ""))
    for field in embed.get("fields", []):
        yield from (field.get("name", ""), field.get("value", ""))


def _size(embed: dict[str, Any]) -> int:
    texts = (*_texts(embed), embed.get("footer", {}).get("text", ""))
    return sum(len(text.strip()) for text in texts)


def _visible(body: dict[str, Any]) -> str:
    """What a person reads: the text, and below it the embeds."""
    lines = [shown(body.get("content") or "")]
    for embed in body.get("embeds") or []:
        lines += [shown(text) for text in _texts(embed) if text]
        lines.append(embed.get("footer", {}).get("text", ""))
    return "\n".join(lines)


def _json(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _answer(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"} | (headers or {}))
