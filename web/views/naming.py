"""Changing a runner's name, which was misspelt or is another now: a page with the field, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from model.words import MAX_NAME
from web.app import box
from web.mistyped import Mistyped, shown_by
from web.views.commands import ANSWER_S, CONFIRM_S, what_came
from web.views.runners import stored_runner, typed_name

blueprint = Blueprint("naming", __name__)


@blueprint.get("/runners/<int:runner_id>/name")
def show(runner_id: int) -> ResponseReturnValue:
    return _page(stored_runner(runner_id))


def _page(runner: Mapping[str, Any], wrong: Mistyped | None = None) -> str:
    why_not = box().hub.why_not("rename_runner")
    return render_template("name_runner.html", runner=runner, wrong=wrong, why_not=why_not, max_name=MAX_NAME)


@blueprint.post("/runners/<int:runner_id>/name")
def change(runner_id: int) -> ResponseReturnValue:
    runner = stored_runner(runner_id)
    try:
        name = typed_name("add something to tell them apart", but=runner_id)
        if not name:
            raise Mistyped("name", "Type a name.")
    except Mistyped as wrong:
        return shown_by(lambda wrong: _page(runner, wrong))(wrong)
    answer = what_came({"command": "rename_runner", "id": runner_id, "name": name}, ANSWER_S)
    if isinstance(answer, str):
        flash(answer, "bad")
        return redirect(url_for("naming.show", runner_id=runner_id), 303)
    box().hub.tells(lambda: _is_told(runner_id, name), CONFIRM_S)
    flash(f"{runner['name']} is called {name} now.", "good")
    return redirect(url_for("runners.show"), 303)


def _is_told(runner_id: int, name: str) -> bool:
    """Whether who runs is told by that name, if it is this runner: the page that follows shows it."""
    runner = box().hub.runner()
    return runner is None or runner["id"] != runner_id or runner["name"] == name
