"""``tocsin send --dry-run``: what each channel would send, taken down just before it leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qsl

import attrs

from tocsin.channel import Channel, relay_for
from tocsin.cli.exits import Exit
from tocsin.cli.masking import Masker
from tocsin.cli.readiness import exit_code
from tocsin.clock import SystemClock
from tocsin.deadline import Deadline
from tocsin.dispatch.unit import delivery_key
from tocsin.errors import DeliveryError
from tocsin.hookspecs import SendContext
from tocsin.recipient import Recipient
from tocsin.rendering import plain_text
from tocsin.report import DeliveryReport

if TYPE_CHECKING:
    from tocsin.alert import Alert
    from tocsin.cli.session import Session
    from tocsin.cli.terminal import Terminal
    from tocsin.secret import Secret
    from tocsin.service import NotificationService

__all__ = ["Rendered", "render", "show_requests"]


@attrs.frozen(kw_only=True)
class Rendered:
    """What one recipient of one channel would get.

    Attributes:
        channel, recipient: names; the recipient's is masked.
        fallback: only where the others fail.
        method, url, headers: of the request, where the channel speaks HTTP.
        body: the request's, or the message as a person would read it.
        error: why there would be none.
    """

    channel: str
    recipient: str
    fallback: bool = False
    method: str | None = None
    url: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: str | None = None
    error: str | None = None

    def content(self) -> tuple[object, ...]:
        """Everything but the recipient, and what the clock puts into headers."""
        body = (self.body or "").replace(self.recipient, "")
        return self.channel, self.method, tuple(self.headers), body, self.error


_JSON = "application/json; charset=utf-8"
_FORM = "application/x-www-form-urlencoded"


class _Recorded(BaseException):
    """No error: it carries the request past every handler of a channel."""

    def __init__(self, method: str, url: str, headers: Mapping[str, str], body: str) -> None:
        self.method, self.url, self.headers, self.body = method, url, headers, body


class Recorder:
    """Stands in for a channel's HTTP client: takes the first request down, masked, and ends the attempt."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker

    def get(self, url: str | Secret, **kwargs: Any) -> NoReturn:
        """:meth:`request` with GET."""
        self.request("GET", url, **kwargs)

    def post(self, url: str | Secret, **kwargs: Any) -> NoReturn:
        """:meth:`request` with POST."""
        self.request("POST", url, **kwargs)

    def request(
        self,
        method: str,
        url: str | Secret,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        auth: object = None,
    ) -> NoReturn:
        """Take down what :meth:`tocsin.http.HttpClient.request` would have sent."""
        sent = {"Content-Type": _JSON if json is not None else _FORM if form is not None else "", **(headers or {})}
        body = _readable(json, form, content, sent["Content-Type"])
        sent = {name: value for name, value in sent.items() if value}
        if auth is not None:
            sent["Authorization"] = "Basic"
        shown = {name: self._masker.header(name, str(value)) for name, value in sent.items()}
        raise _Recorded(method, self._masker.url(url), shown, self._masker.text(body))


def _readable(value: object, form: Mapping[str, str] | None, content: bytes | None, kind: str) -> str:
    """The body laid out for reading: JSON indented, a form as one field a line."""
    if value is not None:
        return json.dumps(value, ensure_ascii=False, indent=2)
    text = (content or b"").decode("utf-8", "replace")
    if form is None and kind.startswith(_FORM):
        form = dict(parse_qsl(text, keep_blank_values=True))
    if form is not None:
        return "\n".join(f"{name}: {value}" for name, value in form.items())
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except ValueError:
        return text


def render(channel: Channel, alert: Alert, recipient: Recipient, seconds: float, *, fallback: bool = False) -> Rendered:
    """What the channel would send to the recipient; nothing leaves the process.

    A channel without HTTP shows what its ``preview(alert, recipient, context)`` returns, else the alert's plain text.
    """
    masker = Masker(channel)
    who: dict[str, Any] = {"channel": channel.name, "recipient": recipient.label, "fallback": fallback}
    with Deadline(seconds) as deadline:
        context = SendContext(
            key=delivery_key(alert.alert_id, channel.name, recipient.id),
            deadline=deadline,
            now=SystemClock().now(),
            client=Recorder(masker) if channel.capabilities.http else None,  # type: ignore[arg-type] # it is asked for what a client is asked for
        )
        try:
            return Rendered(**who, body=masker.text(_preview(channel, alert, recipient, context)))
        except _Recorded as request:
            return Rendered(**who, **vars(request))
        except DeliveryError as error:
            return Rendered(**who, error=f"{masker.text(error.message)} [{error.code}]")
        except Exception as error:
            return Rendered(**who, error=f"the channel raised {type(error).__name__}")


def _preview(channel: Channel, alert: Alert, recipient: Recipient, context: SendContext) -> str:
    if channel.capabilities.http:
        relay_for(channel.instance).hook.send(alert=alert, recipient=recipient, context=context)
        return "The channel sends no request of its own."
    preview = getattr(channel.instance, "preview", None)
    return str(preview(alert, recipient, context)) if callable(preview) else plain_text(alert)


def show_requests(service: NotificationService, alert: Alert, session: Session, *, line: int | None = None) -> int:
    """Show what every chosen channel would send; ``line`` is the alert's place in a stream."""
    plan, terminal = service.plan(alert), session.terminal
    about: dict[str, object] = {"dry_run": True} | ({} if line is None else {"line": line})
    about["alert"] = alert.to_dict()
    if isinstance(plan, str):
        if session.as_json:
            terminal.json(about | {"requests": [], "suppressed": plan}, lines=line is not None)
        terminal.fail(f"{terminal.mark('warn')} nobody would be told: {plan}")
        return exit_code(service, alert, DeliveryReport.of(alert.alert_id, {}, suppressed=plan))
    rendered = [
        render(service.channels[name], alert, recipient, service.config.delivery.timeout, fallback=fallback)
        for name, fallback in [(name, stage >= len(plan.stages)) for stage, name in plan.staged]
        for recipient in service.channels[name].recipients
    ]
    unavailable = dict(plan.unavailable) | dict(plan.fallback_unavailable)
    if session.as_json:
        requests = [attrs.asdict(one) for one in rendered]
        terminal.json(about | {"requests": requests, "unavailable": unavailable}, lines=line is not None)
    else:
        _show(rendered, terminal)
    for name, reason in unavailable.items():
        terminal.fail(f"{terminal.mark('bad')} {name}  {reason}")
    return Exit.NOTHING if unavailable or any(one.error for one in rendered) else Exit.DELIVERED


def _show(rendered: list[Rendered], terminal: Terminal) -> None:
    for group in _alike(rendered):
        first = group[0]
        names = ", ".join(one.recipient for one in group)
        terminal.data(terminal.style(f"{first.channel} → {names}{' (fallback)' if first.fallback else ''}", "bold"))
        if first.error:
            terminal.data(f"  {terminal.mark('bad')} {first.error}")
        if first.method:
            terminal.data(f"  {first.method} {first.url}")
        for name, value in first.headers.items():
            terminal.data(f"  {name}: {value}")
        for line in (first.body or "").splitlines():
            terminal.data(f"    {line}".rstrip())
        terminal.data()


def _alike(rendered: list[Rendered]) -> Iterator[list[Rendered]]:
    """Recipients of a channel that would get the same, together."""
    groups: dict[tuple[object, ...], list[Rendered]] = {}
    for one in rendered:
        groups.setdefault(one.content(), []).append(one)
    yield from groups.values()
