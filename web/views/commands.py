"""What the pages may ask of the device: POSTs with a token, answered by a page or, for scripts, JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from model.goals import GOALS, Goal, is_goal
from web.app import box

blueprint = Blueprint("commands", __name__, url_prefix="/device")
#: The device tells its state once a second.
_CONFIRM_S = 3.0
_MIN_BELT_M_S, _MAX_BELT_M_S = 0.3, 10.0


@blueprint.post("/test-cue")
def test_cue() -> ResponseReturnValue:
    side = request.form.get("side", "")
    if side not in ("left", "right"):
        abort(400, "side: must be left or right")
    return _send({"command": "test_cue", "side": side}, f"Test cue sent to the {side} side.")


@blueprint.post("/calibrate")
def calibrate() -> ResponseReturnValue:
    said = "Calibrating: stand still on the belt for 3 seconds, on straight legs, facing as you run."
    return _send({"command": "calibrate"}, said)


@blueprint.post("/goal")
def goal() -> ResponseReturnValue:
    """What is coached: kept with a name, for one session without; a programme that runs keeps its own."""
    metric = request.form.get("metric", "")
    if not is_goal(metric):
        abort(400, f"goal {metric!r}: must be one of {', '.join(GOALS)}")
    hub = box().hub
    answer = hub.ask({"command": "set_goal", "metric": metric}, lambda: hub.goal() == metric, _CONFIRM_S)
    if answer != "done":
        return _said(False, SILENT if answer == "silent" else UNCONFIRMED, _back("goal"))
    return _said(True, _goal_words(GOALS[metric].label), _back("goal"))


def _goal_words(label: str) -> str:
    """For whom the goal holds, and from when."""
    runner = box().hub.runner()
    if runner is None:
        return f"Goal: {label}, for this session."
    kept = programme_goal()
    after = "" if kept is None else f" The programme that runs keeps its goal, {GOALS[kept].label.lower()}, to its end."
    return f"Goal: {label}, remembered for {runner['name']}.{after}"


def programme_goal() -> Goal | None:
    """The goal that a programme keeps for the runner who is chosen; None without one."""
    runner = box().hub.runner()
    programme = None if runner is None else box().reader.programme(int(runner["id"]))
    return None if programme is None else programme.goal


@blueprint.post("/belt-speed")
def belt_speed() -> ResponseReturnValue:
    """Belt speed from km/h, as treadmills show it; empty for unknown."""
    text = request.form.get("belt_speed_km_h", "").strip().replace(",", ".")
    if not text:
        return _send({"command": "set_belt_speed", "belt_speed_m_s": None}, "Belt speed: unknown.")
    try:
        speed_m_s = float(text) / 3.6
    except ValueError:
        speed_m_s = float("nan")
    if not _MIN_BELT_M_S <= speed_m_s <= _MAX_BELT_M_S:
        low, high = _MIN_BELT_M_S * 3.6, _MAX_BELT_M_S * 3.6
        abort(400, f"belt speed {text!r}: must be {low:.1f} to {high:.0f} km/h, or empty for unknown")
    command = {"command": "set_belt_speed", "belt_speed_m_s": round(speed_m_s, 4)}
    return _send(command, f"Belt speed: {speed_m_s * 3.6:.1f} km/h.")


SILENT = "The device is silent, nothing was sent. Is `kneeline device` running?"
UNCONFIRMED = "The device did not confirm; look at what is shown below and try again."


def _back(anchor: str | None = None) -> str:
    """The page that the form stands on."""
    if request.form.get("page") == "live":
        return url_for("pages.live")
    return url_for("pages.aim", _anchor=anchor)


def _send(command: Mapping[str, Any], done: str) -> ResponseReturnValue:
    """Hands it on; says so, or that the device cannot be reached."""
    sent = box().hub.send(command)
    return _said(sent, done if sent else SILENT, _back())


def _said(sent: bool, message: str, back: str) -> ResponseReturnValue:
    """The answer in JSON for a script, else on the page that follows."""
    if request.accept_mimetypes.best == "application/json":
        return jsonify(sent=sent, message=message), 200 if sent else 503
    flash(message, "good" if sent else "bad")
    return redirect(back, 303)
