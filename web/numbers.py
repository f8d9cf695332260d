"""Whole numbers in addresses and queries: none that the database could not hold (SQLite: 64 bits with a sign)."""

from __future__ import annotations

from flask import abort, request
from werkzeug.routing import IntegerConverter

_DIGITS = 18
LARGEST = 10**_DIGITS - 1


class StoredNumber(IntegerConverter):
    """``<int:…>`` of all addresses: there is nothing under a larger number."""

    regex = rf"[0-9]{{1,{_DIGITS}}}"


def asked(name: str, default: int, least: int, most: int = LARGEST) -> int:
    """A number of the query, moved to the nearest that is allowed; ``default`` where it is missing or none."""
    return min(max(least, request.args.get(name, default, type=int)), most)


def named(name: str) -> int | None:
    """A number of the query that names something stored; None where it is missing or empty, 404 where it is none."""
    return _naming(request.args.get(name))


def chosen(name: str) -> int | None:
    """The same of a form's field."""
    return _naming(request.form.get(name))


def _naming(text: str | None) -> int | None:
    if not text:
        return None
    try:
        number = int(text)
    except ValueError:
        abort(404)
    if not 0 < number <= LARGEST:
        abort(404)
    return number
