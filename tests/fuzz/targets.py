"""What takes in bytes of others' making, each as a function of bytes that must not raise.

A plugin whose provider does not answer in HTTP brings its own: ``tests/plugins/<x>/fuzz_answers.py`` with
``def answers(data)`` and, if it likes, ``SEEDS``.
"""

import contextlib
import http.client
import importlib.util
import io
import json
import os
import pathlib
import socket
import tempfile
import tomllib
from datetime import UTC, datetime

from tocsin import Alert, AlertError, ConfigError, DeliveryError, NotificationConfig, Receipt, SendContext
from tocsin.cli.jsonl import read_lines, to_alert
from tocsin.clock import SystemClock
from tocsin.deadline import Deadline
from tocsin.discovery import CHANNELS, SIMULATORS, installed, load
from tocsin.http import HttpResponse
from tocsin.http.kept import exchange
from tocsin.processors import redact
from tocsin.registry import Registry
from tocsin.retry import MAX_RETRY_AFTER, parse_retry_after
from tocsin.secret import Scrubber
from tocsin.sources import File

__all__ = ["targets"]

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ALERT = Alert(title="Disk full", message="/var is at 98 %", alert_id="a1", dedup_key="disk", created_at=NOW)


def retry_after(data):
    """A header's value is a wait within bounds, or none."""
    text = data.decode("utf-8", "surrogateescape")
    values = [text, data]
    with contextlib.suppress(ValueError, RecursionError):
        values.append(json.loads(text))
    for value in values:
        seconds = parse_retry_after(value, NOW)
        assert seconds is None or 0.0 <= seconds <= MAX_RETRY_AFTER


def configuration(data):
    """A file is a configuration, or a ConfigError with words; what is wrong with a channel is its state."""
    try:
        table = tomllib.loads(data.decode())
    except (ValueError, RecursionError):  # File tells of these
        return
    told(ConfigError, lambda: NotificationConfig.from_mapping(table))
    environment = {"TOCSIN_TIMEOUT": data.decode("utf-8", "replace"), "TOCSIN_WORKERS": "4"}
    config = NotificationConfig.from_mapping(table, environment, lenient=True)
    repr(config)
    Registry(config, SystemClock()).close()


def configuration_file(data):
    """The bytes of a file, TOML or not."""
    path = pathlib.Path(tempfile.gettempdir()) / f"tocsin-fuzz-{os.getpid()}.toml"
    path.write_bytes(data)
    try:
        read = told(ConfigError, lambda: File.read(path))
    finally:
        path.unlink()
    if read is not None:
        read.place("delivery.timeout")


def told(kind, call):
    """The call's result; None where it raised its documented error, which has words."""
    try:
        return call()
    except kind as error:
        words = str(error)
    assert words
    return None


def alert_json(data):
    """A line is an alert or an AlertError; an alert survives being written down."""
    for _, line in read_lines(io.BytesIO(data)):
        alert = told(AlertError, lambda: to_alert(line, {}))  # noqa: B023 -- called at once
        assert alert is None or Alert.from_json(alert.to_json()) == alert


def redactor(data):
    """No secret is left in words, and none in an alert."""
    secret, _, text = data.decode("utf-8", "surrogateescape").partition("\n")
    scrub = Scrubber([secret])
    shown = scrub(text)
    assert len(shown) <= 400
    assert "\n" not in shown
    if len(secret) >= 3 and not set(secret) & set("*…<url>? \ufffd") and secret.isprintable():
        assert secret not in scrub.secrets(text + secret)
        assert secret not in scrub(secret + text)
    try:
        alert = Alert(title="x" + text[:900], message=text, data={"k": text, text[:100]: [text]})
    except AlertError:
        return
    redact(keys=["k"], patterns=["[0-9]{4}"])(alert)
    assert redact(keys=["k"])(alert).data["k"] == "[redacted]"


def kept_answer(data):
    """What arrives on a kept connection is an answer, or one of the errors of the network."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data[:60_000])
        theirs.shutdown(socket.SHUT_WR)
        try:
            answer, _ = exchange(ours, b"POST / HTTP/1.1\r\n\r\n", "POST")
        except (http.client.HTTPException, OSError, ValueError):
            return
        read_answer(answer)


def read_answer(answer):
    dict(answer.headers)
    assert isinstance(answer.json(), dict)
    assert answer.retry_after is None or answer.retry_after >= 0
    told(DeliveryError, answer.check)


class Answers:
    """An HTTP client whose every answer is made of the same bytes: status, a header's value, body."""

    def __init__(self, data):
        status = 200 if not data or data[0] < 128 else 100 + 4 * (data[0] - 128)
        value, _, body = data[2:].partition(b"\n")
        headers = {"Retry-After": value.decode("latin-1")} if len(data) > 1 and data[1] & 1 else {}
        self.answer = HttpResponse(status, _Headers(headers), body, complete=len(data) < 2 or data[1] < 250)

    def request(self, method, url, **_):
        return self.answer

    def get(self, url, **_):
        return self.answer

    post = get


