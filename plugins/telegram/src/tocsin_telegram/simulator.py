"""The Bot API on loopback: strict about tokens, chats, topics, replies, lengths and HTML, as the real server is."""

from __future__ import annotations

import json
import math
from collections import deque
from typing import Any
from urllib.parse import parse_qsl

from tocsin.testing import Answer, Fault, FaultKind, HttpSimulator, Received, Request
from tocsin_telegram.format import REQUEST_LIMIT, TEXT_LIMIT
from tocsin_telegram.markup import BadMarkup, stored_text, visible_text

__all__ = ["TelegramSimulator"]

_TOKEN = "123456789:AASimulatedSimulatedSimulatedSimulated"
_CHATS = ("-1001000000001", "200000002")
_TEXTS = frozenset({"text", "parse_mode"})
_PARSE_ERROR = "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\""
_REFUSALS: dict[FaultKind, tuple[int, str]] = {
    FaultKind.SERVER_ERROR: (500, "Internal Server Error"),
    FaultKind.UNAUTHORIZED: (401, "Unauthorized"),
    FaultKind.REFUSED_RECIPIENT: (403, "Forbidden: bot was blocked by the user"),
    FaultKind.REFUSED_PAYLOAD: (400, _PARSE_ERROR),
}


class TelegramSimulator(HttpSimulator):
    """Two chats, a private one and a supergroup, of one bot.

    Attributes:
        chats: ids and names that exist and that the bot is in; ``id:topic`` for a topic.

    Parameters may come as JSON or as a form, whose values are JSON where they are no text.
    """

    def __init__(self) -> None:
        super().__init__()
        self.chats = set(_CHATS)
        self._scripted: deque[Answer] = deque()
        self._upgraded: dict[str, int] = {}
        self._texts: dict[tuple[str, int], str] = {}
        self._last_id = 0

    def settings(self) -> dict[str, Any]:
        """A token that works, and both chats."""
        return {"bot_token": _TOKEN, "chat_ids": list(_CHATS), "api_url": self.url}

    def addresses(self) -> list[str]:
        """The two chats."""
        return list(_CHATS)

    def script(self, code: int, description: str, *, status: int | None = None, **parameters: object) -> None:
        """Answer the next message with this error, under another HTTP status where one is given."""
        self._scripted.append(_error(code, description, status=status, parameters=parameters))

    def upgrade(self, chat_id: str, new_id: int) -> None:
        """Make a supergroup of a group: the old id answers with the new one from now on."""
        self.chats.discard(chat_id)
        self.chats.add(str(new_id))
        self._upgraded[chat_id] = new_id

    def delete(self, message_id: str) -> None:
        """Delete a message, so that it cannot be edited any more."""
        with self._lock:
            self._texts = {key: text for key, text in self._texts.items() if key[1] != int(message_id)}

    def message(self, request: Request) -> Received | None:
        """The message of ``sendMessage`` and ``editMessageText``, as a person sees it."""
        if self._method(request) not in ("sendMessage", "editMessageText"):
            return None
        fields = _fields(request)
        text = str(fields.get("text", ""))
        try:
            shown = visible_text(text) if fields.get("parse_mode") == "HTML" else text
        except BadMarkup:
            shown = text
        return Received(_address(fields), stored_text(shown).replace("\u2060", ""), raw=fields)

    def accept(self, request: Request, message: Received) -> Answer:
        """``{"ok": true, "result": …}``, or what the real server would refuse."""
        if self._scripted:
            return self._scripted.popleft()
        fields, method = _fields(request), self._method(request)
        refusal = self._chat_refusal(fields) or _text_refusal(request, fields) or self._reply_refusal(fields)
        if refusal is not None:
            return refusal
        with self._lock:
            number = self._edited(fields) if method == "editMessageText" else self._new(fields)
        if isinstance(number, Answer):
            return number
        self.take(Received(message.address, message.text, provider_id=str(number), raw=fields))
        return _answer(200, {"ok": True, "result": self._sent(fields, number, message.text)})

    def refuse(self, fault: Fault, request: Request, message: Received) -> Answer:
        """The documented refusals; the lie is ``ok: false`` at HTTP 200."""
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        if fault.kind is FaultKind.LIE:
            return _error(400, "Bad Request: chat not found", status=200)
        if fault.kind is not FaultKind.RATE_LIMITED:
            code, description = _REFUSALS[fault.kind]
            return _error(code, description, headers=headers)
        wait = fault.retry_after
        if not isinstance(wait, int | float):
            return _error(429, "Too Many Requests: retry later", headers=headers)
        return _error(
            429, f"Too Many Requests: retry after {math.ceil(wait)}", headers=headers, parameters={"retry_after": wait}
        )

    def other(self, request: Request) -> Answer:
        """``getMe`` and ``getChat``, and what becomes of a wrong token or method."""
        method = self._method(request)
        if method is None:
            token = request.path.split("/")[1].removeprefix("bot")
            known = token.partition(":")[0].isdigit() and ":" in token
            return _error(401, "Unauthorized") if known else _error(404, "Not Found")
        if method == "getMe":
            return _answer(200, {"ok": True, "result": {"id": 123456789, "is_bot": True, "first_name": "Simulated"}})
        if method == "getChat":
            fields = _fields(request)
            return self._chat_refusal(fields) or _answer(200, {"ok": True, "result": self._chat(fields)})
        return _error(404, "Not Found: method not found")

    def _method(self, request: Request) -> str | None:
        """The method, where the token is the right one."""
        _, _, method = request.path.rpartition(f"/bot{_TOKEN}/")
        return method if method != request.path else None

    def _chat(self, fields: dict[str, Any]) -> dict[str, Any]:
        """``ChatFullInfo``, as far as anyone asks for it."""
        name = str(fields["chat_id"])
        if name.isdigit():
            return {"id": int(name), "type": "private"}
        forum = {"is_forum": True} if any(known.startswith(f"{name}:") for known in self.chats) else {}
        return {"id": fields["chat_id"], "type": "supergroup", **forum}

    def _sent(self, fields: dict[str, Any], number: int, text: str) -> dict[str, Any]:
        """The ``Message``, with the one that it answers."""
        frame = {"date": 1767225600, "chat": self._chat(fields)}
        key = (str(fields["chat_id"]), fields.get("reply_parameters", {}).get("message_id"))
        known = key in self._texts
        answered = {"reply_to_message": {"message_id": key[1], "text": self._texts[key], **frame}} if known else {}
        return {"message_id": number, "text": text, **frame, **answered}

    def _reply_refusal(self, fields: dict[str, Any]) -> Answer | None:
        """A message that answers a deleted one is sent all the same where that is asked for, but not in a topic."""
        reply = fields.get("reply_parameters")
        if reply is None or (str(fields["chat_id"]), reply.get("message_id")) in self._texts:
            return None
        if reply.get("allow_sending_without_reply") and "message_thread_id" not in fields:
            return None
        return _error(400, "Bad Request: message to be replied not found")

    def _chat_refusal(self, fields: dict[str, Any]) -> Answer | None:
        chat_id, address = str(fields.get("chat_id", "")), _address(fields)
        if not chat_id:
            return _error(400, "Bad Request: chat_id is empty")
        if chat_id in self._upgraded:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            return _error(400, words, parameters={"migrate_to_chat_id": self._upgraded[chat_id]})
        if address in self.chats:
            return None
        if chat_id in self.chats:
            return _error(400, "Bad Request: message thread not found")
        return _error(400, "Bad Request: chat not found")

    def _new(self, fields: dict[str, Any]) -> int:
        self._last_id += 1
        self._texts[str(fields["chat_id"]), self._last_id] = fields["text"]
        return self._last_id

    def _edited(self, fields: dict[str, Any]) -> int | Answer:
        key = (str(fields["chat_id"]), int(fields.get("message_id") or 0))
        if key not in self._texts:
            return _error(400, "Bad Request: message to edit not found")
        if self._texts[key] == fields["text"]:
            words = "specified new message content and reply markup are exactly the same as a current content"
            return _error(400, f"Bad Request: message is not modified: {words}")
        self._texts[key] = fields["text"]
        return key[1]


