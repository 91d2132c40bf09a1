"""Those that send: each a process that measures itself, told what to do in lines of JSON."""

from .process import Player, Refused

__all__ = ["Player", "Refused"]
