"""What the pages may ask of the device: POSTs with a token, answered by a page or, for scripts, JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from device.config import BELT_SPEED_M_S, CAMERA_HEIGHT_M
from model.goals import GOALS, Goal, is_goal
from model.standing import TEST_RUNS
from web import screening, set_up
from web.app import box
from web.hub import DEVICE_NEEDED
from web.mistyped import Mistyped, shown_by, typed_number

blueprint = Blueprint("commands", __name__, url_prefix="/device")
blueprint.register_error_handler(Mistyped, shown_by(set_up.page))
#: The device tells its state once a second.
CONFIRM_S = 3.0
#: Longer than the device tries to do what is asked.
ANSWER_S = 5.0


@blueprint.post("/test-cue")
def test_cue() -> ResponseReturnValue:
    side = request.form.get("side", "")
    if side not in ("left", "right"):
        abort(400, "side: must be left or right")
    if (dark := box().hub.dark()) is not None:
        return _said(False, f"Nothing can light or sound: {dark}.", _back())
    return _send({"command": "test_cue", "side": side}, f"Test cue sent to the {side} side.")


@blueprint.post("/calibrate")
def calibrate() -> ResponseReturnValue:
    """Asks for a standing calibration; a test that is made goes on undisturbed."""
    if box().hub.testing():
        return _said(False, f"Not calibrated. {TEST_RUNS}", _back())
    said = "Calibrating: stand still on the belt for 3 seconds, on straight legs, facing as you run."
    return _send({"command": "calibrate"}, said)


@blueprint.post("/screening")
def start_screening() -> ResponseReturnValue:
    """Begins a squat or step-down test on the live pictures."""
    offer = screening.OFFERS.get(request.form.get("test", ""))
    if offer is None:
        abort(400, f"test: must be one of {', '.join(screening.OFFERS)}")
    return _carried_out(offer.command, f"{offer.label}: what to do is shown on the live page.")


@blueprint.post("/screening/finish")
def finish_screening() -> ResponseReturnValue:
    """Ends the test with the repetitions that were counted."""
    return _carried_out({"command": "finish_screening"}, "The test is finished.")


@blueprint.post("/screening/cancel")
def cancel_screening() -> ResponseReturnValue:
    """Ends the test and keeps nothing of it."""
    return _carried_out({"command": "cancel_screening"}, "The test is cancelled, nothing of it is kept.")


@blueprint.post("/goal")
def goal() -> ResponseReturnValue:
    """What is coached: kept with a name, for one session without; a programme that runs keeps its own."""
    metric = request.form.get("metric", "")
    if not is_goal(metric):
        abort(400, f"goal {metric!r}: must be one of {', '.join(GOALS)}")
    if another_chosen():
        return _said(False, MEANWHILE, _back("goal"))
    command = {"command": "set_goal", "metric": metric}
    return _confirmed(command, lambda: box().hub.goal() == metric, lambda: _goal_words(metric), "goal")


def _goal_words(metric: Goal) -> str:
    """For whom the goal holds, and from when."""
    runner, label = box().hub.runner(), GOALS[metric].label
    if runner is None:
        return f"Goal: {label}, for this session."
    kept = set_up.programme_goal()
    after = "" if kept is None else f" The programme that runs keeps its goal, {GOALS[kept].label.lower()}, to its end."
    return f"Goal: {label}, remembered for {runner['name']}.{after}"


@blueprint.post("/belt-speed")
def belt_speed() -> ResponseReturnValue:
    """Belt speed from km/h, as treadmills show it; empty for unknown."""
    speed_m_s = typed_number("belt-speed", "belt_speed_km_h", 3.6, BELT_SPEED_M_S, "km/h", "or empty for unknown")
    said = "Belt speed: unknown." if speed_m_s is None else f"Belt speed: {speed_m_s * 3.6:.1f} km/h."
    command = {"command": "set_belt_speed", "belt_speed_m_s": speed_m_s}
    return _confirmed(command, lambda: box().hub.told()["belt_speed_m_s"] == speed_m_s, lambda: said)


@blueprint.post("/camera-height")
def camera_height() -> ResponseReturnValue:
    """Height of the lens above the belt from cm, kept for the installation; empty: as the settings say."""
    form = "as 120, or empty where it is not known"
    height_m = typed_number("lens-height", "camera_height_cm", 100, CAMERA_HEIGHT_M, "cm", form)
    command = {"command": "set_camera_height", "camera_height_m": height_m}
    return _confirmed(command, lambda: _page_height_m() == height_m, _height_words)


def _page_height_m() -> float | None:
    """The lens' height that was told on the page; None where the settings tell it, or nobody does."""
    told = box().hub.told()
    found: float | None = told["camera_height_m"] if told["camera_height_from"] == "page" else None
    return found


def _height_words() -> str:
    told = box().hub.told()
    if told["camera_height_m"] is None:
        return "Lens above the belt: not known."
    whence = "kept until another is typed" if told["camera_height_from"] == "page" else "as the settings say"
    return f"Lens above the belt: {100 * told['camera_height_m']:g} cm, {whence}."


MEANWHILE = "Nothing was changed: meanwhile somebody else was chosen, or nobody. Look whose it is now."
SILENT = f"The device is silent, nothing was sent. {DEVICE_NEEDED}"
UNCONFIRMED = "The device did not confirm; look at what is shown below and try again."


def another_chosen() -> bool:
    """Whether the form was of somebody else (``of``, a runner's id or nothing) than who is chosen: its page is old."""
    of, runner = request.form.get("of"), box().hub.runner()
    if of is None or box().hub.status()["device"] != "live":
        return False
    return of != ("" if runner is None else str(runner["id"]))


def _back(anchor: str | None = None) -> str:
    """The page that the form stands on."""
    if request.form.get("page") == "live":
        return url_for("pages.live")
    return url_for("pages.aim", _anchor=anchor)


def _send(command: Mapping[str, Any], done: str) -> ResponseReturnValue:
    """Hands it on; says so, or that the device cannot be reached."""
    sent = box().hub.send(command)
    return _said(sent, done if sent else SILENT, _back())


def what_came(command: Mapping[str, Any], within_s: float) -> dict[str, Any] | str:
    """The device's answer once it has done what was asked; else why it has not, in words."""
    answer = box().hub.request(command, within_s)
    if isinstance(answer, str):
        return SILENT if answer == "silent" else UNCONFIRMED
    return dict(answer) if answer["done"] else str(answer["said"])


def _carried_out(command: Mapping[str, Any], words: str) -> ResponseReturnValue:
    """Sends what the device answers; says ``words``, or why it refused."""
    answer = what_came(command, CONFIRM_S)
    done = not isinstance(answer, str)
    return _said(done, words if done else str(answer), url_for("pages.live"))


def _confirmed(
    command: Mapping[str, Any], done: Callable[[], bool], words: Callable[[], str], anchor: str | None = None
) -> ResponseReturnValue:
    """Sends it and waits until the device tells that it is ``done``; then says ``words``, where the form stands."""
    answer = box().hub.ask(command, done, CONFIRM_S)
    if answer != "done":
        return _said(False, SILENT if answer == "silent" else UNCONFIRMED, _back(anchor))
    return _said(True, words(), _back(anchor))


def _said(sent: bool, message: str, back: str) -> ResponseReturnValue:
    """The answer in JSON for a script, else on the page that follows."""
    if request.accept_mimetypes.best == "application/json":
        return jsonify(sent=sent, message=message), 200 if sent else 503
    flash(message, "good" if sent else "bad")
    return redirect(back, 303)
