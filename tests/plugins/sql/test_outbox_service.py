"""A service whose alerts are written in the application's own transactions, which may not come to pass."""

import pytest
import sqlalchemy as sa

from tocsin import Alert, NotificationConfig, NotificationService, ServiceClosed


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


def test_the_end_does_not_wait_for_what_was_rolled_back(service, engine, seen):
    handle = rolled_back(service, engine, Alert(title="t", message="m"))
    finished = service.close(600.0)

    assert finished
    assert seen == []
    with pytest.raises(ServiceClosed, match="not committed"):
        handle.result(0)
