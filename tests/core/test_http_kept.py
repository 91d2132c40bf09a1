"""Requests on a connection that is open already: the shorter way must tell the same as the longer one."""

import queue
import socket
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import ChannelConfigError, ConnectionFailed, DeliveryTimeout, Outcome
from tocsin.deadline import Deadline
from tocsin.http import HttpClient
from tocsin.http.kept import _PLAIN, BODY_LIMIT, Headers, _read, _Replay, exchange
from tocsin.http.transport import Places

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def client():
    with_client = HttpClient(workers=2, user_agent="tests", environ={})
    yield with_client
    with_client.close()


@pytest.fixture
def warm(client, receiver):
    """A receiver whose first answer is plain, and which then does something; the first request was made."""

    def start(then):
        def behave(server, connection):
            server.request(connection)
            connection.sendall(OK)
            if server.request(connection) is not None:
                then(server, connection)

        server = receiver(behave)
        assert client.post(server.url, content=b"first").is_success
        return server

    return start


def answers(*pieces):
    def then(server, connection):
        for piece in pieces:
            connection.sendall(piece)
        server.stopping.wait(5)

    return then


def test_the_second_request_goes_on_the_kept_connection_with_all_its_headers(client, warm):
    server = warm(answers(OK))
    answer = client.post(
        server.url,
        content=b"second",
        headers={"User-Agent": "mine", "X-One": "1"},
        auth=("u", "p"),
    )
    head, body = server.requests[1]
    lines = head.decode().split("\r\n")

    assert (answer.status, answer.body, body) == (200, b"ok", b"second")
    assert lines[0] == "POST /hook HTTP/1.1"
    assert sorted(lines[1:]) == sorted(
        [
            f"Host: 127.0.0.1:{server.port}",
            "Accept: */*",
            "Accept-Encoding: identity",
            "Connection: keep-alive",
            "Authorization: Basic dTpw",
            "User-Agent: mine",
            "X-One: 1",
            "Content-Length: 6",
        ]
    )


