"""What the pages may ask of the device: POSTs with a token, answered by a page or, for scripts, JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from web.app import box

blueprint = Blueprint("commands", __name__, url_prefix="/device")
_MIN_BELT_M_S, _MAX_BELT_M_S = 0.3, 10.0


@blueprint.post("/test-cue")
def test_cue() -> ResponseReturnValue:
    side = request.form.get("side", "")
    if side not in ("left", "right"):
        abort(400, "side: must be left or right")
    return _send({"command": "test_cue", "side": side}, f"Test cue sent to the {side} side.")


@blueprint.post("/calibrate")
def calibrate() -> ResponseReturnValue:
    return _send({"command": "calibrate"}, "Calibrating: stand still on the belt for 3 seconds, facing as you run.")


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


def _send(command: Mapping[str, Any], done: str) -> ResponseReturnValue:
    """Hands it on; says so, or that the device cannot be reached."""
    sent = box().hub.send(command)
    message = done if sent else SILENT
    if request.accept_mimetypes.best == "application/json":
        return jsonify(sent=sent, message=message), 200 if sent else 503
    flash(message, "good" if sent else "bad")
    return redirect(url_for("pages.aim"), 303)
