"""Twilio's own client, sending through the channel's HTTP client.

Imported at the first send and not before: twilio is by far the heaviest of all dependencies.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from twilio.http import HttpClient as TwilioHttpClient  # type: ignore[import-untyped]  # twilio ships no types
from twilio.http.response import Response  # type: ignore[import-untyped]  # twilio ships no types
from twilio.rest import Client  # type: ignore[import-untyped]  # twilio ships no types

from tocsin import DeliveryTimeout, Secret
from tocsin.http import HttpClient
from tocsin_sms.earlier import PAGE_SIZE
from tocsin_sms.errors import failure

__all__ = ["Gateway"]

_READ = ("sid", "status", "num_segments", "error_code")
_LISTED = ("sid", "status", "num_segments", "body", "date_created")


class Gateway:
    """One account at Twilio; made once for each channel, used from several threads.

    Args:
        account_sid: of the account.
        user, password: its SID and auth token, or an API key and its secret.
        api_url: base address that every request goes to, whatever the client asked for.
    """

    def __init__(self, account_sid: str, user: str, password: Secret, api_url: str) -> None:
        self._bridge = _Bridge(api_url)
        # The client would read region and edge from the environment if it were given none at all.
        nothing = {"TWILIO_REGION": "", "TWILIO_EDGE": ""}
        client = Client(user, password.reveal(), account_sid, http_client=self._bridge, environment=nothing)
        self._account = client.api.v2010.accounts(account_sid)
        self._messages = self._account.messages

    def create(self, http: HttpClient, **fields: object) -> Any:
        """Create a message: ``POST …/Messages.json``.

        Returns:
            twilio's ``MessageInstance`` with sid, status, num_segments and error_code.

        Raises:
            DeliveryError: Twilio did not take it, or its answer cannot be read.
        """
        self._bridge.use(http)
        return self._messages.create(**fields)

    def recent(self, http: HttpClient, to: str | None = None, limit: int = PAGE_SIZE) -> list[Any]:
        """The newest messages, to one number where it is given: ``GET …/Messages.json``.

        They are not filtered by ``DateSent``, which a message that still waits in Twilio's queue does not have.

        Returns:
            twilio's ``MessageInstance`` with sid, status, num_segments, body and date_created, where they can be read.

        Raises:
            DeliveryError: Twilio did not answer, or its answer cannot be read.
        """
        self._bridge.use(http)
        return list(self._messages.page(**({} if to is None else {"to": to}), page_size=limit))

    def fetch(self, http: HttpClient) -> Any:
        """Look the account up: ``GET …/Accounts/{sid}.json``; twilio's ``AccountInstance`` with sid and status.

        Raises:
            DeliveryError: Twilio does not know it, or its answer cannot be read.
        """
        self._bridge.use(http)
        return self._account.fetch()


class _Bridge(TwilioHttpClient):  # type: ignore[misc]  # twilio ships no types
    """Twilio's requests over our client, which keeps to the deadline and shows no address.

    An answer outside 2xx is turned into our error here. Twilio's own exception has no headers, and its text quotes the
    number.
    """

    def __init__(self, api_url: str) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)
        self._address = api_url.rstrip("/")
        self._local = threading.local()

    def use(self, http: HttpClient) -> None:
        """Send this thread's next request through ``http``."""
        self._local.http = http

    def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Any:
        """One request; ``timeout`` and ``allow_redirects`` are the deadline's and our client's business."""
        query = urlencode(params) if params else ""
        answer = self._local.http.request(
            method,
            f"{self._address}{urlsplit(uri).path}{f'?{query}' if query else ''}",
            headers=headers,
            form={name: str(value) for name, value in data.items()} if data else None,
            auth=auth,
        )
        if not answer.is_success:
            raise failure(answer)
        body = answer.json() if answer.complete else {}
        # Only what the channel reads: twilio takes the types of all other fields on trust, and raises its own errors.
        read = _listed(body) if method == "GET" and uri.endswith("/Messages.json") else _single(body)
        if read is None:
            raise DeliveryTimeout("Twilio's answer could not be read", status_code=answer.status)
        return Response(200, json.dumps(read), dict(answer.headers))


def _single(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is read of a message or an account; None where it does not say what became of the request."""
    if not isinstance(body.get("sid"), str) or not isinstance(body.get("status"), str):
        return None
    return {name: body.get(name) for name in _READ}


def _listed(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is read of a list of messages."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return None
    return {"messages": [_legible(message) for message in messages if isinstance(message, dict)]}


def _legible(message: Mapping[str, Any]) -> dict[str, str]:
    """The texts among a message's fields, the date only where it is one."""
    read = {name: message[name] for name in _LISTED if isinstance(message.get(name), str)}
    try:
        parsedate_to_datetime(read.get("date_created", ""))
    except ValueError:
        read.pop("date_created", None)
    return read