def test_both_ways_send_the_same_fields(client, warm):
    server = warm(answers(OK))
    client.post(server.url, content=b"first")
    first, second = (set(head.decode().split("\r\n")) for head, _ in server.requests)

    assert first == second


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"], (404, b"", True)),
        ([b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 4\r\n\r\nb", b"ody"], (200, b"body", True)),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"], (200, b"body", True)),
        (
            [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"],
            (200, b"body", True),
        ),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"], (200, b"ok", True)),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", OK], (200, b"ok", True)),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], (204, b"", True)),
        ([b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"], (200, b"ok", True)),
        ([b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"], (200, b"ok", True)),
        ([b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"], (302, b"", True)),
        (
            [b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b"x" * 99_999],
            (200, b"x" * BODY_LIMIT, False),
        ),
    ],
)
def test_an_answer_is_read_as_it_is(client, warm, pieces, expected):
    answer = client.post(warm(answers(*pieces)).url, content=b"second")

    assert (answer.status, answer.body, answer.complete) == expected


@pytest.mark.parametrize("cut", ["end", "reset"])
def test_a_body_that_is_cut_leaves_the_status_believable(client, warm, cut):
    def then(server, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        if cut == "reset":
            server.reset(connection)
        else:
            connection.shutdown(socket.SHUT_RDWR)

    answer = client.post(warm(then).url, content=b"second")

    assert (answer.status, answer.body, answer.complete) == (200, b"half", False)


@pytest.mark.parametrize(
    "then",
    [
        lambda server, connection: server.reset(connection),
        lambda server, connection: connection.shutdown(socket.SHUT_RDWR),
        answers(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        answers(b"HTTP/1.1 abc\r\n\r\n"),
        answers(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
    ],
)
def test_a_request_that_went_and_was_not_answered_is_unknown(client, warm, then):
    with pytest.raises(ConnectionFailed) as caught:
        client.post(warm(then).url, content=b"second")

    assert caught.value.outcome is Outcome.UNKNOWN
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "then",
    [
        answers(),
        answers(b"HTTP/1.1 200 OK\r\nContent-Le"),
        answers(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
    ],
)
def test_the_deadline_holds_and_the_next_exchange_is_clean(client, warm, answering, then):
    server = warm(then)
    with Deadline(0.3), pytest.raises(DeliveryTimeout) as caught:
        client.post(server.url, content=b"second")

    assert caught.value.outcome is Outcome.UNKNOWN
    assert client.post(answering(OK).url, content=b"next").is_success


def test_a_longer_deadline_is_not_cut_by_the_socket_of_a_shorter_one(client, warm):
    release = threading.Event()

    def then(server, connection):
        release.wait(10)
        connection.sendall(OK)

    server = warm(then)
    threading.Timer(0.2, release.set).start()
    with Deadline(30.0):
        assert client.post(server.url, content=b"second").is_success


def test_where_no_deadline_is_in_force_the_usual_time_ends_the_wait(client, warm, monkeypatch):
    monkeypatch.setattr("tocsin.http.client._DEFAULT_TIMEOUT", 0.2)

    def then(server, connection):
        connection.sendall(OK)
        assert server.request(connection)
        server.stopping.wait(10)

    server = warm(then)
    with Deadline(30.0):
        assert client.post(server.url, content=b"second").is_success
    with pytest.raises(DeliveryTimeout):
        client.post(server.url, content=b"third")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-One": "a\r\nb"},
        {"X-One": "a\r\nX-Two: b"},
        {"X-One": "a\rb"},
        {"X-One": " a"},
        {"X-One": "\xa0a"},
        {"X-One": "\u20ac"},
        {"X-One": 1},
        {"X-One: a": "b"},
        {"X-One\r\nX-Two": "b"},
        {" X-One": "b"},
        {"": "b"},
    ],
)
def test_a_header_that_cannot_be_sent_leaves_the_connection_in_order(client, warm, headers):
    server = warm(answers(OK))
    with pytest.raises(ChannelConfigError):
        client.post(server.url, content=b"bad", headers=headers)

    assert client.post(server.url, content=b"good").is_success
    assert [body for _, body in server.requests] == [b"first", b"good"]


def _through(data, read):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        try:
            answer, keep = read(ours)
        except Exception as error:
            return type(error).__name__
        return answer.status, answer.body, answer.complete, keep, dict(answer.headers)


def read_by_us(data):
    return _through(data, lambda sock: exchange(sock, b"", "POST"))


def read_by_the_library(data):
    return _through(data, lambda sock: _read(_Replay(b"", sock), "POST"))


LINES = st.sampled_from(["HTTP/1.1 200 OK", "HTTP/1.1 500 x", "HTTP/1.1 204 No", "HTTP/1.0 200 OK", "HTTP/1.1 200"])
ENDS = st.sampled_from(["\r\n", "\r\n", "\r\n", "\n", "\r", "\r\n ", "\r\n\t"])
FIELDS = st.sampled_from(
    [
        "Content-Length: 5",
        "content-length:2 ",
        "Content-Length: 7, 7",
        "Content-Length: abc",
        "Connection: keep-alive",
        "connection: close",
        "Transfer-Encoding: chunked",
        "Retry-After: 3",
        "X-A:",
        "X-A: content-length: 2",
    ]
)


@settings(max_examples=500)
@given(LINES, st.lists(st.tuples(ENDS, FIELDS), max_size=3), st.sampled_from([b"", b"ok", b"hello", b"0\r\n\r\n"]))
def test_any_answer_is_read_as_the_standard_library_reads_it(line, fields, body):
    head = line + "\r\nContent-Length: 2" * (len(body) == 2) + "".join(f"{end}{field}" for end, field in fields)
    data = head.encode() + b"\r\n\r\n" + body
    ours, theirs = read_by_us(data), read_by_the_library(data)

    if ours != theirs:  # what follows a body of the length that was told ends our use of the connection
        *told, keep, headers = ours
        assert not keep
        assert (*told, True, headers) == theirs
        assert len(body) > len(told[1])


@pytest.mark.parametrize(
    "more",
    [
        "Content-Length: 5",
        "Content-Length : 5",
        "Transfer-Encoding: chunked",
        "transfer-encoding: identity",
        "Connection: close",
        "Connection: keep-alive, close",
        " continued",
        "\tcontinued",
        "X-A: b\nContent-Length: 5",
        "X-A: b\rTransfer-Encoding: chunked",
        "X-A: b\n\nhello",
    ],
)
def test_a_head_that_says_more_than_a_length_is_left_to_the_standard_library(more):
    before, after = f"HTTP/1.1 200 OK\r\n{more}\r\nContent-Length: 2", f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{more}"

    assert [_PLAIN.match(f"{head}\r\n\r\nok".encode()) for head in (before, after)] == [None, None]


def test_a_long_head_takes_no_longer_than_it_is_long():
    """65,536 bytes of lines, each of which could be where the pattern tries again."""
    for line in (b"\r\na: b", b"\r\ncontent-length: 2", b"\r\nconnection: keep-alive", b" \t" * 10):
        data = b"HTTP/1.1 200 OK" + (line * BODY_LIMIT)[:BODY_LIMIT]
        begun = time.thread_time()
        assert _PLAIN.match(data) is None
        assert time.thread_time() - begun < 0.5


def test_a_pool_gives_out_what_came_last_and_keeps_no_more_than_its_number():
    places = Places(2)
    places.put(None)
    places.put("older")
    with pytest.raises(queue.Full):
        places.put("too many")

    assert [places.get(), places.get(), places.qsize()] == ["older", None, 0]
    with pytest.raises(queue.Empty):
        places.get()


def test_headers_are_found_in_any_case_and_joined():
    headers = Headers(b"HTTP/1.1 200 OK\r\nRetry-After: 5\r\nX-A: 1\r\nx-a: 2")

    assert (headers["retry-after"], headers["X-A"], headers.get("none")) == ("5", "1, 2", None)
    assert (len(headers), list(headers)) == (2, ["Retry-After", "x-a"])


INTERIM = [
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 102 Processing\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
]


@pytest.mark.parametrize("before", [0, 1], ids=["first request", "kept connection"])
@pytest.mark.parametrize("interim", [*INTERIM, INTERIM[1] + INTERIM[2]])
def test_an_interim_answer_is_passed_over_and_the_next_request_gets_its_own(client, receiver, interim, before):
    def behave(server, connection):
        for number in range(before + 2):
            if server.request(connection) is None:
                return
            if number == before:
                connection.sendall(interim)
            connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: 1\r\n\r\n%d" % (200 + number, number))

    server = receiver(behave)
    found = [client.post(server.url, content=b"x") for _ in range(before + 2)]

    assert [(one.status, one.body) for one in found] == [(200 + n, b"%d" % n) for n in range(before + 2)]


def test_a_server_that_changes_the_protocol_has_not_answered(client, warm):
    server = warm(answers(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"))

    with pytest.raises(ConnectionFailed) as caught:
        client.post(server.url, content=b"second")
    assert caught.value.outcome is Outcome.UNKNOWN


def test_the_answer_to_head_has_no_body_whatever_length_it_names(client, warm):
    server = warm(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"))

    with Deadline(5.0):
        assert client.request("head", server.url).status == 200


@pytest.mark.parametrize("headers", [{"Content-Length": "99"}, {"X-None": None}])
def test_both_ways_leave_out_what_the_client_knows_better(client, warm, headers):
    server = warm(answers(OK))
    client.post(server.url, content=b"second", headers=headers)
    head, body = server.requests[1]

    assert body == b"second"
    assert head.lower().count(b"content-length:") == 1
    assert b"x-none" not in head.lower()
