"""Names that people type: what can be told apart by ear can be told apart by eye, too."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

#: They join what stands on both sides: families of emoji, and letters of several scripts.
_JOINERS = "\u200c\u200d"
_JOINS_NOTHING = re.compile(rf"(?:^|[\s{_JOINERS}])[{_JOINERS}]|[{_JOINERS}](?:\s|$)")
#: Control and format characters, halves of characters, and those that everyone may draw as they like.
_UNSEEN = ("Cc", "Cf", "Cs", "Co")
#: Letters and signs by their category, and blank all the same: Hangul's fillers, Braille without a dot.
_BLANK = "\u115f\u1160\u3164\uffa0\u2800"
#: Letters, numbers, punctuation and signs; marks need one of them to stand on.
_SEEN = "LNPS"
_NUMBER = re.compile(r"\d+")


def as_written(text: str) -> str:
    """The name in the one way in which it is kept, whatever the keyboard sent: composed, with single blanks."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def is_legible(name: str) -> bool:
    """Whether there is something to be seen, and nothing that is not."""
    if any(unicodedata.category(sign) in _UNSEEN or sign in _BLANK for sign in name if sign not in _JOINERS):
        return False
    return not _JOINS_NOTHING.search(name) and any(unicodedata.category(sign)[0] in _SEEN for sign in name)


def look(name: str) -> str:
    """What two names share that look alike but for capitals."""
    without = "".join(sign for sign in name if sign not in _JOINERS)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", without).casefold())


def alphabetical(runners: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runners by name: Ünal before Vera, Runner 9 before Runner 10."""
    return sorted(runners, key=lambda runner: _order(runner["name"]))


def _order(name: str) -> tuple[str, str]:
    bare = "".join(sign for sign in unicodedata.normalize("NFD", look(name)) if not unicodedata.combining(sign))
    return _NUMBER.sub(lambda number: number[0].zfill(9), bare), name
