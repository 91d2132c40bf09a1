"""What a person sees: the program in a real terminal of 80 columns, with rich and without."""

import os
import re
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("termios", reason="Windows has no pseudo terminal")

PROGRAM = """
    import sys
    {without}
    from tocsin.cli import main, rehearsal
    everything = rehearsal.installed
    rehearsal.installed = lambda group: {{"pager": everything(group)["pager"]}}
    main({args!r})
"""
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(params=["rich", "plain"])
def rich(request):
    if request.param == "rich":
        pytest.importorskip("rich")
    return request.param == "rich"


@pytest.fixture
def terminal(process_environment, outside):
    """Run the program in a terminal; gives exit code and everything that appeared."""
    import fcntl
    import struct
    import termios

    def run(*args, rich=True, **variables):
        without = "" if rich else "sys.modules['rich'] = None"
        code = textwrap.dedent(PROGRAM).format(args=list(args), without=without)
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = process_environment | {"TERM": "xterm-256color"} | variables
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        output = b""
        while chunk := read(ours):
            output += chunk
        os.close(ours)
        return process.wait(20), output.decode().replace("\r\n", "\n")

    return run


def read(descriptor):
    """What there is; nothing once the program has ended (Linux says so with an error)."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def test_the_demo_is_alive_and_fits_80_columns(terminal, rich):
    code, output = terminal("demo", rich=rich)

    assert code == 0
    assert ("\x1b[?25l" in output) is rich
    assert output.count("\x1b[?25l") == output.count("\x1b[?25h")
    assert "too many requests" in ESCAPE.sub("", output)
    tables = [line for line in ESCAPE.sub("", output).splitlines() if line.startswith("pager  ")]
    assert len(tables) >= 8
    assert max(map(len, tables)) <= 80


def test_a_stream_counts_on_the_screen_and_tells_failures_above(terminal, outside, rich):
    (outside / "alerts.jsonl").write_text('{"title": "one"}\nnonsense\n' * 50)
    code, output = terminal("send", "--jsonl", "alerts.jsonl", "--to", "null", rich=rich)

    assert code == 4
    assert ("\x1b[?25l" in output) is rich
    assert "line 100: ✗ not valid JSON" in ESCAPE.sub("", output)
    assert "50 delivered, 50 not in" in ESCAPE.sub("", output)


def test_colours_are_there_for_people_who_want_them(terminal):
    assert "\x1b[32m✓\x1b[0m" in terminal("send", "t", "--to", "null")[1]
    assert "\x1b[3" not in terminal("send", "t", "--to", "null", NO_COLOR="1")[1]
    assert "\x1b[3" not in terminal("send", "t", "--to", "null", "--no-color")[1]


def test_a_terminal_as_standard_input_holds_no_message(terminal):
    code, output = terminal("send", "t", "--to", "null")

    assert code == 0
    assert "Reading the message" not in output
