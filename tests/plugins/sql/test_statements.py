"""What runs for each delivery goes to the driver as text, and behaves as if SQLAlchemy had run it."""

import sqlite3

import pytest
import sqlalchemy as sa

from tocsin_sql.statements import Insertion, Listing, Statement

METADATA = sa.MetaData()
PEOPLE = sa.Table(
    "people",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("age", sa.Integer),
)


@pytest.fixture
def engine(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'people.db'}", hide_parameters=True)
    METADATA.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine):
    with engine.begin() as connection:
        yield connection


@pytest.fixture
def foreign(engine):
    """A connection of a driver that takes values otherwise."""
    with engine.begin() as connection:
        connection.dialect.driver = "another"
        yield connection


def rows(count):
    return [{"name": f"n{number}", "age": number} for number in range(count)]


def stored(connection):
    return connection.execute(sa.select(PEOPLE.c.name, PEOPLE.c.age).order_by(PEOPLE.c.id)).all()


@pytest.mark.parametrize("which", ["connection", "foreign"])
@pytest.mark.parametrize("count", [0, 1, 2, 6, 32, 33, 100])
def test_rows_are_put_in_their_order_however_many(which, count, request):
    connection = request.getfixturevalue(which)
    Insertion(PEOPLE, "id").put(connection, rows(count))

    assert stored(connection) == [(f"n{number}", number) for number in range(count)]


@pytest.mark.parametrize("which", ["connection", "foreign"])
@pytest.mark.parametrize("count", [0, 1, 3, 64, 600])
def test_a_list_of_ids_may_have_any_length(which, count, request):
    connection = request.getfixturevalue(which)
    Insertion(PEOPLE, "id").put(connection, rows(700))
    named = Listing(
        lambda ids: sa.select(PEOPLE.c.id, PEOPLE.c.age).where(PEOPLE.c.id.in_(ids), PEOPLE.c.age < sa.bindparam("top"))
    )
    found = named.all(connection, list(range(1, count + 1)), {"top": 1000})

    assert sorted(row.age for row in found) == list(range(count))


@pytest.mark.parametrize("which", ["connection", "foreign"])
def test_a_statement_brings_its_own_values_along(which, request):
    connection = request.getfixturevalue(which)
    Insertion(PEOPLE, "id").put(connection, rows(5))
    older = Statement(sa.update(PEOPLE).where(PEOPLE.c.name == sa.bindparam("who")).values(age=PEOPLE.c.age + 40))
    first = Statement(sa.select(PEOPLE.c.name, PEOPLE.c.age).where(PEOPLE.c.age > 1).order_by(PEOPLE.c.age).limit(1))
    older.change_each(connection, [{"who": "n2"}, {"who": "n3"}])

    assert older.change(connection, {"who": "nobody"}) == 0
    assert first.first(connection, {}).name == "n4"
    assert (
        Statement(sa.select(PEOPLE.c.id).where(PEOPLE.c.age > sa.bindparam("than"))).first(connection, {"than": 99})
        is None
    )


def test_what_the_driver_refuses_is_an_error_of_sqlalchemys_without_values(connection):
    put = Insertion(PEOPLE, "id")
    with pytest.raises(sa.exc.IntegrityError) as caught:
        put.put(connection, [{"name": None, "age": 98765}, {"name": "secret", "age": 98765}])

    assert isinstance(caught.value.orig, sqlite3.IntegrityError)
    assert "98765" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_what_is_no_error_of_the_driver_stays_what_it_is(connection):
    with pytest.raises(OverflowError):
        Statement(sa.select(PEOPLE).where(PEOPLE.c.id == sa.bindparam("of"))).first(connection, {"of": 1 << 80})
