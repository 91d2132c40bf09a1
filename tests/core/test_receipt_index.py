"""Where a receipt is looked for: what is found, what is forgotten first, and how little is kept for each."""

import tracemalloc
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import Alert, Receipt
from tocsin.store import Delivery
from tocsin.store.receipts import ReceiptIndex

PLAIN = Receipt()


def alert(alert_id, **fields):
    return Alert(**{"title": "t", "message": "m", "alert_id": alert_id} | fields)


def delivery(alert_id, channel="x", recipient_id="r", receipt=PLAIN):
    return Delivery(
        alert_id=alert_id,
        channel=channel,
        recipient_id=recipient_id,
        recipient=recipient_id,
        key=f"{alert_id}-{recipient_id}",
        rank=2,
        due=0.0,
        expires=9.0,
        receipt=receipt,
    )


def note(index, alert_id, channel="x", recipient_id="r", receipt=PLAIN, **fields):
    index.note(alert(alert_id, **fields), delivery(alert_id, channel, recipient_id, receipt))


def got(index, about, channel="x", recipient_id="r"):
    earlier = index.previous(alert("next", dedup_key=about), channel, recipient_id)
    return earlier and earlier.receipt


def test_an_alert_is_found_by_what_it_is_about_or_by_its_id_and_never_by_itself():
    index = ReceiptIndex(10)
    note(index, "a1", receipt=Receipt(provider_id="1"), dedup_key="disk")
    note(index, "a2", receipt=Receipt(provider_id="2"))

    assert got(index, "disk").provider_id == "1"
    assert got(index, "a2").provider_id == "2"
    assert got(index, "a1") is None
    assert index.previous(alert("a1", dedup_key="disk"), "x", "r") is None
    assert index.previous(alert("a2"), "x", "r") is None


def test_each_way_of_an_alert_has_a_receipt_of_its_own():
    index = ReceiptIndex(10)
    ways = [("x", "r"), ("x", "s"), ("y", "r")]
    for number, way in enumerate(ways):
        note(index, "a", *way, receipt=Receipt(provider_id=str(number)))

    assert [got(index, "a", *way).provider_id for way in ways] == ["0", "1", "2"]
    assert got(index, "a", "y", "s") is None


def test_names_are_never_taken_for_one_another_where_they_join():
    index = ReceiptIndex(10)
    note(index, "a", "b c", "d", receipt=Receipt(provider_id="i d"))

    assert got(index, "a b", "c", "d") is None
    assert got(index, "a", "b", "c d") is None
    assert index.find("b", "c i d") is None
    assert got(index, "ab", " c", "d") is None
    assert index.find("b ci", " d") is None
    assert index.find("b c", "i d").alert_id == "a"


def test_what_is_about_the_same_thing_replaces_what_was_and_is_forgotten_later():
    index = ReceiptIndex(2)
    note(index, "a1", receipt=Receipt(provider_id="1"), dedup_key="disk")
    note(index, "b")
    note(index, "a2", receipt=Receipt(provider_id="2"), dedup_key="disk", priority="HIGH")
    note(index, "c")

    assert (got(index, "disk").provider_id, got(index, "b"), got(index, "c")) == ("2", None, PLAIN)
    assert index.previous(alert("a2", dedup_key="disk"), "x", "r") is None
    assert index.previous(alert("a1", dedup_key="disk"), "x", "r").rank == 1


@pytest.mark.parametrize(("bound", "more"), [(1, 0), (99, 0), (100, 1), (1000, 10)])
def test_the_last_are_kept_as_many_as_the_bound_says_and_a_hundredth_more_at_most(bound, more):
    index = ReceiptIndex(bound)
    for number in range(3 * bound):
        note(index, f"a{number}", receipt=Receipt(provider_id=str(number)), dedup_key=f"k{number}")
        last = range(max(0, number + 1 - bound), number + 1)
        assert got(index, f"k{last[0]}").provider_id == str(last[0])
        assert index.find("x", str(last[0])).alert_id == f"a{last[0]}"
        if number >= bound + more:
            gone = number - bound - more
            assert (got(index, f"k{gone}"), index.find("x", str(gone))) == (None, None)


def test_an_update_is_found_in_place_of_what_it_updates():
    index = ReceiptIndex(2)
    first = delivery("a", receipt=Receipt(provider_id="1"))
    index.note(alert("a"), first)
    index.amend(first.changed(error="late"))
    index.amend(delivery("b"))
    note(index, "c", receipt=None)

    assert index.find("x", "1").error == "late"
    assert got(index, "c") is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from("abcd"), st.sampled_from([None, "a", "b", "k"]), st.sampled_from("xy"), st.sampled_from("rs")
    ),
    max_size=30,
)


@given(STEPS, st.integers(1, 6))
def test_it_finds_what_a_table_of_all_names_would(steps, bound):
    index, table = ReceiptIndex(bound), OrderedDict()
    for number, (alert_id, about, channel, recipient_id) in enumerate(steps):
        note(index, alert_id, channel, recipient_id, Receipt(provider_id=str(number)), dedup_key=about)
        way = (about or alert_id, channel, recipient_id)
        table[way] = (alert_id, str(number))
        table.move_to_end(way)
        if len(table) > bound:
            table.popitem(last=False)
        for asking in "abcd":
            known, provider_id = table.get((about or asking, channel, recipient_id), (asking, None))
            found = index.previous(alert(asking, dedup_key=about), channel, recipient_id)
            assert (found and found.receipt.provider_id) == (None if known == asking else provider_id)


KEPT = 2_000


@pytest.mark.parametrize(
    ("receipt", "dedup_key", "most"),
    [
        (lambda number: PLAIN, lambda number: None, 190),
        (lambda number: PLAIN, lambda number: f"{number:032}", 330),
        (lambda number: Receipt(details={"part": number}), lambda number: None, 700),
    ],
    ids=["alike", "with a key", "different"],
)
def test_what_is_kept_takes_few_bytes_and_what_is_forgotten_none(receipt, dedup_key, most):
    index = ReceiptIndex(KEPT)
    tracemalloc.start()
    try:
        for number in range(4 * KEPT):
            note(index, f"{number:032x}", "hook", "0123456789abcdef", receipt(number), dedup_key=dedup_key(number))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken / KEPT < most


def test_receipts_that_differ_and_urgencies_that_differ_are_told_apart():
    index = ReceiptIndex(1000)
    for number in range(300):
        receipt = PLAIN if number % 2 else Receipt(provider_id=str(number))
        note(index, f"a{number}", receipt=receipt, priority="LOW" if number % 3 else "HIGH")

    for number in range(300):
        earlier = index.previous(alert("next", dedup_key=f"a{number}"), "x", "r")
        assert earlier.receipt.provider_id == (None if number % 2 else str(number))
        assert earlier.rank == (3 if number % 3 else 1)
