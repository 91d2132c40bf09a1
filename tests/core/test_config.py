"""Configuration: four sources, one precedence, every problem at once with its place."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import ConfigError, NotificationConfig, Secret
from tocsin.config import DeliverySettings, find_file
from tocsin.settings import (
    MissingSetting,
    Sourced,
    UnusableValue,
    build,
    setting,
    settings_of,
    to_secret,
    to_strings,
)

DELIVERY = {
    "NOTIFICATION_MAX_RETRIES": ("5", "max_retries", 5),
    "NOTIFICATION_RETRY_DELAY": ("0.5", "retry_delay", 0.5),
    "NOTIFICATION_PARALLEL_DELIVERY": ("no", "parallel", False),
    "NOTIFICATION_FAIL_FAST": ("on", "fail_fast", True),
    "TOCSIN_BACKOFF": ("constant", "backoff", "constant"),
    "TOCSIN_TIMEOUT": ("2", "timeout", 2.0),
    "TOCSIN_DEADLINE": ("30", "deadline", 30.0),
    "TOCSIN_EXPIRES_AFTER": ("3600", "expires_after", 3600.0),
    "TOCSIN_EXPIRES_AFTER_LOW": ("60", "expires_after_low", 60.0),
    "TOCSIN_WORKERS": ("9", "workers", 9),
    "TOCSIN_ON_UNKNOWN": ("fail", "on_unknown", "fail"),
}


def test_the_defaults():
    assert attrs.asdict(NotificationConfig().delivery) == {
        "parallel": True,
        "fail_fast": False,
        "max_retries": 3,
        "retry_delay": 5.0,
        "backoff": "exponential",
        "timeout": 15.0,
        "deadline": 300.0,
        "expires_after": 86_400.0,
        "expires_after_low": 14_400.0,
        "workers": 4,
        "on_unknown": "retry",
    }


@pytest.mark.parametrize(("name", "row"), DELIVERY.items())
def test_each_delivery_setting_has_its_environment_name(name, row):
    text, field, value = row

    assert getattr(NotificationConfig.from_env({name: text}).delivery, field) == value
    assert getattr(NotificationConfig(**{name.lower(): text}).delivery, field) == value
    assert getattr(NotificationConfig(**{field: value}).delivery, field) == value
    assert getattr(NotificationConfig.from_mapping({"delivery": {field: value}}).delivery, field) == value


def test_every_delivery_setting_is_covered_above():
    assert {item.env for item in settings_of(DeliverySettings, "tocsin")} == set(DELIVERY)


def test_the_environment_wins_over_the_file_and_arguments_over_both(tmp_path):
    path = tmp_path / "tocsin.toml"
    path.write_text("[delivery]\nmax_retries = 1\nworkers = 1\ntimeout = 1\n")
    config = NotificationConfig.from_file(path, {"TOCSIN_WORKERS": "2", "TOCSIN_TIMEOUT": "2"}, timeout=3)

    assert (config.delivery.max_retries, config.delivery.workers, config.delivery.timeout) == (1, 2, 3)
    assert config.origins == {"max_retries": f"{path}:2", "workers": "TOCSIN_WORKERS", "timeout": "timeout="}


def test_every_problem_is_told_at_once_with_its_place_and_a_suggestion(tmp_path):
    path = tmp_path / "tocsin.toml"
    path.write_text(
        '[delivery]\nmax_retrys = 3\ntimeout = "fast"\nbackoff = "constnat"\n\n[chanels]\n\n'
        '[[routes]]\nchannels = ["a"]\n[[routes]]\nmatch = { priorty = "HIGH" }\nchannels = ["a"]\n'
        '[[routes]]\nmatch = { type = "RISC" }\nchannels = ["a"]\n'
    )
    with pytest.raises(ConfigError) as caught:
        NotificationConfig.from_file(path, {"TOCSIN_WORKERS": "0"})

    assert [str(problem) for problem in caught.value.problems] == [
        f"{path}:6: unknown table 'chanels'; did you mean 'channels'?",
        f"{path}:2: unknown setting 'max_retrys'; did you mean 'max_retries'?",
        f"{path}:3: timeout must be a number, like 2.5",
        f"{path}:4: backoff must be one of exponential, constant; did you mean 'constant'?",
        "TOCSIN_WORKERS: workers must be between 1 and 1000",
        f"{path}:10: route 2: cannot match on 'priorty'; did you mean 'priority'?",
        f"{path}:13: route 3: type has no value 'RISC'; did you mean 'RISK'?",
    ]


def test_lenient_keeps_the_problems_for_a_check():
    config = NotificationConfig.from_env({"TOCSIN_WORKERS": "many"}, lenient=True)

    assert [problem.place for problem in config.problems] == ["TOCSIN_WORKERS"]
    assert config.delivery.workers == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[delivery\n", "line 1, column 10"),
        ('a = "c4n4ry\n', "line 1"),
        ("[delivery]\nmax_retries = 1\nmax_retries = 2\n", "not valid TOML"),
    ],
)
def test_a_file_that_is_no_toml_is_told_with_line_and_column(tmp_path, text, words):
    path = tmp_path / "tocsin.toml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=words) as caught:
        NotificationConfig.from_file(path)
    assert "c4n4ry" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        NotificationConfig.from_file(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        NotificationConfig.from_file(tmp_path / "binary.toml")


def test_pyproject_has_its_own_table(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.write_text("[project]\nname = 'x'\n[tool.tocsin.delivery]\nworkers = 7\nretrys = 1\n")

    with pytest.raises(ConfigError, match=r"pyproject.toml:5: unknown setting 'retrys'"):
        NotificationConfig.from_file(path, {})


def test_the_file_is_found_where_people_put_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_file({}) is None
    (tmp_path / "pyproject.toml").write_text("[tool.tocsin.delivery]\nworkers = 2\n")
    assert NotificationConfig.load(environ={}).delivery.workers == 2
    (tmp_path / "tocsin.toml").write_text("[delivery]\nworkers = 3\n")
    assert NotificationConfig.load(environ={}).delivery.workers == 3
    (tmp_path / "other.toml").write_text("[delivery]\nworkers = 4\n")
    assert NotificationConfig.load(environ={"TOCSIN_CONFIG": "other.toml"}).delivery.workers == 4
    assert NotificationConfig.from_env({"TOCSIN_CONFIG": "other.toml"}).delivery.workers == 4


def test_the_environment_alone_reads_no_file_of_the_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tocsin.toml").write_text("[delivery]\nworkers = 3\n")

    assert NotificationConfig.from_env({}).delivery.workers == 4


def test_the_repr_shows_no_value():
    assert "c4n4ry" not in repr(NotificationConfig.from_env({"TOCSIN_BACKOFF": "c4n4ry"}, lenient=True))
    assert "c4n4ry" not in repr(NotificationConfig(workers=2, smtp_password="c4n4ry"))


@attrs.define(eq=False, kw_only=True)
class Pager:
    token: Secret = attrs.field(converter=to_secret, metadata=setting(help="Token"))
    users: tuple = attrs.field(
        default=(), converter=to_strings, metadata=setting("PAGER_TO", "Users", keywords=["pager_users"])
    )
    urgent: bool = False
    level: int = 1
    factor: float = 1.0
    headers: dict = attrs.field(factory=dict)
    note: str | None = None
    hidden: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self):
        if not self.users:
            raise MissingSetting("name at least one user")


def settings():
    return settings_of(Pager, "my-pager")


def test_settings_are_derived_from_the_fields():
    assert [(item.name, item.env, item.kind, item.secret, item.required) for item in settings()] == [
        ("token", "MY_PAGER_TOKEN", "string", True, True),
        ("users", "PAGER_TO", "array", False, False),
        ("urgent", "MY_PAGER_URGENT", "boolean", False, False),
        ("level", "MY_PAGER_LEVEL", "integer", False, False),
        ("factor", "MY_PAGER_FACTOR", "number", False, False),
        ("headers", "MY_PAGER_HEADERS", "object", False, False),
        ("note", "MY_PAGER_NOTE", "string", False, False),
    ]


def to_hook(value):
    raise UnusableValue(f"must be a hook's URL, not {value}", "https://pager.example/hooks/<id>")


@attrs.define(eq=False, kw_only=True)
class Hook:
    url: Secret = attrs.field(converter=to_hook)


def test_an_example_of_a_secret_value_is_shown_and_the_value_is_not():
    _, problems = build(Hook, settings_of(Hook, "hook"), {"url": Sourced("https://pager.example/c4n4ry", "url")})

    words = "url must be a hook's URL, not ***, like https://pager.example/hooks/<id>"
    assert [problem.message for problem in problems] == [words]


def test_text_and_native_values_build_the_same():
    text = {"token": "t", "users": "a, b,", "urgent": "yes", "level": "3", "factor": "2.5", "headers": "A=1, B=2"}
    native = {
        "token": "t",
        "users": ["a", "b"],
        "urgent": True,
        "level": 3,
        "factor": 2.5,
        "headers": {"A": "1", "B": "2"},
    }

    built = [build(Pager, settings(), {k: Sourced(v, k) for k, v in values.items()}) for values in (text, native)]
    assert [problems for _, problems in built] == [[], []]
    assert attrs.asdict(built[0][0]) == attrs.asdict(built[1][0])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "MY_PAGER_TOKEN: is not set; Token"),
        ({"token": "t"}, "token: name at least one user"),
        ({"token": ""}, "token: token is empty; give it a value or leave it out"),
        ({"token": 5}, "token: token must be a string, got int"),
        ({"token": "a\nb"}, "token: token must not hold control characters or line ends"),
        ({"token": "t", "users": "a", "level": "c4n4ry"}, "level: level must be a whole number, like 3"),
        ({"token": "t", "users": "a", "level": True}, "level: level must be a whole number, like 3"),
        ({"token": "t", "users": "a", "level": "9" * 5000}, "level: level must be a whole number, like 3"),
        ({"token": "t", "users": "a", "factor": "nan"}, "factor: factor must be a finite number, 0 or more"),
        ({"token": "t", "users": "a", "urgent": "maybe"}, "urgent: urgent must be true or false"),
        ({"token": "t", "users": 5}, "users: users must be a list of strings, got int"),
        ({"token": "t", "users": [None]}, "users: users must be a string, got NoneType"),
        ({"token": "t", "users": "a", "headers": "c4n4ry"}, "headers: headers must be a table"),
        ({"token": "t", "users": "a", "tokn": "c4n4ry"}, "tokn: unknown setting 'tokn'; did you mean 'token'?"),
    ],
)
def test_a_problem_says_where_and_what_and_quotes_no_value(values, words):
    instance, problems = build(Pager, settings(), {name: Sourced(value, name) for name, value in values.items()})

    assert instance is None
    assert str(problems[0]).startswith(words)
    assert "c4n4ry" not in str(problems)


@pytest.mark.parametrize("text", ["a = " + "[" * 20_000, "a = " + "9" * 5_000], ids=["deep", "long number"])
def test_a_file_that_no_reader_of_toml_survives_is_a_problem_in_words(tmp_path, text):
    path = tmp_path / "tocsin.toml"
    path.write_text(text)

    with pytest.raises(ConfigError, match="nested too deeply, or a number too long"):
        NotificationConfig.from_file(path, {})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TABLE = st.dictionaries(
    st.sampled_from([field.name for field in attrs.fields(DeliverySettings)]) | st.text(), JSON_VALUES
)
ROUTE = st.dictionaries(st.sampled_from(["match", "channels", "fallback", "name"]) | st.text(), JSON_VALUES)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "delivery": TABLE | JSON_VALUES,
            "routes": st.lists(ROUTE | JSON_VALUES, max_size=3) | JSON_VALUES,
            "channels": st.dictionaries(st.text(), TABLE | JSON_VALUES, max_size=3) | JSON_VALUES,
            "store": JSON_VALUES,
            "other": JSON_VALUES,
        },
    )
)
def test_any_mapping_is_a_configuration_or_problems_with_their_places(mapping):
    config = NotificationConfig.from_mapping(mapping, lenient=True)

    assert all(problem.place and problem.message for problem in config.problems)
    if config.problems:
        with pytest.raises(ConfigError):
            NotificationConfig.from_mapping(mapping)


@given(
    timeout=st.floats(0.1, 300),
    deadline=st.floats(1, 3600),
    retries=st.integers(0, 100),
    workers=st.integers(1, 1000),
    parallel=st.booleans(),
)
def test_what_a_mapping_and_the_environment_say_alike_is_read_alike(timeout, deadline, retries, workers, parallel):
    table = {"timeout": timeout, "deadline": deadline, "max_retries": retries, "workers": workers, "parallel": parallel}
    environ = {
        "TOCSIN_TIMEOUT": repr(timeout),
        "TOCSIN_DEADLINE": repr(deadline),
        "NOTIFICATION_MAX_RETRIES": str(retries),
        "TOCSIN_WORKERS": str(workers),
        "NOTIFICATION_PARALLEL_DELIVERY": str(parallel).lower(),
    }

    assert (
        NotificationConfig.from_mapping({"delivery": table}).delivery == NotificationConfig.from_env(environ).delivery
    )
