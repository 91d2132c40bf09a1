"""With a key, content cannot be read where it lies; without the right one, nothing starts."""

import base64
import sqlite3

import pytest
import sqlalchemy as sa

from tocsin import ContentLost, ContentSealed, Secret, StoreError
from tocsin.clock import SystemClock
from tocsin.plan import Plan
from tocsin.testing.store.rig import alert, delivery
from tocsin_sql import SqlStore
from tocsin_sql.sealing import Seal

KEY, OTHER = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
WORDS = "the vault door is open"


def put(store, **fields):
    one = alert(title=WORDS, message=WORDS, data={"code": WORDS}, **fields)
    store.add(one, Plan((("x",),)), [delivery(one, store)])
    return one


def everything_in(path):
    return b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))


def test_content_is_not_readable_in_the_file(open_store, path):
    store = open_store(key=KEY)
    one = put(store, dedup_key="the-vault")

    assert WORDS.encode() not in everything_in(path)
    assert b"the-vault" not in everything_in(path)
    assert store.alert(one.alert_id) == one


def test_without_a_key_it_is(open_store, path):
    put(open_store())

    assert WORDS.encode() in everything_in(path)


@pytest.mark.parametrize(
    ("key", "said"), [(OTHER, "encrypted with another key"), (None, "with a key, and none is set")]
)
def test_a_wrong_or_missing_key_is_a_clear_error(make_store, path, key, said):
    store = make_store(key=KEY)
    store.open(SystemClock(), lambda: None)
    put(store)
    store.close()
    before = path.read_bytes()

    with pytest.raises(StoreError, match=f"{said}; set TOCSIN_STORE_KEY") as caught:
        make_store(key=key).open(SystemClock(), lambda: None)
    assert OTHER not in str(caught.value)
    assert path.read_bytes() == before


def test_what_was_written_without_a_key_stays_readable_with_one(make_store):
    plain = make_store()
    plain.open(SystemClock(), lambda: None)
    one = put(plain)
    plain.close()
    store = make_store(key=KEY)
    store.open(SystemClock(), lambda: None)
    two = put(store)
    read = [store.alert(one.alert_id), store.alert(two.alert_id)]
    store.close()

    assert read == [one, two]


def test_a_key_that_has_sealed_nothing_binds_nobody(make_store):
    for key in (None, KEY, OTHER, None):
        store = make_store(key=key)
        store.open(SystemClock(), lambda: None)
        read = (store.select(), store.stats()["contents"])
        store.close()

        assert read == ([], 0)


def test_of_two_keys_the_first_that_seals_is_the_stores(open_store):
    first, second = open_store(key=KEY), open_store(key=OTHER)
    one = put(first)

    with pytest.raises(StoreError, match="was encrypted with another key; set TOCSIN_STORE_KEY to it"):
        put(second)
    assert [found.alert_id for found in first.select()] == [one.alert_id]
    assert first.alert(one.alert_id) == one


def test_a_key_is_noted_in_the_applications_transaction_too(open_store, make_store, path):
    store = open_store(key=KEY)
    one = alert()
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        store.add(one, Plan((("x",),)), [delivery(one, store)], connection=connection)
        connection.rollback()
        open_store()
        store.add(one, Plan((("x",),)), [delivery(one, store)], connection=connection)
        connection.commit()

    with pytest.raises(StoreError, match="with a key, and none is set"):
        make_store().open(SystemClock(), lambda: None)


def test_content_that_was_moved_to_another_alert_is_refused(open_store, path):
    store = open_store(key=KEY)
    one, two = put(store), put(store)
    with sqlite3.connect(path) as connection:
        other = "(SELECT content, checksum FROM tocsin_contents WHERE alert_id = ?)"
        query = f"UPDATE tocsin_contents SET (content, checksum) = {other} WHERE alert_id = ?"
        connection.execute(query, (one.alert_id, two.alert_id))
    connection.close()

    with pytest.raises(ContentSealed, match="another key, or was changed"):
        store.alert(two.alert_id)
    assert store.alert(one.alert_id) == one


def test_content_that_was_changed_is_not_sent(open_store, path):
    store = open_store()
    one = put(store)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE tocsin_contents SET content = CAST(replace(content, 'vault', 'front') AS BLOB)")
    connection.close()

    with pytest.raises(ContentLost, match=f"content of alert {one.alert_id} is damaged"):
        store.alert(one.alert_id)
    assert any("content of 1 alerts is damaged" in problem for problem in store.check())


def test_what_another_key_sealed_is_no_damage_and_its_record_stays(open_store, path):
    store = open_store(key=KEY)
    one = put(store)
    content = Seal(bytes([2]) * 32).row(one)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE tocsin_contents SET content = :content, checksum = :checksum", content)
    connection.close()

    with pytest.raises(ContentSealed, match="another key, or was changed"):
        store.alert(one.alert_id)
    record = store.record(one.alert_id)
    assert (record.alert, len(record.deliveries)) == (None, 1)


@pytest.mark.parametrize("value", ["short", "é" * 32, base64.b64encode(b"x" * 31).decode()])
def test_a_key_that_is_none_is_refused_without_being_quoted(value):
    with pytest.raises(ValueError, match="must be 32 bytes in base64") as caught:
        SqlStore(key=value)
    assert value not in str(caught.value)


def test_neither_key_nor_password_is_in_the_repr():
    store = SqlStore(url="postgresql://user:hunter22@host/db", key=Secret(KEY))

    assert "hunter22" not in repr(store) + str(store._database.place)
    assert KEY not in repr(store)
