"""The README's table and links are true."""

import re

import pytest
from tocsin_docs.catalogue import channel_table, store_table


@pytest.mark.parametrize(("name", "table"), [("channels", channel_table), ("stores", store_table)])
def test_a_table_is_the_one_that_the_plugins_describe(root, name, table):
    text = (root / "README.md").read_text(encoding="utf-8")
    found = text.partition(f"<!-- {name}:begin -->\n")[2].partition(f"\n<!-- {name}:end -->")[0]

    assert found == table(), "paste the table on the right between the markers of README.md"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])
def test_a_link_into_the_repository_leads_somewhere(root, name):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (root / name).read_text(encoding="utf-8"))

    assert [link for link in links if not (root / link).exists()] == []


def test_the_two_commands_stand_on_the_first_screen(root):
    first_screen = (root / "README.md").read_text(encoding="utf-8").splitlines()[:30]

    for session in ("demo", "tests"):
        assert any(f".venv/bin/pip install nox && .venv/bin/nox -s {session}" in line for line in first_screen)
