"""What somebody mistyped: the page with the form again, what is wrong at the field, and in it what was typed."""

from __future__ import annotations

import math
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


def typed_number(
    field: str, name: str, per_unit: float, bounds: tuple[float, float], unit: str, form: str
) -> float | None:
    """A field's number, with a comma or a point, in the unit that is reckoned with; None for an empty field.

    Whoever types the field's unit behind it means the same.

    Args:
        field, name: the field's id on the page, and its name in the form.
        per_unit: so many of the field's units are one of that unit.
        bounds: in that unit.
        unit: the field's, as it stands beside it.
        form: the way to write it, for who typed something else.

    Raises:
        Mistyped: it is no such number.
    """
    typed = request.form.get(name, "").strip()
    if not typed:
        return None
    try:
        value = float(typed.casefold().removesuffix(unit).replace(",", ".")) / per_unit
    except ValueError:
        value = math.nan
    if not bounds[0] <= value <= bounds[1]:
        low, high = (f"{round(bound * per_unit, 1):g}" for bound in bounds)
        raise Mistyped(field, f"{typed!r} must be {low} to {high} {unit}, {form}.")
    return round(value, 4)
