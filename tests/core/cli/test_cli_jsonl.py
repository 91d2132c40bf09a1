"""`tocsin send --jsonl`: a stream of alerts, one report for each line."""

import io
import json

import pytest

from tocsin.cli.exits import combined
from tocsin.cli.jsonl import read_lines
from tocsin.testing import Fault

LINES = """{"title": "one"}
not json

{"title": "two", "message": "m", "priority": "HIGH"}
[1]
{"title": "x", "prio": 1}
"""


def test_each_line_is_sent_and_a_bad_one_is_told_with_its_number(tocsin, pager):
    result = tocsin("send", "--jsonl", "-", input=LINES)

    assert result.exit_code == 4
    assert sorted(message.text for message in pager.received("alice@example.com")) == ["one\n", "two\nm"]
    assert "line 2: ✗ not valid JSON" in result.stderr
    assert "line 5: ✗ the line must hold a JSON object" in result.stderr
    assert "line 6: ✗ an alert has no field 'prio'; did you mean 'priority'? [TCN-120]" in result.stderr
    assert "2 delivered, 3 not in" in result.stderr


def test_with_json_each_line_has_its_line_on_stdout(tocsin, pager):
    result = tocsin("send", "--jsonl", "-", "--json", input=LINES)
    found = {entry["line"]: entry for entry in map(json.loads, result.stdout.splitlines())}

    assert sorted(found) == [1, 2, 4, 5, 6]
    assert found[1]["is_complete"] is True
    assert found[2]["error"]["code"] == "TCN-120"


def test_a_file_is_read_like_a_stream(tocsin, pager, outside):
    (outside / "alerts.jsonl").write_bytes(b'\xef\xbb\xbf{"title": "one"}\r\n{"title": "\xff"}')
    result = tocsin("send", "--jsonl", "alerts.jsonl")

    assert len(pager.received("alice@example.com")) == 1
    assert "line 2: ✗ the line is not UTF-8 text" in result.stderr


def test_options_are_what_the_lines_leave_out(tocsin, pager, configure):
    configure('[channels.other]\ntype = "null"\n')
    lines = '{"title": "one"}\n{"title": "two", "channels": ["other"]}\n'
    result = tocsin("send", "--jsonl", "-", "--to", "pager", "--json", input=lines)
    found = {entry["line"]: list(entry["results"]) for entry in map(json.loads, result.stdout.splitlines())}

    assert found == {1: ["pager"], 2: ["other"]}


def test_a_failure_names_its_line_and_the_others_go_on(tocsin, pager):
    pager.fail(Fault("refused_payload", address="alice@example.com"))
    result = tocsin("send", "--jsonl", "-", input='{"title": "one"}\n' * 3)

    assert result.exit_code == 4
    assert len(pager.received("alice@example.com")) == 2
    assert ": ✗ pager  1 of 2 recipients delivered" in result.stderr


def test_more_lines_than_may_be_on_their_way_at_once(tocsin):
    result = tocsin("send", "--jsonl", "-", "--to", "null", input='{"title": "one"}\n' * 1500)

    assert result.exit_code == 0
    assert "1,500 delivered" in result.stderr


def test_only_bad_lines_are_a_usage_error(tocsin, pager):
    assert tocsin("send", "--jsonl", "-", input="x\ny\n").exit_code == 2


def test_no_line_is_nothing_to_do(tocsin, pager):
    assert tocsin("send", "--jsonl", "-", input="").exit_code == 0


def test_a_file_that_cannot_be_read_is_a_usage_error(tocsin, pager):
    result = tocsin("send", "--jsonl", "nowhere.jsonl")

    assert result.exit_code == 2
    assert "nowhere.jsonl cannot be read" in result.stderr


def test_a_dry_run_shows_every_line_and_sends_none(tocsin, pager):
    result = tocsin("send", "--jsonl", "-", "--dry-run", "--json", input=LINES)
    found = [json.loads(line) for line in result.stdout.splitlines()]

    assert pager.calls == 0
    assert [(entry["line"], "error" in entry) for entry in found] == [
        (1, False), (2, True), (4, False), (5, True), (6, True),
    ]  # fmt: skip


def test_a_line_without_end_is_refused_without_being_kept():
    source = io.BytesIO(b'{"title": "one"}\n' + b"x" * (20 << 20) + b'\n{"title": "two"}\n')

    assert [(number, line and len(line)) for number, line in read_lines(source)] == [(1, 17), (2, None), (3, 17)]


@pytest.mark.parametrize(
    ("codes", "code"), [([], 0), ([0, 0], 0), ([2, 2], 2), ([0, 1], 4), ([1, 5], 1), ([4, 1], 4), ([3, 0], 4), ([3], 3)]
)
def test_the_exit_code_over_all_lines(codes, code):
    assert combined(codes) == code
