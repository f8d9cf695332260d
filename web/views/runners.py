"""Who runs: a name or an anonymous number, picked here or on the runner's own phone, and how tall they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from device.store.training import StoredProgramme
from model.goals import GOALS
from model.programme import SESSIONS, in_words, progress
from model.standing import MAX_HEIGHT_CM, MIN_HEIGHT_CM
from model.words import MAX_NAME
from web.access import on_kiosk
from web.app import box
from web.hub import Answer
from web.mistyped import Mistyped, shown_by, typed_number
from web.names import alphabetical, as_written, is_legible, look
from web.numbers import chosen
from web.views.commands import ANSWER_S, CONFIRM_S, MEANWHILE, SILENT, UNCONFIRMED, another_chosen, what_came
from web.views.qr import qr_of

blueprint = Blueprint("runners", __name__, url_prefix="/runners")
#: From so many names on one is found faster by typing than by scrolling.
_MANY = 12


@blueprint.get("")
def show() -> ResponseReturnValue:
    return _page()


def _page(wrong: Mistyped | None = None) -> str:
    """As it is now; ``wrong``: what was mistyped in one of its forms."""
    hub = box().hub
    current = hub.runner()
    programme = None if current is None else box().reader.programme(int(current["id"]))
    return render_template(
        "runners.html",
        wrong=wrong,
        runners=alphabetical(box().reader.runners()),
        current=current,
        silent=hub.status()["device"] == "silent",
        when="now" if hub.session_id() is not None else _when(hub.somebody()),
        height_cm=hub.height_cm(),
        height_range=(MIN_HEIGHT_CM, MAX_HEIGHT_CM),
        programme=programme,
        standing=None if programme is None else _standing(programme, hub.programme()),
        sessions=SESSIONS,
        goals=GOALS,
        goal=hub.goal() or box().config.coach.metric,
        trainable=hub.why_not("start_programme") is None,
        why_not=hub.why_not("select_runner"),
        measurable=hub.why_not("set_height") is None,
        max_name=MAX_NAME,
        many=_MANY,
        kiosk=on_kiosk(),
    )


def _standing(programme: StoredProgramme, live: Mapping[str, Any] | None) -> dict[str, Any]:
    """Where a runner stands: in words, and the session that is meant. What runs now the device knows best."""
    if live is not None:
        n = live["session"]
        return {"words": live["words"], "session": None if n is None else SESSIONS[n - 1]}
    so_far = progress(programme.attempts)
    session = so_far.next
    today = [] if session is None else programme.today(session.n)
    words = in_words(session, sum(attempt.run_s for attempt in today), so_far.adherence)
    return {"words": asdict(words), "session": session}


blueprint.register_error_handler(Mistyped, shown_by(_page))


@blueprint.get("/qr.svg")
def qr() -> ResponseReturnValue:
    return qr_of(url_for("runners.show"))


@blueprint.post("")
def add() -> ResponseReturnValue:
    """Adds a runner, who is chosen; an empty name becomes a number."""
    name = typed_name("choose it there, or add something to tell you apart")
    height_cm = _height_cm("new-height")
    if (ends := _ends_unawares(None)) is not None:
        raise Mistyped("name", ends)
    before = _current_id()
    command = {"command": "add_runner", "name": name, "height_cm": height_cm}
    return _choice(command, lambda: _current_id() not in (None, before))


def typed_name(where_taken: str, but: int | None = None) -> str:
    """The form's name, as it is kept; perhaps empty.

    Args:
        where_taken: what to do where somebody has it.
        but: a runner's id, whose own it may be.

    Raises:
        Mistyped: it can be nobody's, or is another's.
    """
    name = as_written(request.form.get("name", ""))
    if len(name) > MAX_NAME:
        raise Mistyped("name", f"A name must have at most {MAX_NAME} characters.")
    if name and not is_legible(name):
        raise Mistyped("name", "The name holds signs that cannot be seen. Delete it and type it by hand.")
    if any(look(runner["name"]) == look(name) and runner["id"] != but for runner in box().reader.runners()):
        raise Mistyped("name", f"{name} is in the list already: {where_taken}.")
    return name


def stored_runner(runner_id: int) -> dict[str, Any]:
    """A runner of the list; 404 where there is no such runner."""
    return next((one for one in box().reader.runners() if one["id"] == runner_id), None) or abort(404)


@blueprint.post("/height")
def height() -> ResponseReturnValue:
    """How tall who runs next is: kept with a name, for one session without; empty for unknown."""
    height_cm = _height_cm("height-cm")
    if another_chosen():
        raise Mistyped("height-cm", MEANWHILE)
    runner = box().hub.runner()
    whose = "this session only" if runner is None else f"kept for {runner['name']}"
    said = "Height: not known." if height_cm is None else f"Height: {height_cm:g} cm, {whose}."
    command = {"command": "set_height", "height_cm": height_cm}
    hub = box().hub
    answer = hub.ask(command, lambda: hub.height_cm() == height_cm and _is_kept(runner, height_cm), CONFIRM_S)
    return _said(_WHY_NOT[answer], said)


def _is_kept(runner: Mapping[str, Any] | None, height_cm: float | None) -> bool:
    """Whether the list below has it, too: the device says it a moment before it is stored."""
    stored = {one["id"]: one["height_cm"] for one in box().reader.runners()}
    return runner is None or stored.get(runner["id"]) == height_cm


def _height_cm(field: str) -> float | None:
    """The form's height in cm; None for an empty field. ``field``: its id on the page."""
    bounds = MIN_HEIGHT_CM, MAX_HEIGHT_CM
    height_cm = typed_number(field, "height_cm", 1, bounds, "cm", "as 178, or empty for unknown")
    return None if height_cm is None else round(height_cm, 1)


