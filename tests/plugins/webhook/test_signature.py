"""Signatures as other implementations of Standard Webhooks compute them.

``standardwebhooks_vectors.json`` holds three deliveries that were signed with standardwebhooks 1.1.0 from PyPI.
"""

import base64
import json
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import Secret
from tocsin_webhook.signature import sign, to_signing_keys

VECTORS = json.loads((pathlib.Path(__file__).parent / "standardwebhooks_vectors.json").read_text(encoding="utf-8"))
ONE, OTHER = VECTORS[0]["secret"], VECTORS[1]["secret"]


def secret_of(size):
    return f"whsec_{base64.b64encode(bytes(size)).decode()}"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["webhook-id"])
def test_signatures_are_those_of_the_reference_library(vector):
    timestamp, content = int(vector["webhook-timestamp"]), vector["body"].encode()

    assert sign([Secret(vector["secret"])], vector["webhook-id"], timestamp, content) == vector["webhook-signature"]


def test_several_secrets_sign_side_by_side():
    """While keys are changed each receiver finds the signature that it can check."""
    both = sign(to_signing_keys([ONE, OTHER]), "id", 1, b"{}")

    assert both.split(" ") == [sign(to_signing_keys(secret), "id", 1, b"{}") for secret in (ONE, OTHER)]


@pytest.mark.parametrize("between", [" ", ",", ", ", "\n", "  \t "])
def test_a_string_may_hold_several(between):
    assert to_signing_keys(f"{ONE}{between}{OTHER}") == (Secret(ONE), Secret(OTHER))


def test_a_list_may_hold_masked_ones():
    assert to_signing_keys([Secret(ONE), OTHER]) == (Secret(ONE), Secret(OTHER))


@pytest.mark.parametrize("size", [24, 32, 64])
def test_a_key_of_the_right_size_is_taken(size):
    assert to_signing_keys(secret_of(size)) == (Secret(secret_of(size)),)


def test_padding_may_be_missing_as_some_issuers_leave_it_out():
    """The reference libraries read such a secret, and sign the same."""
    bare = ONE.rstrip("=")

    assert bare != ONE
    assert sign(to_signing_keys(bare), "id", 1, b"{}") == sign(to_signing_keys(ONE), "id", 1, b"{}")


@pytest.mark.parametrize(
    "wrong",
    [
        secret_of(23),
        secret_of(65),
        ONE.removeprefix("whsec_"),
        ONE.replace("whsec_", "whpk_"),
        "whsec_",
        "whsec_not base64 at all, not at all",
        f"{ONE}ü",
        ONE.rstrip("=")[:-1] + "-",
    ],
)
def test_what_is_no_key_is_refused_without_quoting_it(wrong):
    with pytest.raises(
        ValueError, match="item 1 must be whsec_ and the base64 form of 24 to 64 random bytes"
    ) as caught:
        to_signing_keys([wrong])

    assert wrong.removeprefix("whsec_")[:8] not in str(caught.value) or wrong == "whsec_"


def test_the_place_of_a_wrong_key_is_told():
    with pytest.raises(ValueError, match="item 2 must be"):
        to_signing_keys([ONE, "whsec_x"])


@given(key=st.binary(min_size=24, max_size=64), content=st.binary(max_size=200), timestamp=st.integers(0, 2**40))
def test_one_changed_byte_changes_the_signature(key, content, timestamp):
    secrets = to_signing_keys(f"whsec_{base64.b64encode(key).decode()}")

    assert sign(secrets, "id", timestamp, content) != sign(secrets, "id", timestamp, content + b" ")
