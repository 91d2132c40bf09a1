"""Measures Tocsin beside its peers, in one run and on the same sinks: ``nox -s bench``.

``sinks`` receive, ``players`` send, each in a process of its own; ``rows`` are the figures, ``scale`` how cost grows.
"""
