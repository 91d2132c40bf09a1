"""The names that a webhook gives: to itself as the author of a message, and to the posts of a forum."""

from __future__ import annotations

from tocsin import Alert
from tocsin.rendering import clip, headline
from tocsin.settings import to_text
from tocsin_discord.markdown import UNIT

__all__ = ["THREAD_NAME_LIMIT", "USERNAME_LIMIT", "thread_name", "to_thread_name", "to_username"]

USERNAME_LIMIT = 80
"""docs.discord.com/developers/resources/webhook#create-webhook"""
THREAD_NAME_LIMIT = 100
"""docs.discord.com/developers/resources/channel#start-thread-in-forum-or-media-channel"""

_RESERVED = ("clyde", "discord")
_TITLE = "{title}"


def to_username(value: str) -> str:
    """A name under which a webhook may post.

    Raises:
        ValueError: it is empty, longer than 80 characters, or holds ``clyde`` or ``discord`` in any case.
    """
    name = " ".join(to_text(value).split())  # Discord trims blanks, and excessive ones between words
    if len(name) > USERNAME_LIMIT:
        raise ValueError(f"must have at most {USERNAME_LIMIT} characters")
    if any(word in name.casefold() for word in _RESERVED):
        raise ValueError("must not contain 'clyde' or 'discord'; Discord refuses both in a webhook's name")
    return name


def to_thread_name(value: str) -> str:
    """A name for posts of a forum.

    Raises:
        ValueError: it is empty, or longer than 100 characters.
    """
    name = to_text(value)
    if len(name.replace(_TITLE, "")) > THREAD_NAME_LIMIT:
        raise ValueError(f"must have at most {THREAD_NAME_LIMIT} characters")
    return name


def thread_name(template: str, alert: Alert) -> str:
    """The name of this alert's post: the template with the alert's headline for ``{title}``, at most 100 characters.

    A name knows no markup and pings nobody, so nothing is escaped.
    """
    title = " ".join(headline(alert).split())
    return clip(template.replace(_TITLE, title).strip(), THREAD_NAME_LIMIT, UNIT)
