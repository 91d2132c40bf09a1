"""What this process has written or read lately is not read again, and never believed against what is stored."""

import sqlite3
import threading

import pytest

from tocsin import Receipt
from tocsin.plan import Plan
from tocsin.testing.store.rig import LEASE, alert, attempt, delivery, outcome, settle
from tocsin_sql.contents import Contents
from tocsin_sql.ended import Ended
from tocsin_sql.glances import Glances
from tocsin_sql.sealing import Seal


def put(store, **fields):
    one = alert(**fields)
    store.add(one, Plan((("x",),)), [delivery(one, store)])
    return one


def test_an_alert_at_hand_is_not_parsed_again(open_store, monkeypatch):
    store = open_store()
    one = put(store)
    monkeypatch.setattr(Seal, "alert", lambda *_: 1 / 0)

    assert store.alert(one.alert_id) == one


def test_an_alert_that_another_process_has_replaced_is_read_anew(open_store):
    store, other = open_store(), open_store()
    one = put(store, title="before")
    again = put(other, title="after", alert_id=one.alert_id)

    assert store.alert(one.alert_id) == again
    assert store.alert(one.alert_id).title == "after"


def test_an_alert_whose_content_was_removed_is_gone_though_it_was_at_hand(open_store, path):
    store = open_store()
    one = put(store)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM tocsin_contents")
    connection.close()

    assert store.alert(one.alert_id) is None


def test_no_more_content_is_kept_at_hand_than_its_bound(open_store):
    kept = Contents(Seal(None), bound=1000)
    for _ in range(50):
        kept.keep(alert(), b"x" * 300)

    assert len(kept._known) == 3
    assert kept._size == 900


def test_a_report_says_what_another_process_came_to_know_of_a_delivery(open_store):
    """One delivery ends here and is known better there, before the alert's last one ends here."""
    here, there = open_store(), open_store()
    one = alert()
    here.add(one, Plan((("x", "y"),)), [delivery(one, here, "x"), delivery(one, here, "y")])
    (first,), (last,) = (here.claim(channel, 1, LEASE).deliveries for channel in ("x", "y"))
    ended = settle(here, outcome(first)).delivery
    there.amend(ended.changed(receipt=Receipt(provider_id="known better")))
    report = settle(here, outcome(last)).report

    assert report.results["x"].recipients[0].receipt.provider_id == "known better"
    assert report == there.report(one.alert_id)


def test_an_end_is_recalled_only_while_its_row_is_as_it_was_written(open_store):
    class Row:
        id, state, token, attempted, receipt = 7, "accepted", 1, 1, None

    store = open_store()
    put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    ended = outcome(claimed, attempts=(attempt("accepted"),)).changed(receipt=None)
    known = Ended(bound=2)

    known.note(7, ended, None)
    assert known.recall(Row) is ended
    assert known.recall(Row) is None
    for name, value in (("state", "failed"), ("token", 2), ("attempted", 2), ("receipt", "{}")):
        known.note(7, ended, None)
        assert known.recall(type("Other", (Row,), {name: value})) is None
    known.note(7, ended, None)
    known.forget()
    assert known.recall(Row) is None
    for number in (7, 8, 9):
        known.note(number, ended, None)
    assert known.recall(Row) is None


class Connection:
    def __init__(self, opened):
        self.closed = False
        opened.append(self)

    def close(self):
        self.closed = True


def test_glances_share_a_few_connections_and_let_go_of_one_that_failed():
    opened = []
    glances = Glances(lambda: Connection(opened))
    for _ in range(100):
        glances.ask(lambda connection: None)
    assert len(opened) == 1

    with pytest.raises(ZeroDivisionError):
        glances.ask(lambda connection: 1 / 0)
    assert opened[0].closed


def test_a_glance_that_ends_after_all_were_let_go_of_closes_its_connection():
    opened, began, go_on = [], threading.Event(), threading.Event()
    glances = Glances(lambda: Connection(opened))

    def question(connection):
        began.set()
        return go_on.wait(10)

    thread = threading.Thread(target=glances.ask, args=(question,))
    thread.start()
    assert began.wait(10)
    glances.dispose()
    go_on.set()
    thread.join(10)

    assert opened[0].closed
