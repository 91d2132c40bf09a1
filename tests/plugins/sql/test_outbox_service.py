"""A service whose alerts are written in the application's own transactions, which may not come to pass."""

import contextlib
import sqlite3

import pytest
import sqlalchemy as sa

from tocsin import Alert, NotificationConfig, NotificationService, RolledBack, StoreError


@pytest.fixture
def engine(path):
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    yield engine
    engine.dispose()


@pytest.fixture
def seen():
    return []


@pytest.fixture
def service(make_store, seen):
    service = NotificationService(NotificationConfig(), store=make_store())
    service.add_channel("list", seen.append)
    yield service
    service.close()


def rolled_back(service, engine, alert):
    with engine.connect() as connection:
        handle = service.enqueue(alert, connection=connection)
        connection.rollback()
    return handle


def test_an_alert_that_was_rolled_back_is_sent_by_the_next_transaction(service, engine, seen):
    alert = Alert(title="t", message="m")
    rolled_back(service, engine, alert)
    with engine.begin() as connection:
        handle = service.enqueue(alert, connection=connection)

    assert handle.result(30).is_complete
    assert seen == [alert]


def test_an_alert_that_was_rolled_back_may_be_sent_without_a_transaction(service, engine, seen):
    alert = Alert(title="t", message="m")
    rolled_back(service, engine, alert)

    assert service.enqueue(alert).result(30).is_complete
    assert seen == [alert]


def test_the_handle_of_what_was_rolled_back_says_so(service, engine, seen):
    handle = rolled_back(service, engine, Alert(title="t", message="m"))

    with pytest.raises(RolledBack, match="not accepted: the transaction with it was rolled back"):
        handle.result(30)
    assert seen == []


def test_the_end_does_not_wait_for_what_was_rolled_back(service, engine, seen):
    handle = rolled_back(service, engine, Alert(title="t", message="m"))
    finished = service.close(600.0)

    assert finished
    assert seen == []
    assert handle.done()


def test_a_handle_goes_on_where_a_later_transaction_has_the_alert(service, engine, seen):
    alert = Alert(title="t", message="m")
    with engine.begin() as connection:
        with connection.begin_nested() as savepoint:
            first = service.enqueue(alert, connection=connection)
            savepoint.rollback()
        second = service.enqueue(alert, connection=connection)

    assert second is first
    assert first.result(30).is_complete
    assert seen == [alert]


@pytest.fixture
def written_meanwhile(path):
    """Call it to have another connection write something, where it is not locked out."""
    with contextlib.closing(sqlite3.connect(path, timeout=0.0, isolation_level=None)) as other:
        other.execute("CREATE TABLE others (one INTEGER)")

        def write(*_):
            with contextlib.suppress(sqlite3.OperationalError):
                other.execute("INSERT INTO others VALUES (1)")

        yield write


def test_nobody_writes_between_what_an_outbox_reads_and_what_it_writes(service, engine, seen, written_meanwhile):
    alert = Alert(title="t", message="m")
    with engine.begin() as connection, connection.begin_nested():
        sa.event.listen(connection, "after_cursor_execute", written_meanwhile)
        handle = service.enqueue(alert, connection=connection)

    assert handle.result(30).is_complete
    assert seen == [alert]


def test_a_transaction_that_read_before_another_wrote_is_told_what_to_do(service, engine, seen, written_meanwhile):
    with engine.begin() as connection, connection.begin_nested():
        connection.exec_driver_sql("SELECT count(*) FROM others").scalar()
        written_meanwhile()
        with pytest.raises(StoreError, match=r"since this transaction read.*enqueue before reading"):
            service.enqueue(Alert(title="t", message="m"), connection=connection)

    assert seen == []


def test_the_same_key_twice_in_a_transaction_that_is_rolled_back_leaves_nobody_waiting(service, engine):
    alert = Alert(title="t", message="m")
    with engine.connect() as connection:
        handles = [service.enqueue(alert, key="k", connection=connection) for _ in range(2)]
        connection.rollback()

    for handle in handles:
        with pytest.raises(RolledBack):
            handle.result(30)


def test_ten_thousand_that_were_rolled_back_are_kept_in_nobodys_memory(service, engine):
    with engine.connect() as connection:
        for _ in range(100):
            handles = [service.enqueue(Alert(title="t", message="m"), connection=connection) for _ in range(100)]
            connection.rollback()
            for handle in handles:
                with pytest.raises(RolledBack):
                    handle.result(30)

    assert service._dispatcher._waiting.ids() == []
