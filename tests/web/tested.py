"""Stored tests for the pages' tests: people in closed form, screened as a recording of them is."""

from __future__ import annotations

from device.screening import Task, screened
from device.store import SessionHeader, Store
from model.pose import Side, View
from model.screening import Exercise
from model.screening_result import LIVE
from model.virtual_camera import VirtualCamera
from tests.model.squatters import Exerciser, Rep

_STEPS = [Rep(0.2), Rep(0.2, {Side.RIGHT: 15.0}, drop_deg=8.0), Rep(0.2, lean_deg=-12.0), Rep(0.2), Rep(0.2)]
_SQUATS = [Rep(0.3), Rep(0.3, {Side.RIGHT: 16.0}), Rep(0.3), Rep(0.3), Rep(0.3)]


def store_test(
    store: Store,
    tested: Side | None = None,
    reps: int = 5,
    runner_id: int | None = None,
    camera: VirtualCamera | View = View.FRONT,
) -> int:
    """A test that has ended: of the right leg's step-downs for RIGHT, of squats for None. Returns its session's id."""
    exercise = Exercise.SQUAT if tested is None else Exercise.STEP_DOWN
    task = Task(exercise, tested, remedies=LIVE)
    poses = Exerciser((_SQUATS if tested is None else _STEPS)[:reps], tested).poses(camera)
    found, summary = screened(poses, View.FRONT, "movenet-thunder-int8", task)
    header = SessionHeader("camera", "movenet-thunder-int8", "0", str(exercise), "front", 30.0, runner_id)
    session_id = store.begin_session(header)
    store.set_reps(session_id, found, summary)
    store.update_session(session_id, frames=len(poses), frames_with_runner=len(poses), camera=task.camera_json())
    store.end_session(session_id)
    return session_id
