"""What somebody mistyped: the page with the form again, what is wrong at the field, and in it what was typed."""

from __future__ import annotations

from collections.abc import Callable

from flask import jsonify, request
from flask.typing import ResponseReturnValue


class Mistyped(Exception):
    """A field of a form holds what it cannot mean.

    Attributes:
        field: the field's id on the page.
        typed: what all fields of the form held, by their names.
        said: what is wrong, and how to write it.
    """

    def __init__(self, field: str, said: str) -> None:
        super().__init__(said)
        self.field = field
        self.typed = request.form.to_dict()
        self.said = said


def shown_by(page: Callable[[Mistyped], str]) -> Callable[[Mistyped], ResponseReturnValue]:
    """The error handler of the forms of one ``page``, which is made anew with what is wrong."""

    def answer(wrong: Mistyped) -> ResponseReturnValue:
        if request.accept_mimetypes.best == "application/json":
            return jsonify(error=wrong.said), 400
        return page(wrong), 400

    return answer
