"""Where a setting of a file stands: the line that a problem names."""

import pytest

from tocsin.sources import File

TEXT = """\
top = 1

[delivery]  # how
max_retries = 3
"retry_delay" = 5
max_retries.of = "another"

[channels.ops]
urls = [
    "max_retries = 9",
    ["deeper"],
]
workers = 2

[ channels . "ops-2" ]
  urls = ["https://ops.example"]
headers.team = "ops"

[[routes]]
channels = ["ops"]
[[routes]]
channels = ["ops-2"]
match = { priority = "HIGH" }
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("top", 1),
        ("delivery", 3),
        ("delivery.max_retries", 4),
        ("delivery.retry_delay", 5),
        ("delivery.workers", 3),
        ("channels.ops.urls", 9),
        ("channels.ops.workers", 8),
        ("channels.ops-2.urls", 16),
        ("channels.ops-2.headers.team", 17),
        ("routes.0", 19),
        ("routes.1", 21),
        ("routes.1.match", 23),
        ("routes.1.match.priority", 23),
        ("routes.2", 19),
        ("store.url", 0),
    ],
)
def test_a_place_is_as_near_as_it_can_be_found(path, line):
    """A bracket at the beginning of a line ends the search, as the one inside the list of URLs does here."""
    assert File("tocsin.toml", {}, TEXT).place(path) == (f"tocsin.toml:{line}" if line else "tocsin.toml")


def test_in_pyproject_the_place_is_below_the_table_of_the_tool():
    text = "[project]\nname = 'x'\n[tool.tocsin.delivery]\nworkers = 7\n"

    assert File("pyproject.toml", {}, text, "tool.tocsin.").place("delivery.workers") == "pyproject.toml:4"


def test_a_mapping_has_paths_for_places():
    assert File("mapping", {}).place("delivery.workers") == "mapping delivery.workers"
