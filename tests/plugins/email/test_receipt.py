"""The queue id is found in the answers of the servers that are in use, and nothing else is taken from an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_email.receipt import queue_id


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"2.0.0 Ok: queued as 4XSIM00A1", "4XSIM00A1"),
        (b"OK id=1rABcd-000000012Ab-3CdE", "1rABcd-000000012Ab-3CdE"),
        (b"2.0.0 4A1B2C3d012345 Message accepted for delivery", "4A1B2C3d012345"),
        (b"2.0.0 OK  1732354200 a1-20020a05600c.12 - gsmtp", "a1-20020a05600c.12"),
        (b"2.6.0 <x@example.com> [InternalId=12345678, Hostname=A.PROD] Queued mail for delivery", "12345678"),
        (b"ok 1732354200 qp 12345", "12345"),
        (b"Ok 0100018bf2a1d7c5-6f0c1a2b-000000", "0100018bf2a1d7c5-6f0c1a2b-000000"),
        (b"Great success", None),
        (b"2.0.0 Ok", None),
        (b"Ok: queued as <script>", None),
        (b"Ok: queued as ops@example.com", None),
        (b"", None),
    ],
)
def test_the_queue_id_of_known_servers_is_found(answer, expected):
    assert queue_id(answer) == expected


@given(st.binary(max_size=200))
def test_what_is_taken_is_a_short_token(answer):
    found = queue_id(b"queued as " + answer)

    assert found is None or (4 <= len(found) <= 100 and found.isascii() and "@" not in found and " " not in found)
