"""One HTTP client for each channel."""

from __future__ import annotations

import base64
import json as jsonlib
import ssl
import urllib.request
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.utils
import urllib3.exceptions

from tocsin.deadline import Deadline, current
from tocsin.dialing import chain, words_for
from tocsin.errors import (
    ChannelConfigError,
    ConnectionFailed,
    DeliveryError,
    DeliveryTimeout,
    Outcome,
    PayloadError,
    TlsError,
)
from tocsin.guard import AddressGuard
from tocsin.http.kept import BODY_LIMIT, Target, exchange
from tocsin.http.response import HttpResponse, cut_off
from tocsin.http.transport import Adapter, Exchange
from tocsin.secret import Secret

__all__ = ["HttpClient"]

_DEFAULT_TIMEOUT = 15.0
_MAX_TARGETS = 1_000
"""URLs whose connections are remembered; further ones go the longer way."""
_UNUSABLE = (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: redirects are not followed, and their bodies not read whole to find out where they lead."""
        return


class HttpClient:
    """A pooled session under a total deadline. Thread-safe.

    Proxies, NO_PROXY and the CA bundle are read from the environment once, here; netrc and cookies are not used,
    redirects not followed, TLS always verified.

    Args:
        workers: connections kept for each host.
        ca_file: PEM file of authorities to trust instead of the default ones.
        user_agent: what the receiver sees.
        environ: where ``REQUESTS_CA_BUNDLE`` or ``CURL_CA_BUNDLE`` may name the default authorities.
        guard: judges the addresses of every connection. A guarded client uses no proxy: there the proxy resolves the
            name, and the guard would judge the address of the proxy.
    """

    def __init__(
        self,
        *,
        workers: int,
        user_agent: str,
        environ: Mapping[str, str],
        ca_file: str | None = None,
        guard: AddressGuard | None = None,
    ) -> None:
        self._session = _Session()
        self._session.trust_env = False
        self._session.verify = ca_file or environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or True
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._session.headers = requests.structures.CaseInsensitiveDict(
            {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "keep-alive"}
        )
        adapter = Adapter(workers, guard)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._proxies = {} if guard is not None else {**urllib.request.getproxies()}
        self._no_proxy = self._proxies.pop("no", None)
        self._proxies_by_host: dict[str, Mapping[str, str]] = {}
        self._targets: dict[str, Target] = {}

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def get(self, url: str | Secret, **kwargs: Any) -> HttpResponse:
        """:meth:`request` with GET."""
        return self.request("GET", url, **kwargs)

    def post(self, url: str | Secret, **kwargs: Any) -> HttpResponse:
        """:meth:`request` with POST."""
        return self.request("POST", url, **kwargs)

    def request(
        self,
        method: str,
        url: str | Secret,
        *,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        auth: tuple[str, str | Secret] | None = None,
    ) -> HttpResponse:
        """One exchange under the deadline in force, 15 s where there is none.

        Args:
            method: GET, POST, PUT, PATCH or DELETE.
            url: the whole address.
            headers: besides the client's own.
            json: a value to send as JSON, in UTF-8.
            form: fields to send form-encoded.
            content: the very bytes to send.
            auth: user and password for Basic authentication.

        Returns:
            Any answer, whatever its status; :meth:`HttpResponse.check` judges it.

        Raises:
            DeliveryError: no answer, or none that can be judged. Its outcome says whether the request may have arrived.
        """
        method, address = method.upper(), url.reveal() if isinstance(url, Secret) else url
        body, sent_headers = _encode(json, form, content, headers, auth)
        deadline, state = current() or Deadline(_DEFAULT_TIMEOUT), Exchange()
        try:
            answer = self._on_kept(method, address, body, sent_headers, deadline, state)
            return answer or self._exchange(method, address, body, sent_headers, deadline, state)
        except Exception as error:
            failure = error if isinstance(error, DeliveryError) else _translate(error, state, deadline)
        raise failure

    def _on_kept(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str], deadline: Deadline, state: Exchange
    ) -> HttpResponse | None:
        """The answer to a request on a connection that is open already; None where there is none."""
        target = self._targets.get(url)
        connection = target.borrow() if target is not None else None
        if target is None or connection is None:
            return None
        reusable = untouched = True
        try:
            request = target.request(method, headers, body)
            connection.prepare(deadline)
            state.sent, untouched = True, False
            answer, reusable = exchange(connection.sock, request, method)
            if deadline.expired:
                reusable = False
                raise cut_off("the answer had not ended at the deadline", answer.status)
            return answer
        except BaseException:
            reusable = untouched
            raise
        finally:
            if not reusable:
                connection.close()
            target.give_back(connection)

    def _exchange(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str], deadline: Deadline, state: Exchange
    ) -> HttpResponse:
        """The answer to a request that goes through requests, and urllib3's connections are told of it."""
        with state:
            prepared = self._session.prepare_request(requests.Request(method, url, headers=headers, data=body))
            left, proxies = max(0.001, deadline.remaining()), dict(self._proxies_for(url))
            answer = self._session.send(
                prepared,
                stream=True,
                allow_redirects=False,
                verify=self._session.verify,
                proxies=proxies,
                timeout=(left, left),
            )
            read = _read(answer, deadline)
            self._remember(url, prepared, direct=not proxies)
            return read

    def _remember(self, url: str, prepared: requests.PreparedRequest, *, direct: bool) -> None:
        """The next request to this URL may go on the connection that this one left in its pool."""
        if url in self._targets or not direct or "@" in urlsplit(url).netloc or len(self._targets) >= _MAX_TARGETS:
            return
        adapter = self._session.get_adapter(url)
        if isinstance(adapter, Adapter):
            pool = adapter.get_connection_with_tls_context(prepared, self._session.verify)
            self._targets[url] = Target.of(prepared, pool, self._session.headers)

    def _proxies_for(self, url: str) -> Mapping[str, str]:
        if not self._proxies:
            return self._proxies
        host = urlsplit(url).netloc.rpartition("@")[2]
        if host not in self._proxies_by_host:
            direct = requests.utils.should_bypass_proxies(url, self._no_proxy)
            self._proxies_by_host[host] = {} if direct else self._proxies
        return self._proxies_by_host[host]


def _encode(
    json: object,
    form: Mapping[str, str] | None,
    content: bytes | None,
    headers: Mapping[str, str] | None,
    auth: tuple[str, str | Secret] | None,
) -> tuple[bytes | None, dict[str, str]]:
    own: dict[str, str] = {}
    if auth is not None:
        password = auth[1].reveal() if isinstance(auth[1], Secret) else auth[1]
        credentials = f"{auth[0]}:{password}".encode()
        own["Authorization"] = f"Basic {base64.b64encode(credentials).decode('ascii')}"
    body = content
    if json is not None:
        own["Content-Type"] = "application/json; charset=utf-8"
        try:
            body = jsonlib.dumps(json, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, TypeError, RecursionError):
            raise PayloadError("the message cannot be written as JSON", outcome=Outcome.PLUGIN_ERROR) from None
    elif form is not None:
        own["Content-Type"] = "application/x-www-form-urlencoded"
        body = urllib.parse.urlencode(form, encoding="utf-8", errors="replace").encode()
    return body, own | {name: value for name, value in (headers or {}).items() if not _is_ours(name, value)}


def _is_ours(name: str, value: object) -> bool:
    """Whether a header is left out: one without a value, and the length, which is that of the body."""
    return value is None or (len(name) == len("content-length") and name.lower() == "content-length")


def _read(answer: requests.Response, deadline: Deadline) -> HttpResponse:
    """The answer, read to its bound; the connection is kept only if nothing was left in it."""
    body, complete = b"", True
    try:
        while len(body) <= BODY_LIMIT and answer.raw.length_remaining != 0:
            chunk = answer.raw.read(BODY_LIMIT + 1 - len(body), decode_content=False)
            if not chunk:
                break
            body += chunk
    except (urllib3.exceptions.HTTPError, OSError, ValueError):
        complete = False
    if deadline.expired:
        answer.raw.close()
        raise cut_off("the answer had not ended at the deadline", answer.status_code)
    complete = complete and len(body) <= BODY_LIMIT
    if complete:
        answer.raw.release_conn()
    else:
        answer.raw.close()
    return HttpResponse(answer.status_code, answer.headers, body[:BODY_LIMIT], complete)


def _translate(error: Exception, state: Exchange, deadline: Deadline) -> DeliveryError:
    """The failure in words, without the exception's own text: that holds the URL."""
    if isinstance(error, (*_UNUSABLE, requests.exceptions.InvalidHeader, UnicodeError)) and not state.sent:
        return ChannelConfigError("the address or a header of the request is not usable; check the channel's settings")
    after = "; the request had been sent" if state.sent else ""
    if deadline.expired or isinstance(error, requests.exceptions.Timeout | TimeoutError):
        outcome = Outcome.UNKNOWN if state.sent else Outcome.RETRY
        return DeliveryTimeout(f"no answer within {deadline.seconds:.3g} s{after}", outcome=outcome)
    if isinstance(error, requests.exceptions.SSLError) and not state.sent and not _was_cut(error):
        return TlsError(f"no trusted TLS connection: {_tls_words(error)}")
    if isinstance(error, requests.exceptions.ProxyError) and not state.sent:
        return ConnectionFailed("the proxy could not be used", hint="Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.")
    outcome = Outcome.UNKNOWN if state.sent else Outcome.RETRY
    return ConnectionFailed(f"{words_for(error)}{after}", outcome=outcome)


def _was_cut(error: BaseException) -> bool:
    return any(isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError) for cause in chain(error))


def _tls_words(error: BaseException) -> str:
    for cause in chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message or "the certificate is not trusted"
    return "the receiver does not speak TLS as expected"
