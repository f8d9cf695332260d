"""A test on request, from the command to the stored session: people in closed form stand in for the pictures."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device import screening_request
from device.config import CameraConfig
from device.frames import Frame
from device.live import Message
from device.recording import SessionWriter
from device.runners import RunnerChoice
from device.screening_progress import OBSTACLES, TIMEOUT_S, ScreeningProgress
from device.screening_request import TOLD_S, Scene, ScreeningOnRequest
from device.store import SessionHeader, Store, StoreReader
from model.camera_pose import CameraPose
from model.errors import StoreError
from model.pitch import UNKNOWN_HEIGHTS, Heights
from model.pose import Pose, Side, View
from model.quality import NOBODY, FrameQuality
from model.screening import Exercise, ScreeningSettings, screen
from model.screening_result import rep_json
from model.virtual_camera import VirtualCamera
from tests.model.squatters import Exerciser, Rep

FPS = 30
_PICTURE = np.zeros((8, 8, 3), dtype=np.uint8)
_SQUAT = {"exercise": "squat"}
_RIGHT_LEG = {"exercise": "step-down", "side": "right"}
_DIVE = Rep(0.3, {Side.RIGHT: 16.0})


class _Net:
    name = "movenet-lightning-int8"


class _Looks:
    """Sees whoever is put there."""

    def __init__(self, net: object, region: object = None) -> None:
        self.quality = NOBODY

    def look(self, image: object, t_s: float) -> tuple[Pose | None, FrameQuality]:
        pose = Box.there
        return (None, Box.quality) if pose is None else (replace(pose, t_s=t_s), FrameQuality(0.8))


class Box:
    """A device that does nothing but tests."""

    there: Pose | None = None
    quality = NOBODY

    def __init__(self, path: Path, store: Store, writer: SessionWriter) -> None:
        self.path, self.store, self.writer = path, store, writer
        self.answers: list[Message] = []
        self.said: list[tuple[int, str]] = []
        self.clock_s = 0.0
        self.choice = RunnerChoice(writer, lambda: self.clock_s)
        self.test = ScreeningOnRequest(
            CameraConfig(),
            writer,
            self.choice,
            self.answers.append,
            lambda *said: self.said.append(said),
            lambda: self.clock_s,
        )
        self._n = 0

    def ask(self, command: str, **values: Any) -> str | None:
        """Why it was refused; None where it was done."""
        assert self.test.obey({"command": command, "request": "r", **values})
        answer = self.answers[-1]
        assert answer["done"] == (answer["said"] is None)
        return None if answer["said"] is None else str(answer["said"])

    def show(
        self,
        poses: Sequence[Pose | None],
        camera: CameraPose | None = None,
        heights: Heights = UNKNOWN_HEIGHTS,
        views: Sequence[View | None] = (None, *View),
    ) -> Message:
        """Plays them, for as long as a test runs; what is told at its end. The camera is known for these views."""

        def camera_of(view: View | None) -> CameraPose:
            return camera if camera is not None and view in views else CameraPose()

        for pose in poses:
            if not self.test.running:
                break
            Box.there = pose
            runner = self.choice.current
            header = SessionHeader("camera", "run", "0", fps=FPS, runner_id=None if runner is None else runner.id)
            scene = Scene(_Net(), camera_of, None, header, heights)  # type: ignore[arg-type]
            self.test.step(Frame(self._n, round(self._n * 1e9 / FPS), _PICTURE), scene)
            self._n += 1
        told = self.test.as_json()
        assert told is not None
        return told

    def skip(self, n: int) -> None:
        """The camera loses pictures."""
        self._n += n

    def at(self, n: int) -> None:
        """The next picture is stamped as the ``n``-th."""
        self._n = n

    def written(self) -> None:
        """Waits for the writer."""
        done = threading.Event()
        self.writer.also(lambda *_: done.set())
        assert done.wait(10.0)

    def stored(self, session_id: int = 1) -> Message | None:
        self.written()
        return StoreReader(self.path).session(session_id)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    monkeypatch.setattr(screening_request, "TwoLooks", _Looks)
    monkeypatch.setattr(Box, "quality", NOBODY)
    path = tmp_path / "k.db"
    with Store.open(path) as store, SessionWriter(store) as writer:
        yield Box(path, store, writer)


def squats(n: int, standing: Side | None = None, view: View = View.FRONT) -> list[Pose]:
    depth_m = 0.3 if standing is None else 0.2
    last = Rep(depth_m, top_s=2.0)
    return Exerciser([Rep(depth_m)] * (n - 1) + [last], standing).poses(view)


def test_five_squats_are_stored_as_a_recording_of_them_would_be(box: Box) -> None:
    poses = Exerciser([Rep(0.3), _DIVE, Rep(0.3), Rep(0.3), Rep(0.3, top_s=3.0)]).poses()
    assert box.ask("start_screening", **_SQUAT) is None
    told = box.show(poses)
    assert (told["state"], told["reps"], told["of"]) == ("done", 5, 5)
    assert told["message"] == "Done: 5 of 5 repetitions."
    document = box.stored()
    assert document is not None
    assert box.said == [(1, "started"), (1, "ended")]
    assert (document["mode"], document["view"], document["state"]) == ("squat", "front", "complete")
    assert (document["model"], document["source"], document["fps"]) == (_Net.name, "camera", 30.0)
    assert document["camera"]["state"] == "unknown"
    assert "let somebody run first" in document["camera"]["advice"]
    seen = [pose for pose in poses if pose.t_s <= document["reps"][-1]["end_s"] + 1.0]
    assert [rep_json(rep) for rep in screen(seen, ScreeningSettings(Exercise.SQUAT, View.FRONT))] == document["reps"]
    assert [rep["faults"] for rep in document["reps"]] == [[], ["knee_medial_right"], [], [], []]
    assert document["summary"]["faults"] == {"knee_medial_right": 1}
    assert document["stances"] == document["cues"] == []


def test_step_downs_on_the_leg_that_was_asked_for(box: Box) -> None:
    assert box.ask("start_screening", **_RIGHT_LEG) is None
    told = box.show(squats(5, Side.RIGHT))
    assert (told["name"], told["state"]) == ("step-down test, right leg", "done")
    document = box.stored()
    assert document is not None
    assert {rep["side"] for rep in document["reps"]} == {"right"}
    assert document["summary"]["right"]["score"]["points"] == 0
    assert document["summary"]["left"]["reps"] == 0


@pytest.mark.parametrize("still", [False, True])
@pytest.mark.parametrize("facing_s", [3.0, 30.0])
def test_who_faces_the_camera_first_and_then_turns_to_the_belt_is_tested_from_behind(
    box: Box, facing_s: float, still: bool
) -> None:
    """As where the test is begun at a screen that stands beside the camera, and what to do is read there."""
    steps = [Rep(0.2), Rep(0.2, {Side.RIGHT: 15.0}), Rep(0.2), Rep(0.2), Rep(0.2, top_s=2.0)]
    turned = Exerciser(steps, Side.RIGHT).poses(View.REAR)
    front = Exerciser(steps, Side.RIGHT).poses(View.FRONT)[0]
    sway_px = [np.array([0.0 if still else 25.0 * math.sin(n / 4), 0.0]) for n in range(round(facing_s * FPS))]
    facing = [Pose(0.0, front.xy_px + by, front.score, front.image_size_px) for by in sway_px]
    box.ask("start_screening", **_RIGHT_LEG)
    told = box.show([*facing, *turned[:1] * (4 * FPS), *turned])
    assert (told["state"], told["reps"]) == ("done", 5)
    document = box.stored()
    assert document is not None
    assert document["view"] == "rear"
    assert [rep["faults"] for rep in document["reps"]] == [[], ["knee_medial_right"], [], [], []]


@pytest.mark.parametrize(
    ("wanted", "standing", "said"),
    [
        (_RIGHT_LEG, Side.LEFT, "No step-down on the right leg was found, but 3 on the left leg."),
        (_RIGHT_LEG, None, "No step-down was found, but 3 squats: choose the test squat."),
        (_SQUAT, Side.LEFT, "No squat was found, but 3 step-downs: choose the test step-down."),
    ],
)
def test_another_exercise_than_was_asked_for_is_named_and_not_stored(
    box: Box, wanted: Message, standing: Side | None, said: str
) -> None:
    box.ask("start_screening", **wanted)
    box.show(squats(3, standing))
    assert box.ask("finish_screening") is None
    told = box.test.as_json()
    assert told is not None
    assert (told["state"], told["message"]) == ("failed", f"No result. {said}")
    assert box.stored() is None


def test_each_repetition_is_on_the_disk_before_the_next(box: Box) -> None:
    box.ask("start_screening", **_SQUAT)
    for n in (2, 3):
        poses = squats(n)
        told = box.show(poses if n == 2 else poses[len(squats(2)) - round(1.4 * FPS) :])
        assert told["state"] == "running"
        document = box.stored()
        assert document is not None
        assert len(document["reps"]) == told["reps"] == document["summary"]["reps"] == n
    box.store.close_interrupted(1)
    document = box.stored()
    assert document is not None
    assert document["state"] == "interrupted"
    assert (len(document["reps"]), document["summary"]["left"]["fppa_deg"]["n"]) == (3, 3)


def test_a_repetition_that_is_found_late_is_stored_like_the_others_and_once(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who squats as soon as they have gone to another place is believed when they have stood there for some seconds."""
    here = Exerciser([Rep(0.35, top_s=1.0)] * 2, lead_s=1.5).poses()
    aside_px = np.array([0.6 * (here[0].xy_px[15, 1] - here[0].xy_px[11, 1]), 0.0])
    there = Exerciser([Rep(0.35, top_s=4.0)], lead_s=0.3).poses()
    results: list[float] = []
    result = ScreeningProgress.result

    def noted(progress: ScreeningProgress) -> tuple[list[Message], Message]:
        results.append(progress.now_s)
        return result(progress)

    monkeypatch.setattr(ScreeningProgress, "result", noted)
    box.ask("start_screening", **_SQUAT)
    told = box.show([*here, *(Pose(one.t_s, one.xy_px + aside_px, one.score, one.image_size_px) for one in there)])
    document = box.stored()
    assert document is not None
    assert len(document["reps"]) == told["reps"] == 3
    assert len(results) == 3, "the whole test is measured again with each repetition, not with each picture"