def _fields(request: Request) -> dict[str, Any]:
    """The parameters, whatever way they came."""
    if request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True)
        return {name: value if name in _TEXTS else _value(value) for name, value in pairs}
    fields = _value(request.body or b"{}")
    return fields if isinstance(fields, dict) else {}


def _value(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _address(fields: dict[str, Any]) -> str:
    topic = fields.get("message_thread_id")
    return f"{fields.get('chat_id', '')}" + (f":{topic}" if topic is not None else "")


def _text_refusal(request: Request, fields: dict[str, Any]) -> Answer | None:
    if len(request.body) > REQUEST_LIMIT:
        return _error(413, "Request Entity Too Large")
    mode, text = fields.get("parse_mode"), fields.get("text", "")
    if mode not in (None, "HTML"):
        return _error(400, "Bad Request: unsupported parse_mode")
    try:
        shown = visible_text(text) if mode else text
    except BadMarkup as error:
        return _error(400, f"Bad Request: can't parse entities: {error}")
    if not shown.strip():
        return _error(400, "Bad Request: message text is empty")
    return _error(400, "Bad Request: message is too long") if len(shown) > TEXT_LIMIT else None


def _error(
    code: int,
    description: str,
    *,
    status: int | None = None,
    headers: dict[str, str] | None = None,
    parameters: dict[str, object] | None = None,
) -> Answer:
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    return _answer(status or code, body | ({"parameters": parameters} if parameters else {}), headers)


def _answer(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"} | (headers or {}))