@blueprint.post("/choose")
def choose() -> ResponseReturnValue:
    """Who runs, from now on or next: a runner's id, or nothing for an anonymous session."""
    runner_id = chosen("runner_id")
    if runner_id is not None and all(runner["id"] != runner_id for runner in box().reader.runners()):
        flash("Nobody was chosen: that runner has been deleted meanwhile. Choose from the list as it is now.", "bad")
        return redirect(_here(), 303)
    if (ends := _ends_unawares(runner_id)) is not None:
        flash(ends, "bad")
        return redirect(_here(), 303)
    return _choice({"command": "select_runner", "runner_id": runner_id}, lambda: _current_id() == runner_id)


def _ends_unawares(runner_id: int | None) -> str | None:
    """That choosing this one ends a session of which the form's page, perhaps an hour old, did not know; else None."""
    runner, runs = box().hub.runner(), box().hub.session_id() is not None
    if runner is None or not runs or runner["id"] == runner_id or not another_chosen():
        return None
    who = runner["name"]
    return f"Nothing was changed: meanwhile {who} runs, whose session would end. If that is meant, press again."


#: What may be asked of the device for the runner who is chosen, and what is said then: amid a run, and before one.
_TRAINING = {
    "start_programme": ("The programme has begun, with this session.", "The programme begins with the next run."),
    "end_programme": ("The programme has ended.",) * 2,
    "measure_baseline": ("The next 20 steps of each foot are measured without cues.",) * 2,
}


@blueprint.post("/training")
def train() -> ResponseReturnValue:
    """Begins or ends the programme of the runner who is chosen, or has the baseline measured anew."""
    command = request.form.get("command", "")
    if command not in _TRAINING:
        abort(400, f"command: must be one of {', '.join(_TRAINING)}")
    runner_id, runs = _current_id(), box().hub.session_id() is not None and not box().hub.testing()
    amid, before = _TRAINING[command]
    if another_chosen():
        flash(MEANWHILE, "bad")
    elif runner_id is None:
        flash("Choose a runner first.", "bad")
    elif command == "start_programme" and box().reader.programme(runner_id) is not None:
        flash("The programme is on already.", "good")
    elif isinstance(answer := what_came({"command": command}, ANSWER_S), str):
        flash(answer, "bad")
    else:
        flash(amid if runs else before, "good")
    return redirect(_here(), 303)


def _current_id() -> int | None:
    runner = box().hub.runner()
    return None if runner is None else int(runner["id"])


#: What is said of an answer that confirms nothing.
_WHY_NOT: Mapping[Answer, str | None] = {"done": None, "silent": SILENT, "unconfirmed": UNCONFIRMED}


def _choice(command: Mapping[str, Any], done: Callable[[], bool]) -> ResponseReturnValue:
    """Has the device choose, waits until it says that it is so (``done``), and says who runs when."""
    hub = box().hub
    before, running = hub.runner(), hub.session_id() is not None
    answer = what_came(command, ANSWER_S)
    if isinstance(answer, str):
        return _said(answer)
    if not hub.tells(done, CONFIRM_S):
        return _said(UNCONFIRMED)
    return _said(None, _chosen(hub.runner(), before) if running else _next(hub.runner(), hub.somebody()))


def _said(why_not: str | None, done: str = "") -> ResponseReturnValue:
    """The page with why nothing was done, or with what was; the kiosk goes back to its live page then."""
    if why_not is None and on_kiosk():
        return redirect(url_for("pages.live", kiosk=1), 303)
    flash(why_not or done, "bad" if why_not else "good")
    return redirect(_here(), 303)


def _here() -> str:
    return url_for("runners.show", kiosk=1 if on_kiosk() else None)


def _next(runner: Mapping[str, Any] | None, somebody: bool) -> str:
    """Who was chosen while no session ran; ``somebody``: is there already, and is taken to be the one."""
    if runner is None:
        return "The next session is anonymous."
    return f"{runner['name']} runs {_when(somebody)}."


def _when(somebody: bool) -> str:
    """From when somebody runs who is chosen while no session runs."""
    return "from now on" if somebody else "next"


def _chosen(runner: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> str:
    """Who was chosen while a session ran that was another's ``before``, or nobody's: see `device.runners`."""
    if runner is None:
        return "From now on it is anonymous."
    return f"The session that runs is {runner['name']}'s." if before is None else f"{runner['name']} runs from now on."
