"""What is typed on the command line: read, or refused in one clear line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn

_MAX_SESSION = 2**63 - 1  # of SQLite


class Parser(argparse.ArgumentParser):
    """One clear line for a wrong argument, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def session_number(text: str) -> int:
    """Reads the number of a stored session."""
    try:
        number = int(text)
    except ValueError:
        number = _MAX_SESSION + 1
    if abs(number) > _MAX_SESSION:
        raise argparse.ArgumentTypeError(f"{text}: SESSION is a number, a session's page shows it")
    return number


def whole(low: int, high: int) -> Callable[[str], int]:
    """Reads a whole number from ``low`` to ``high``."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text}: must be a whole number from {low} to {high}")
        return value

    return read
