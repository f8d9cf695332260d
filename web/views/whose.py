"""Whose a session was, said on its page after it has ended: the wrong runner had been chosen, or nobody."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from web.app import box
from web.numbers import chosen
from web.views.commands import ANSWER_S, what_came

blueprint = Blueprint("whose", __name__)
_MEANWHILE = "Nothing was changed: meanwhile somebody else has said whose it was. Look whose it is now."


@blueprint.post("/sessions/<int:session_id>/runner")
def give(session_id: int) -> ResponseReturnValue:
    """It was that runner's; an empty field: nobody's. ``of``: whose it is on the page that the form stands on."""
    session = box().reader.result(session_id) or abort(404)
    runner_id, of = chosen("runner_id"), chosen("of")
    said, kind = _MEANWHILE, "bad"
    if of == session["runner_id"]:
        said, kind = _given(session_id, runner_id)
    flash(said, kind)
    return redirect(url_for("pages.session", session_id=session_id), 303)


def _given(session_id: int, runner_id: int | None) -> tuple[str, str]:
    """What came of it, and whether that is good or bad."""
    answer = what_came({"command": "give_session", "id": session_id, "runner_id": runner_id}, ANSWER_S)
    if isinstance(answer, str):
        return answer, "bad"
    name = box().reader.runner_name(runner_id)
    return "The session is anonymous now." if name is None else f"The session is {name}'s now.", "good"
