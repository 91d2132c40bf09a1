"""The address of a webhook, and the addresses that follow from it (docs.discord.com/developers/resources/webhook)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit

import attrs

from tocsin import Secret
from tocsin.settings import UnusableValue, to_secret_urls

__all__ = ["API_VERSION", "Webhook", "to_webhooks"]

API_VERSION = "v10"
"""Asked for in each request: a URL without a version would get an old one (docs.discord.com/developers/reference)."""

_PATH = re.compile(r"(?P<prefix>.*?)/webhooks/(?P<name>[0-9]{1,20}/[A-Za-z0-9_-]+)/?")
_UNVERSIONED = re.compile(r"/api(/v[0-9]+)?\Z")
_SHAPE, _EXAMPLE = "must be a webhook's URL", "https://discord.com/api/webhooks/<id>/<token>"


@attrs.frozen
class Webhook:
    """One webhook, perhaps posting into a thread.

    Attributes:
        base: ``https://discord.com/api/v10/webhooks/<id>/<token>``.
        thread_id: of the thread or forum post, where the URL ends in ``?thread_id=``.
    """

    base: str = attrs.field(repr=False)
    thread_id: str | None = None

    @classmethod
    def parse(cls, url: str, api_url: str | None = None) -> Webhook:
        """The webhook that a URL names.

        Args:
            url: as Discord shows it.
            api_url: stands in for the URL's scheme and host; a path in it is put in front.

        Raises:
            ValueError: it is no webhook's URL; the message does not quote it.
        """
        parts = urlsplit(url)
        if parts.path.endswith(("/slack", "/github")):
            raise UnusableValue(f"{_SHAPE} without the /slack or /github behind it", _EXAMPLE)
        match = _PATH.fullmatch(parts.path)
        if match is None:
            raise UnusableValue(_SHAPE, _EXAMPLE)
        origin = f"{parts.scheme}://{parts.netloc}" if api_url is None else api_url.rstrip("/")
        prefix = _UNVERSIONED.sub(f"/api/{API_VERSION}", match["prefix"])
        return cls(f"{origin}{prefix}/webhooks/{match['name']}", _thread(parts.query))

    def execute(self, thread_id: str | None = None) -> Secret:
        """Where to post; ``wait`` makes Discord answer for the message (without it, 204 may hide a failure).

        Args:
            thread_id: of the thread or forum post, where it is not the URL's own.
        """
        return self._with(self.base, thread_id, wait="true")

    def message(self, message_id: str, thread_id: str | None = None) -> Secret:
        """Where an earlier message is edited; Discord finds one in a thread by the thread's id alone."""
        return self._with(f"{self.base}/messages/{message_id}", thread_id)

    def itself(self) -> Secret:
        """Where the webhook is asked for, without sending."""
        return Secret(self.base)

    def _with(self, url: str, thread_id: str | None, **query: str) -> Secret:
        thread_id = thread_id or self.thread_id
        if thread_id is not None:
            query["thread_id"] = thread_id
        return Secret(f"{url}?{urlencode(query)}" if query else url)


def _thread(query: str) -> str | None:
    fields = dict(parse_qsl(query, keep_blank_values=True))
    fields.pop("wait", None)
    thread_id = fields.pop("thread_id", None)
    if fields or (thread_id is not None and not re.fullmatch(r"[0-9]{1,20}", thread_id)):
        raise ValueError("may end in ?thread_id=<number of a thread> and in nothing else")
    return thread_id


def to_webhooks(value: str | Iterable[str | Secret]) -> tuple[Secret, ...]:
    """A list of URLs that :meth:`Webhook.parse` takes."""
    urls = to_secret_urls(value)
    for position, url in enumerate(urls, start=1):
        try:
            Webhook.parse(url.reveal())
        except UnusableValue as error:
            raise UnusableValue(f"item {position} {error.message}", error.example) from None
        except ValueError as error:
            raise ValueError(f"item {position} {error}") from None
    return urls