class _Headers(dict):
    def get(self, name, default=None):
        return super().get("Retry-After", default) if name.lower() == "retry-after" else default


def answers_of(name):
    """The parser of a channel's answers: its own ``send`` and ``health``, with ours instead of the provider's."""
    with load(installed(SIMULATORS)[name])() as simulator:
        settings = simulator.settings()
    make = load(installed(CHANNELS)[name])

    def answers(data):
        channel = make(**settings)
        client = Answers(data)
        earlier = Receipt(provider_id="1", details={})
        for recipient in channel.recipients:
            for changes in ({}, {"plain": True, "attempt": 2, "repeated": True}, {"previous": earlier}):
                context = SendContext(key="0" * 32, deadline=Deadline(5), now=NOW, client=client, **changes)
                expected(lambda: channel.send(ALERT, recipient, context), Receipt)  # noqa: B023 -- called at once
        if hasattr(channel, "health"):
            expected(lambda: channel.health(context), object)

    return answers


def expected(call, kind):
    result = told(DeliveryError, call)
    assert result is None or isinstance(result, kind)


def brought_along(path):
    spec = importlib.util.spec_from_file_location(f"fuzz_{path.parent.name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.answers, getattr(module, "SEEDS", ())


JSON = [
    b"\0\0\n" + json.dumps(body).encode()
    for body in (
        {
            "ok": True,
            "channel": "C1",
            "ts": "1.2",
            "result": {"message_id": 1},
            "id": "12345678901234567",
            "sid": "SM1",
        },
        {"ok": False, "error": "ratelimited", "needed": "chat:write", "error_code": 429, "description": "Too Many"},
        {"code": 50035, "message": "Invalid", "errors": {"embeds": {"0": {"_errors": [{"code": "X"}]}}}},
        {"retry_after": 1.5, "global": True, "parameters": {"retry_after": 3, "migrate_to_chat_id": -100}},
        {
            "messages": [
                {"sid": "SM1", "status": "sent", "body": "x", "date_created": "Mon, 23 Nov 2026 09:00:00 +0000"}
            ]
        },
        {"sid": "SM1", "status": "queued", "error_code": 30003, "num_segments": "1"},
    )
]
OWN = {
    "retry-after": (retry_after, [b"30", b"Mon, 23 Nov 2026 09:00:30 GMT", b"1.5"]),
    "configuration": (
        configuration,
        [
            b'[delivery]\ntimeout = 1.0\n[channels.a]\ntype = "console"\n',
            b'[[routes]]\nmatch = { priority = ["HIGH"] }\nchannels = ["a"]\nfallback = ["b"]\n',
            b"[store]\ndriver = 'sql'\nurl = 'sqlite:///x'\n",
        ],
    ),
    "configuration-file": (
        configuration_file,
        [b"[delivery]\ntimeout = 1\n", b"\xff", b"a = " + b"[" * 3000, b"a = " + b"9" * 5000],
    ),
    "alert-json": (
        alert_json,
        [
            ALERT.to_json().encode(),
            b'{"title": "a", "data": {"a": [1.5]}}',
            b"[" * 5000,
            b'{"a": ' + b"9" * 5000 + b"}",
        ],
    ),
    "redactor": (redactor, [b"secret\nPOST https://h/secret failed", b"a\nb"]),
    "kept-answer": (
        kept_answer,
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            b"HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nConnection: close\r\n\r\n{}",
        ],
    ),
}


def targets():
    """By name: what makes the function, and the bytes to begin with. Channels are made where they are run."""
    found = {name: (lambda made=made: made[0], made[1]) for name, made in OWN.items()}
    root = pathlib.Path(__file__).parents[1]
    own = {path.parent.name: path for path in root.glob("plugins/*/fuzz_answers.py")}
    for name in sorted(set(installed(SIMULATORS)) - set(own)):
        found[f"answers-{name}"] = (lambda name=name: answers_of(name), JSON)
    for name, path in sorted(own.items()):
        found[f"answers-{name}"] = (lambda path=path: brought_along(path)[0], brought_along(path)[1])
    return found
