"""The command line: ``tocsin``, and ``python -m tocsin``.

Data goes to stdout, everything said about it to stderr. A command's module is imported when the command is called.
"""

from tocsin.cli.program import main

__all__ = ["main"]
