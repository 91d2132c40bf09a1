"""The store's settings, as configuration and documentation see them."""

import pytest

from tocsin import ConfigError, NotificationConfig
from tocsin.settings import settings_of
from tocsin.storage import configured_store
from tocsin_sql import SqlStore


def test_each_setting_has_a_name_in_the_environment_and_help():
    settings = {one.name: one for one in settings_of(SqlStore, "tocsin_store")}

    assert {name: one.env for name, one in settings.items()} == {
        "url": "TOCSIN_STORE_URL",
        "key": "TOCSIN_STORE_KEY",
        "retention": "TOCSIN_STORE_RETENTION",
        "history": "TOCSIN_STORE_HISTORY",
        "max_waiting": "TOCSIN_STORE_MAX_WAITING",
        "max_log": "TOCSIN_STORE_MAX_LOG",
    }
    assert all(one.help for one in settings.values())
    assert [name for name, one in settings.items() if one.secret] == ["url", "key"]
    assert [name for name, one in settings.items() if one.required] == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("postgresql://host", "must name a database"),
        ("mysql://host/db", "must begin with sqlite:// or postgresql://"),
        ("no url", "must be a database's URL"),
        ("postgresql://user:hunter22@host:port/db", "must be a database's URL"),
        ("nosuch://user:hunter22@host/db", "must begin with sqlite:// or postgresql://"),
    ],
)
def test_a_url_that_names_no_database_is_refused_without_being_quoted(url, said):
    with pytest.raises(ValueError, match=said) as caught:
        SqlStore(url=url)
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite://", "must name a file, for in memory nothing would last, like sqlite:///tocsin.db"),
        ("postgresql://user:hunter22@host", "must name a database, like postgresql://user@host/alerts"),
        ("hunter22", "must be a database's URL, like sqlite:///tocsin.db"),
        ("hunter22://host/db", "must begin with sqlite:// or postgresql://, like sqlite:///tocsin.db"),
    ],
)
def test_a_configuration_with_a_bad_url_is_told_one_that_can_be_used(url, words):
    with pytest.raises(ConfigError) as caught:
        configured_store(NotificationConfig.from_env({"TOCSIN_STORE_URL": url}))

    assert [problem.message for problem in caught.value.problems] == [f"url {words}"]


@pytest.mark.parametrize("url", ["postgresql://u@h/db", "postgres://u@h/db", "postgresql+psycopg://u@h/db"])
def test_every_spelling_of_postgresql_is_understood(url):
    assert SqlStore(url=url)._database.place == "PostgreSQL at h/db"


def test_building_a_store_touches_nothing(tmp_path):
    SqlStore(url=f"sqlite:///{tmp_path / 'tocsin.db'}")

    assert list(tmp_path.iterdir()) == []
