"""Receivers in processes of their own, and how a benchmark starts, tunes and asks them."""

from .process import Sink, start

__all__ = ["Sink", "start"]
