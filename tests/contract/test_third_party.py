"""A channel as somebody outside this repository writes it passes the suite. The provider, Pushline, is fictional."""

import inspect
import json
import uuid

import attrs

from tocsin import (
    Capabilities,
    DeliveryTimeout,
    Health,
    InvalidRecipient,
    PayloadError,
    Receipt,
    Recipient,
    Secret,
    hookimpl,
)
from tocsin.http import failure_for
from tocsin.rendering import clip, plain_text
from tocsin.settings import setting, to_secret, to_strings, to_url
from tocsin.testing import Answer, ChannelContract, FaultKind, HttpSimulator, Received

LIMIT = 1_000


@attrs.define(eq=False, kw_only=True)
class PushlineChannel:
    """Sends alerts to the users of a Pushline account."""

    capabilities = Capabilities(http=True, idempotent=True, max_length=LIMIT)

    token: Secret = attrs.field(converter=to_secret, metadata=setting(help="Access token of the account"))
    users: tuple[str, ...] = attrs.field(
        converter=to_strings, validator=attrs.validators.min_len(1), repr=False, metadata=setting(help="Users to tell")
    )
    api_url: str = attrs.field(
        default="https://api.pushline.example", converter=to_url, metadata=setting(help="Base address of the API")
    )

    @property
    def recipients(self):
        return tuple(map(Recipient.of, self.users))

    @hookimpl
    def send(self, alert, recipient, context):
        fields = {"user": recipient.address.reveal(), "key": context.key, "text": clip(plain_text(alert), LIMIT)}
        answer = context.http.post(f"{self.api_url}/messages", json=fields, headers=self._headers())
        match answer.json():
            case {"error": "unknown_user" as code}:
                raise InvalidRecipient("Pushline knows no such user", status_code=answer.status, provider_code=code)
            case {"error": "bad_text" as code}:
                raise PayloadError("Pushline refused the text", status_code=answer.status, provider_code=code)
            case {"id": str(message_id)} if answer.check():
                return Receipt(provider_id=message_id)
        raise failure_for(answer) if not answer.is_success else DeliveryTimeout("Pushline did not say that it took it")

    @hookimpl
    def health(self, context):
        context.http.get(f"{self.api_url}/account", headers=self._headers()).check()
        return Health.ok("the token works")

    def _headers(self):
        return {"Authorization": f"Bearer {self.token.reveal()}"}


class PushlineSimulator(HttpSimulator):
    """``POST /messages`` with a bearer token takes ``user``, ``key`` and ``text``; one key is one message."""

    REFUSALS = {  # noqa: RUF012 -- a constant
        FaultKind.RATE_LIMITED: (429, "slow_down"),
        FaultKind.SERVER_ERROR: (503, "maintenance"),
        FaultKind.UNAUTHORIZED: (401, "bad_token"),
        FaultKind.REFUSED_RECIPIENT: (404, "unknown_user"),
        FaultKind.REFUSED_PAYLOAD: (422, "bad_text"),
        FaultKind.LIE: (200, "unknown_user"),
    }

    def settings(self):
        return {"token": "simulated-token-5512", "users": self.addresses(), "api_url": self.url}

    def addresses(self):
        return ["alice.smith", "bob.jones"]

    def message(self, request):
        if (request.method, request.path) != ("POST", "/messages") or not self._is_allowed(request):
            return None
        fields = json.loads(request.body)
        return Received(fields["user"], fields["text"], fields["key"], uuid.uuid4().hex, fields)

    def accept(self, request, message):
        if message.address not in self.addresses():
            return Answer(404, b'{"error": "unknown_user"}')
        if not 0 < len(message.text) <= LIMIT:
            return Answer(422, b'{"error": "bad_text"}')
        self.take(message)
        return Answer(201, json.dumps({"id": message.provider_id}).encode())

    def refuse(self, fault, request, message):
        status, code = self.REFUSALS[fault.kind]
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return Answer(status, json.dumps({"error": code}).encode(), headers)

    def other(self, request):
        if not self._is_allowed(request):
            return Answer(401, b'{"error": "bad_token"}')
        return Answer(200, b"{}") if request.path == "/account" else Answer(404)

    def _is_allowed(self, request):
        return request.headers.get("Authorization") == "Bearer simulated-token-5512"


class TestPushline(ChannelContract):
    channel_class = PushlineChannel
    simulator_class = PushlineSimulator


def test_a_channel_takes_forty_lines_at_most():
    assert len(inspect.getsource(PushlineChannel).splitlines()) <= 40
