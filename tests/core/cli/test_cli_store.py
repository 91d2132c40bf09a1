"""`tocsin store`: what the store says of itself, and what a person has done about it."""

import json

import pytest


def test_figures_are_aligned_and_readable(tocsin, drawer):
    assert tocsin("store", "stats").stdout.splitlines() == [
        "alerts      1,234", "states", "  failed  2", "size bytes  -", "wal         yes", "notes       -",
    ]  # fmt: skip


def test_figures_are_json_for_programs(as_json, drawer):
    assert as_json("store", "stats")["states"] == {"failed": 2}


def test_a_good_store_is_good(tocsin, drawer):
    result = tocsin("store", "check")

    assert (result.exit_code, result.stdout) == (0, "✓ the store is good\n")


def test_problems_are_told_and_have_an_exit_code(tocsin, drawer, monkeypatch):
    monkeypatch.setenv("TOCSIN_STORE_LABEL", "broken")
    result = tocsin("store", "check")

    assert result.exit_code == 74
    assert result.stdout == "✗ a page is damaged; salvage it\n! the disk is slow; use another\n"
    assert json.loads(tocsin("store", "check", "--json").stdout) == {
        "ok": False,
        "problems": ["a page is damaged; salvage it"],
        "hazards": ["the disk is slow; use another"],
    }


def test_a_hazard_alone_is_a_warning(tocsin, drawer, monkeypatch):
    monkeypatch.setenv("TOCSIN_STORE_LABEL", "risky")
    result = tocsin("store", "check")

    assert result.exit_code == 0
    assert result.stdout == "! the disk is slow; use another\n✓ the store is good\n"
    assert json.loads(tocsin("store", "check", "--json").stdout)["ok"]


def test_what_changes_the_store_is_on_record(tocsin, drawer, outside):
    (outside / "old.db").write_text("")
    assert tocsin("store", "prune").stdout == "contents  3\n"
    salvaged = tocsin("store", "salvage", "old.db").stdout
    assert salvaged == "alerts  6\n! alert 7: its content is lost; send it again\n"
    assert [entry[:2] for entry in drawer.audited] == [("prune", "store"), ("salvage", "old.db")]


def test_an_upgrade_says_what_was_done(tocsin, drawer):
    assert tocsin("store", "upgrade").stdout == "✓ it was up to date\n"


def test_a_file_to_salvage_must_be_there(tocsin, drawer):
    assert tocsin("store", "salvage", "none.db").exit_code == 2


@pytest.mark.parametrize("command", ["stats", "check", "upgrade", "prune"])
def test_a_store_without_upkeep_says_so(tocsin, configure, command):
    configure("[store]\ndriver = 'bare'\n")
    result = tocsin("store", command)

    assert result.exit_code == 74
    assert "has no upkeep" in result.stderr


def test_a_store_with_a_part_of_the_upkeep_is_told_which_it_lacks():
    from tocsin import StoreError
    from tocsin.cli.opened import upkeep_of

    class Older:
        stats = prune = check = salvage = upgrade = audit = None

    with pytest.raises(StoreError, match=r"Older lacks hazards; its upkeep needs it, see tocsin.store.Upkeep"):
        upkeep_of(Older())


def test_a_store_that_fails_is_told_with_its_own_exit_code(tocsin, pager, drawer, monkeypatch):
    from tocsin import StoreError

    def refuse(*args, **kwargs):
        raise StoreError("the disk is full; free some space")

    monkeypatch.setattr(drawer.memory, "add", refuse)
    result = tocsin("send", "t", "--durable")

    assert result.exit_code == 74
    assert "error: the disk is full; free some space [TCN-175]" in result.stderr
