"""Each page's examples work as written, one page in one process, with every provider simulated on loopback."""

import os
import subprocess
import sys

from tocsin_docs.blocks import blocks_of, read_page
from tocsin_docs.run import matches

SHOWN_ONLY = 6
"""How many blocks may be shown without being run; each says why."""


def clean_environment(root):
    """The environment without anybody's own configuration."""
    known = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "SYSTEMROOT")
    fixed = {"PYTHONPATH": str(root / "docs"), "PYTHONUTF8": "1", "NO_COLOR": "1", "COLUMNS": "120"}
    return {name: os.environ[name] for name in known if name in os.environ} | fixed


def test_every_example_works_as_written(page, root, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tocsin_docs.run", str(page)],
        cwd=tmp_path,
        env=clean_environment(root),
        capture_output=True,
        text=True,
        timeout=55,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_block_that_is_not_run_says_why(pages):
    reasons = [block.not_run for page in pages for block in blocks_of(read_page(page)) if block.not_run is not None]

    assert all(reasons)
    assert len(reasons) <= SHOWN_ONLY


def test_every_block_names_a_language_that_is_known(page):
    languages = {block.language for block in blocks_of(read_page(page)) if not (block.not_run or block.file)}

    assert languages <= {"python", "console", "sh", "toml", "json", "text"}


def test_an_ellipsis_stands_for_anything_and_nothing_else_does():
    assert matches("alert … sent", "alert 123 sent")
    assert matches("a\n…\nd", "a\nb\nc\nd")
    assert not matches("alert sent", "alert not sent")
