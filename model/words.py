"""Words for people. Reasons and advice begin small and without a full stop, so that they can stand amid a sentence."""

from __future__ import annotations

#: A runner's name has so many characters at most.
MAX_NAME = 40


def capital(words: str) -> str:
    """With a capital letter; the rest as it is."""
    return words[:1].upper() + words[1:]


def sentence(words: str) -> str:
    """As a sentence of their own."""
    return f"{capital(words)}."


def counted(n: int, what: str) -> str:
    """"1 session", "2 sessions"."""
    return f"{n} {what}{'' if n == 1 else 's'}"
