"""Deleting a session, or a runner with all that is theirs: a page that asks once more, and what came of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from model.words import counted
from web import present
from web.app import box
from web.views.commands import what_came
from web.views.runners import stored_runner

blueprint = Blueprint("deletion", __name__)
#: On a full disk a long session goes step by step.
_ANSWER_S = 20.0


@blueprint.get("/sessions/<int:session_id>/delete")
def session(session_id: int) -> ResponseReturnValue:
    found = box().reader.session(session_id) or abort(404)
    return render_template(
        "delete_session.html",
        session=found,
        runner=box().reader.runner_name(found["runner_id"]),
        duration=present.duration(found["started_utc"], found["ended_utc"]),
        runs=found["state"] == "open" and box().hub.runs(session_id),
        why_not=box().hub.why_not("delete_session"),
    )


@blueprint.post("/sessions/<int:session_id>/delete")
def delete_session(session_id: int) -> ResponseReturnValue:
    if box().reader.result(session_id) is None:
        abort(404)
    here = url_for("deletion.session", session_id=session_id)
    if _asked("delete_session", session_id) is None:
        return redirect(here, 303)
    flash(f"Session {session_id} is deleted.", "good")
    return redirect(url_for("pages.sessions"), 303)


@blueprint.get("/runners/<int:runner_id>/delete")
def runner(runner_id: int) -> ResponseReturnValue:
    current = box().hub.runner()
    return render_template(
        "delete_runner.html",
        runner=stored_runner(runner_id),
        chosen=current is not None and current["id"] == runner_id,
        why_not=box().hub.why_not("delete_runner"),
    )


@blueprint.post("/runners/<int:runner_id>/delete")
def delete_runner(runner_id: int) -> ResponseReturnValue:
    name = stored_runner(runner_id)["name"]
    answer = _asked("delete_runner", runner_id)
    if answer is None:
        return redirect(url_for("deletion.runner", runner_id=runner_id), 303)
    flash(f"{name} is deleted, with {counted(answer['sessions'], 'session')}.", "good")
    return redirect(url_for("runners.show"), 303)


def _asked(command: str, number: int) -> dict[str, Any] | None:
    """The device's answer once it has deleted; else the page says why not, and there is none."""
    answer = what_came({"command": command, "id": number}, _ANSWER_S)
    if isinstance(answer, str):
        flash(answer, "bad")
        return None
    return answer