def test_finished_early_with_what_there_is(box: Box) -> None:
    box.ask("start_screening", **_SQUAT)
    box.show(squats(3))
    assert box.ask("finish_screening") is None
    told = box.test.as_json()
    assert told is not None
    assert told["message"] == "Done: 3 of 5 repetitions."
    document = box.stored()
    assert document is not None
    assert (document["state"], len(document["reps"])) == ("complete", 3)


def test_who_comes_up_to_the_camera_loses_nothing(box: Box) -> None:
    box.ask("start_screening", **_SQUAT)
    box.show(squats(3))
    before = box.stored()
    assert before is not None
    near = [replace(pose, xy_px=pose.xy_px * 3.5) for pose in squats(1)[:20]]
    told = box.show(near * round(30 * FPS / len(near)))
    assert (told["state"], told["reps"]) == ("running", 3)
    box.ask("finish_screening")
    document = box.stored()
    assert document is not None
    assert [rep["faults"] for rep in document["reps"]] == [rep["faults"] for rep in before["reps"]]
    for side in Side:
        found, counted = (one["summary"][side]["fppa_deg"]["mean"] for one in (document, before))
        assert found == pytest.approx(counted, abs=0.1)


def test_cancelled_leaves_nothing_and_hurts_nothing_else(box: Box) -> None:
    before = box.store.begin_session(SessionHeader("camera", "m", "0"))
    box.store.end_session(before)
    box.ask("start_screening", **_SQUAT)
    box.show(squats(3))
    box.written()
    assert box.ask("cancel_screening") is None
    told = box.test.as_json()
    assert told is not None
    assert (told["state"], told["message"]) == ("cancelled", "Cancelled. Nothing of it is kept.")
    box.written()
    assert [row["id"] for row in StoreReader(box.path).list_sessions()] == [before]
    assert box.said[-1] == (2, "discarded")
    assert box.writer.session_id is None
    box.clock_s += TOLD_S
    assert box.test.as_json() is None


