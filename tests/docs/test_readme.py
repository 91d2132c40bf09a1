"""The README's table and links are true."""

import re

import pytest
from tocsin_docs.catalogue import channel_table

BEGIN, END = "<!-- channels:begin -->\n", "\n<!-- channels:end -->"


def test_the_channel_table_is_the_one_that_the_plugins_describe(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    table = text.partition(BEGIN)[2].partition(END)[0]

    assert table == channel_table(), "paste the table on the right between the markers of README.md"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])
def test_a_link_into_the_repository_leads_somewhere(root, name):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (root / name).read_text(encoding="utf-8"))

    assert [link for link in links if not (root / link).exists()] == []


def test_the_two_commands_stand_on_the_first_screen(root):
    first_screen = (root / "README.md").read_text(encoding="utf-8").splitlines()[:30]

    for session in ("demo", "tests"):
        assert any(f".venv/bin/pip install nox && .venv/bin/nox -s {session}" in line for line in first_screen)