def test_pictures_that_are_stamped_alike_or_in_the_wrong_order_stop_nothing(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_s: list[float] = []
    step = ScreeningProgress.step

    def watched(progress: ScreeningProgress, t_s: float, pose: Pose | None, quality: FrameQuality) -> None:
        seen_s.append(t_s)
        step(progress, t_s, pose, quality)

    monkeypatch.setattr(ScreeningProgress, "step", watched)
    box.ask("start_screening", **_SQUAT)
    for n, pose in enumerate(squats(5)):
        if not box.test.running:
            break
        # Of every ten, two are stamped alike and two are exchanged.
        box.at(n + {3: -1, 6: 1, 7: -1}.get(n % 10, 0))
        box.show([pose])
    told = box.test.as_json()
    assert told is not None
    assert (told["state"], told["reps"]) == ("done", 5)
    assert np.diff(seen_s).min() > 0


def test_its_time_is_up(box: Box) -> None:
    box.ask("start_screening", **_SQUAT)
    told = box.show([None] * round(TIMEOUT_S * FPS + 2))
    assert told["state"] == "failed"
    assert told["message"].endswith("without another repetition. " + OBSTACLES["nobody"])
    assert box.stored() is None
    box.ask("start_screening", **_SQUAT)
    told = box.show([*squats(2), *[None] * round(TIMEOUT_S * FPS)])
    assert (told["state"], told["reps"]) == ("done", 2)
    assert "Its time is up" in told["message"]
    document = box.stored()
    assert document is not None
    assert len(document["reps"]) == 2


def test_what_is_in_the_way_is_said(box: Box) -> None:
    box.ask("start_screening", **_SQUAT)
    assert box.show([None] * FPS * 2)["message"] == OBSTACLES["nobody"]
    Box.quality = FrameQuality(0.0, "too dark: more light is needed")
    assert box.show([None] * FPS)["message"] == "Too dark: more light is needed."
    aside = squats(1, view=View.SIDE)
    told = box.show(aside)
    assert told["message"].startswith("The camera sees the person from the side")
    standing = squats(1)[:15]
    waving = [replace(pose, xy_px=pose.xy_px + np.array([20 * math.sin(n), 0])) for n, pose in enumerate(standing * 4)]
    told = box.show(waving)
    assert told["message"].endswith("Stand still for a moment: counting begins then.")
    assert not told["ready"]
    told = box.show(standing * 2)
    assert told["ready"]
    assert told["message"].endswith("Squat and stand up again, five times.")
    assert told["left_s"] > TIMEOUT_S - 1


def test_too_few_pictures_are_said(box: Box) -> None:
    box.ask("start_screening", **_SQUAT)
    poses = squats(2)
    for n in range(0, len(poses), 5):  # six per second
        box.skip(4)
        told = box.show([poses[n]])
    assert (told["message"], told["ready"]) == (OBSTACLES["slow"], False)


def test_the_way_to_the_place_is_not_measured(box: Box) -> None:
    near = [replace(p, xy_px=p.xy_px * 2.5 + np.array([n * 6, 0])) for n, p in enumerate(squats(1)[:20] * 4)]
    box.ask("start_screening", **_SQUAT)
    assert not box.show(near)["ready"]
    assert box.show(squats(5))["state"] == "done"


def test_where_a_run_has_told_the_camera_that_is_taken_out(box: Box) -> None:
    camera = CameraPose(yaw_deg=4.0, state="good", source="belt")
    box.ask("start_screening", **_SQUAT)
    assert "facing as you run" in box.show(squats(5)[:10], camera)["message"]
    box.ask("cancel_screening")
    knees: list[float] = []
    for number, known in enumerate((camera, replace(camera, state="refused")), start=1):
        box.ask("start_screening", **_SQUAT)
        box.show(squats(5), known)
        document = box.stored(number)
        assert document is not None
        assert document["camera"]["state"] == ("good" if known.usable else "unknown")
        knees.append(document["summary"]["right"]["fppa_deg"]["mean"])
    assert abs(knees[0] - knees[1]) > 4


def test_the_camera_is_that_of_the_view_in_which_the_test_is_made(box: Box) -> None:
    """And a move of it that the run before has noticed is no news."""
    camera = CameraPose(yaw_deg=4.0, state="good", source="belt", moved=True)
    box.ask("start_screening", **_SQUAT)
    box.show(squats(5), camera, views=[View.FRONT])
    front = box.stored(1)
    box.ask("start_screening", **_SQUAT)
    box.show(squats(5, view=View.REAR), camera, views=[None, View.FRONT])
    rear = box.stored(2)
    assert front is not None
    assert rear is not None
    assert (front["view"], front["camera"]) == ("front", replace(camera, moved=False).as_json())
    assert (rear["view"], rear["camera"]["state"]) == ("rear", "unknown")


def test_height_of_the_lens_is_used_where_it_is_told(box: Box) -> None:
    camera = VirtualCamera(View.FRONT, height_m=2.0, distance_m=2.5, vfov_deg=41.4)
    poses = Exerciser([Rep(0.35)] * 4 + [Rep(0.35, top_s=2.0)]).poses(camera)
    off: list[float] = []
    for number, heights in enumerate((Heights(2.0), UNKNOWN_HEIGHTS), start=1):
        box.ask("start_screening", **_SQUAT)
        assert box.show(poses, heights=heights)["state"] == "done"
        document = box.stored(number)
        assert document is not None
        off.append(document["summary"]["right"]["fppa_off_deg"])
        if heights.camera_m is not None:
            assert document["summary"]["right"]["fppa_deg"]["mean"] == pytest.approx(0.0, abs=1.0)
    assert off[0] < off[1]


def test_one_at_a_time_and_none_to_stop(box: Box) -> None:
    assert box.ask("finish_screening") == box.ask("cancel_screening") == "No test runs now."
    box.ask("start_screening", **_SQUAT)
    refused = box.ask("start_screening", **_RIGHT_LEG)
    assert refused == "A test is made already (squat test): finish or cancel it first."
    assert box.ask("cancel_screening") is None
    assert box.ask("start_screening", **_RIGHT_LEG) is None


@pytest.mark.parametrize(
    "command",
    [
        {"command": "test_cue", "request": "r"},
        {"command": "start_screening", "exercise": "squat"},
        {"command": "start_screening", "exercise": "squat", "side": "left", "request": "r"},
        {"command": "start_screening", "exercise": "step-down", "request": "r"},
        {"command": "start_screening", "exercise": "run", "request": "r"},
        {"command": "start_screening", "exercise": ["squat"], "side": {}, "request": "r"},
        {"command": "cancel_screening", "request": ""},
    ],
)
def test_what_is_no_command_of_its_own_is_not_obeyed(box: Box, command: Message) -> None:
    assert not box.test.obey(command)
    assert not box.test.running
    assert box.answers == []


def test_no_pictures_end_it_with_the_reason(box: Box) -> None:
    box.test.interrupt("no camera")
    assert box.test.as_json() is None
    box.ask("start_screening", **_SQUAT)
    box.test.interrupt("there is no camera: plug one in")
    told = box.test.as_json()
    assert told is not None
    assert (told["state"], told["message"]) == ("failed", "No result. There is no camera: plug one in.")


def test_a_full_disk_loses_nothing(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.recording._RETRY_S", 0.05)
    real: Callable[..., None] = box.store.set_reps
    tries: list[int] = []

    def full(*args: Any) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise StoreError("the disk is full")
        real(*args)

    monkeypatch.setattr(box.store, "set_reps", full)
    box.ask("start_screening", **_SQUAT)
    box.show(squats(5))
    document = box.stored()
    assert document is not None
    assert (document["state"], len(document["reps"])) == ("complete", 5)
    assert box.writer.fault is None


def test_a_test_stays_that_of_who_made_it(box: Box) -> None:
    ids = [box.store.add_runner(name)[0] for name in ("Anna", "Ben")]
    box.choice.obey({"command": "select_runner", "runner_id": ids[0]})
    box.written()
    box.ask("start_screening", **_SQUAT)
    box.show(squats(3))
    box.choice.obey({"command": "select_runner", "runner_id": ids[1]})
    box.written()
    assert box.choice.another_chosen
    box.test.interrupt("another runner was chosen")
    told = box.test.as_json()
    assert told is not None
    assert told["message"] == "Another runner was chosen. Done: 3 of 5 repetitions."
    assert box.choice.current is not None
    assert box.choice.current.name == "Ben"
    document = box.stored()
    assert document is not None
    assert (document["runner_id"], document["state"]) == (ids[0], "complete")


def test_the_runner_is_kept_from_test_to_test(box: Box) -> None:
    runner_id, _ = box.store.add_runner("Anna", 172.0)
    box.choice.obey({"command": "select_runner", "runner_id": runner_id})
    box.written()
    for session_id in (1, 2):
        box.clock_s += 500.0
        box.ask("start_screening", **_SQUAT)
        box.show(squats(5))
        document = box.stored(session_id)
        assert document is not None
        assert document["runner_id"] == runner_id
    (anna,) = StoreReader(box.path).runners()
    assert (anna["sessions"], anna["tests"]) == (2, 2)
