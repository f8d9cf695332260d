"""Screening from file to document: rendered clips, their mirror images, motion capture, and what is no such test."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from device.cameras.video import VideoSource
from device.cli import main
from device.config import load_config
from device.frames import Frame
from device.pipeline import open_model
from device.replay_command import NO_RUNNER
from device.screening import look_twice, mean_pose, mirrored_pose
from device.truth import RepComparison, compare_reps, load_truth
from model.errors import InputError
from model.pose import MIRROR_INDEX, Joint, Pose, View
from model.runtime import ModelName
from model.screening import Exercise, ScreeningSettings, screen

CLIPS = {"dev_squat": "squat", "dev_stepdown": "step-down"}
MODELS: tuple[ModelName, ...] = ("lightning", "thunder")
FAULTS: dict[str, list[list[str]]] = {
    "dev_squat": [[], ["knee_medial_right"], [], [], ["knee_medial_right"], []],
    "dev_stepdown": [
        [], ["knee_medial_right", "pelvis_not_level"], [], ["knee_medial_right", "pelvis_not_level"], ["trunk_lean"],
    ],
}  # fmt: skip


def _screened(tmp_path: Path, *arguments: object) -> dict[str, Any]:
    path = tmp_path / "result.json"
    assert main(["replay", *map(str, arguments), "--json", str(path)]) == 0
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


@pytest.mark.parametrize("clip", CLIPS)
def test_clips(shared: Path, tmp_path: Path, clip: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Through Lightning; `tests/validation/screening_table.py` measures both models."""
    video, mode = shared / "clips" / f"{clip}.mp4", CLIPS[clip]
    truth = video.with_suffix(".json")
    document = _screened(tmp_path, video, "--mode", mode, "--model", "lightning", "--truth", truth)
    assert (document["mode"], document["view"], document["stances"], document["cues"]) == (mode, "front", [], [])
    assert document["camera"]["state"] == "unknown"
    assert [rep["faults"] for rep in document["reps"]] == FAULTS[clip]
    comparison = compare_reps(document, load_truth(truth))
    assert (comparison.found, comparison.invented) == (comparison.true, 0)
    assert np.abs(comparison.bottom_s).max() < 0.1
    for side in ("left", "right"):
        errors = np.array(comparison.angles_deg[f"{side} fppa_deg"])
        assert np.abs(errors).max() < 5.5
        assert abs(errors.mean()) < 4.5
    if clip == "dev_stepdown":
        assert {rep["side"] for rep in document["reps"]} == {"right"}
        assert np.abs(comparison.angles_deg["trunk_lean_deg"]).max() < 2.5
        assert document["summary"]["right"]["score"]["points"] == 3
    told = capsys.readouterr().out
    assert f"{comparison.true} of {comparison.true} found, 0 invented" in told
    assert "faults missed: none" in told


@pytest.mark.parametrize("model", MODELS)
def test_the_mirrored_look_of_the_settings_is_not_taken_on_top(tmp_path: Path, model: ModelName) -> None:
    """A recording is looked at twice in any case; the live picture as the settings say."""
    settings = tmp_path / "kneeline.toml"
    settings.write_text("[model]\nmirrored = true\n", "utf-8")
    config = load_config(settings)
    assert open_model(config, 30.0, model).mirrored
    assert not open_model(config, 30.0, model, mirrored=False).mirrored


def _frames(path: Path, count: int, mirrored: bool = False) -> Iterator[Frame]:
    with VideoSource(path) as source:
        for i, frame in enumerate(source.frames(threading.Event())):
            if i == count:
                return
            yield replace(frame, image=np.ascontiguousarray(frame.image[:, ::-1])) if mirrored else frame


@pytest.mark.parametrize("clip", CLIPS)
def test_mirrored_film_gives_the_mirrored_result(shared: Path, clip: str) -> None:
    path, net = shared / "clips" / f"{clip}.mp4", open_model(load_config(None), 30.0, "lightning")
    settings = ScreeningSettings(Exercise(CLIPS[clip]), View.FRONT)
    plain, turned = (
        [pose for _, pose in look_twice(net, _frames(path, 210, mirrored)) if pose is not None]
        for mirrored in (False, True)
    )
    assert len(plain) == len(turned) == 210
    for one, other in zip(plain, turned, strict=True):
        assert mirrored_pose(other).xy_px == pytest.approx(one.xy_px, abs=1e-6, nan_ok=True)
    names = {"left": "right", "right": "left"}
    found = [rep.faults for rep in screen(plain, settings)]
    assert len(found) == 2
    assert [rep.faults for rep in screen(turned, settings)] == [
        tuple("_".join(names.get(word, word) for word in fault.split("_")) for fault in faults) for faults in found
    ]


def test_looks_that_disagree_on_left_and_right_are_not_averaged() -> None:
    """One sees the front, the other one takes it for the back, shoulders to hips of it."""
    xy = np.random.default_rng(3).uniform(100.0, 300.0, (17, 2))
    of = [MIRROR_INDEX[i] if Joint.LEFT_SHOULDER <= i <= Joint.RIGHT_HIP else i for i in range(17)]
    one, other = Pose(0.0, xy, np.ones(17), (640, 480)), Pose(0.0, xy[of] + 1.0, np.ones(17), (640, 480))
    found = mean_pose(one, other)
    assert found is not None
    assert found.xy_px == pytest.approx(xy + 0.5)


def test_times_of_a_recording_only_grow(demo_clip: Path) -> None:
    net = open_model(load_config(None), 30.0, "lightning")
    stamps_ms = [0, 0, 33, 67, 67, 133, 100, 167]
    frames = [
        replace(f, t_ns=ms * 1_000_000) for f, ms in zip(_frames(demo_clip, len(stamps_ms)), stamps_ms, strict=True)
    ]
    times_s = [t_s for t_s, _ in look_twice(net, frames)]
    assert np.diff(times_s).min() > 0
    assert (times_s[0], times_s[-1]) == (0.0, 0.167)


@pytest.mark.parametrize("view", ["front", "rear"])
@pytest.mark.parametrize("noise", ["none", "measured"])
def test_squats_of_motion_capture(shared: Path, tmp_path: Path, view: str, noise: str) -> None:
    squats = shared / "mocap" / "squats_s4.npz"
    document = _screened(tmp_path, squats, "--mode", "squat", "--view", view, "--camera-noise", noise)
    assert [rep["bottom_s"] for rep in document["reps"]] == pytest.approx([1.26, 3.82, 6.55, 9.25, 12.1], abs=0.2)
    for rep in document["reps"]:
        assert "knee_medial_left" not in rep["faults"], "deep squats with the knees far out"
        assert "knee_medial_right" not in rep["faults"]
        assert -50 < rep["left"]["fppa_deg"] < -25


def test_height_of_the_lens_in_the_settings_and_of_the_person_are_used(
    shared: Path, tmp_path: Path
) -> None:
    """The virtual camera stands at 1.2 m."""
    squats, settings = shared / "mocap" / "squats_s4.npz", tmp_path / "kneeline.toml"
    settings.write_text("[camera]\nheight_m = 1.2\n", "utf-8")
    asked = [squats, "--mode", "squat", "--view", "front"]
    plain, told, both = (
        _screened(tmp_path, *asked, *more)
        for more in ([], ["--config", settings], ["--config", settings, "--height", 165])
    )
    off = [one["summary"]["left"]["fppa_off_deg"] for one in (plain, told, both)]
    assert off[0] > off[1] > off[2]


def test_the_other_exercise_is_named(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = _screened(tmp_path, shared / "mocap" / "squats_s4.npz", "--mode", "step-down", "--view", "front")
    assert document["reps"] == []
    assert "no step-down was found, but 5 squats: use --mode squat" in capsys.readouterr().out
    assert document["summary"]["advice"] == "no step-down was found, but 5 squats: use --mode squat"


@pytest.mark.parametrize("mode", CLIPS.values())
@pytest.mark.parametrize("name", ["run_s02.npz", "walking_s4.npz"])
def test_captured_running_and_walking_are_no_repetitions(shared: Path, tmp_path: Path, name: str, mode: str) -> None:
    document = _screened(tmp_path, shared / "mocap" / name, "--mode", mode, "--view", "front")
    assert document["reps"] == []
    assert document["summary"]["advice"].startswith(f"no {mode} was found")


def test_walking_and_jumping_outdoors_is_no_repetition(shared: Path) -> None:
    net = open_model(load_config(None), 30.0, "lightning")
    with VideoSource(shared / "real" / "walk_side_outdoor.mp4") as source:
        poses = [pose for _, pose in look_twice(net, source.frames(threading.Event())) if pose is not None]
    assert len(poses) > 100
    for exercise in Exercise:
        assert screen(poses, ScreeningSettings(exercise, View.FRONT)) == ()


@pytest.fixture(scope="module")
def short_run(tmp_path_factory: pytest.TempPathFactory, demo_clip: Path) -> Path:
    """Four seconds of running."""
    return _film(tmp_path_factory.mktemp("film") / "run.mp4", [frame.image for frame in _frames(demo_clip, 120)])


def _film(path: Path, images: list[np.ndarray[Any, np.dtype[np.uint8]]]) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 30.0, images[0].shape[1::-1])
    for image in images:
        writer.write(image[..., ::-1])
    writer.release()
    return path


@pytest.mark.parametrize("mode", CLIPS.values())
def test_running_is_no_repetition(
    short_run: Path, tmp_path: Path, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    document = _screened(tmp_path, short_run, "--mode", mode)
    assert document["reps"] == []
    assert f"no {mode} was found: " in capsys.readouterr().out
    again = _screened(tmp_path, short_run, "--mode", mode)
    assert json.dumps(again) == json.dumps(document)


def test_side_view_is_one_clear_line(short_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "result.json"
    assert main(["replay", str(short_run), "--mode", "squat", "--view", "side", "--json", str(path)]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("kneeline")]
    assert len(told) == 1
    assert "record from the front or from behind" in told[0]
    document = json.loads(path.read_text("utf-8"))
    assert (document["view"], document["reps"]) == ("side", [])


def test_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(3)
    scene = cv2.GaussianBlur(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8), (0, 0), 9)
    film = _film(tmp_path / "nobody.mp4", [np.roll(scene, n, axis=1).astype(np.uint8) for n in range(30)])
    assert main(["replay", str(film), "--mode", "squat", "--json", str(tmp_path / "result.json")]) == NO_RUNNER
    assert "no runner was seen" in capsys.readouterr().err
    document = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert (document["frames_with_runner"], document["view"], document["reps"]) == (0, None, [])


def test_wrong_arguments(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    squats = shared / "mocap" / "squats_s4.npz"
    refused = tmp_path / "refused.json"
    refused.write_text(json.dumps({"camera": {"yaw_deg": 20.0, "state": "refused", "advice": "turn it"}}))
    for arguments, said in (
        ([squats, "--mode", "squat"], "say --view"),
        ([squats, "--mode", "squat", "--view", "front", "--fps", "5"], "--fps 5: must be"),
        ([squats, "--mode", "squat", "--view", "front", "--side", "left"], "use it with --mode step-down"),
        ([squats, "--mode", "squat", "--view", "front", "--camera", refused], "may not be used (turn it)"),
    ):
        assert main(["replay", *map(str, arguments)]) == 2
        assert said in capsys.readouterr().err


def test_known_camera_is_used(shared: Path, tmp_path: Path) -> None:
    known = tmp_path / "camera.json"
    camera = {"yaw_deg": 8.0, "roll_deg": 0.0, "pitch_deg": -5.0, "state": "good", "source": "belt"}
    known.write_text(json.dumps({"camera": camera}))
    squats = shared / "mocap" / "squats_s4.npz"
    plain = _screened(tmp_path, squats, "--mode", "squat", "--view", "front")
    document = _screened(tmp_path, squats, "--mode", "squat", "--view", "front", "--camera", known)
    assert document["camera"]["yaw_deg"] == 8.0
    assert document["camera"]["state"] == "good"
    # The camera stood square: taking 8° out of it that were not there moves the knees apart.
    assert document["reps"][0]["left"]["fppa_deg"] < plain["reps"][0]["left"]["fppa_deg"] - 8
    assert document["reps"][0]["right"]["fppa_deg"] > plain["reps"][0]["right"]["fppa_deg"] + 8


def test_truth_without_repetitions(short_run: Path, demo_clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = str(demo_clip.with_suffix(".json"))
    assert main(["replay", str(short_run), "--mode", "squat", "--truth", truth]) == 2
    assert "has no reps" in capsys.readouterr().err


def test_comparison_names_what_is_missed_and_invented() -> None:
    true = {"start_s": 0.0, "bottom_s": 1.0, "end_s": 2.0, "fppa_frontal3d_left_bottom_deg": 3.0}
    truth = {"reps": [true | {"valgus_added_left_deg": 9.0}, true | {"start_s": 5.0, "bottom_s": 6.0, "end_s": 7.0}]}
    knees = {"left": {"fppa_deg": 5.0}, "right": {"fppa_deg": None}}
    rep = {"bottom_s": 1.25, **knees, "faults": ["trunk_lean"], "pelvic_drop_deg": 1.0, "trunk_lean_deg": 9.0}
    found = compare_reps({"reps": [rep, rep | {"bottom_s": 3.5}]}, truth)
    assert found == RepComparison(
        true=2,
        found=1,
        invented=1,
        bottom_s=(0.25,),
        angles_deg={
            "left fppa_deg": (2.0,), "right fppa_deg": (), "pelvic_drop_deg": (), "trunk_lean_deg": (),
        },
        faults_missed=("1: knee_medial_left",),
        faults_invented=("1: trunk_lean",),
    )  # fmt: skip
    assert found.lines()[0].startswith("repetitions: 1 of 2 found, 1 invented")


def test_fault_of_a_repetition_not_found_is_missed() -> None:
    true = {"start_s": 0.0, "bottom_s": 1.0, "end_s": 2.0, "valgus_added_right_deg": 9.0}
    assert compare_reps({"reps": []}, {"reps": [true]}).lines()[1] == "faults missed: 1: knee_medial_right"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "reps[0]: start_s must be a number"),
        ({"start_s": 0, "bottom_s": 1, "end_s": "2"}, "reps[0]: end_s must be a number"),
        ({"start_s": 0, "bottom_s": 1, "end_s": 2, "pelvic_drop_added_deg": []}, "pelvic_drop_added_deg must be a n"),
        ({"start_s": 0, "bottom_s": 1, "end_s": 2, "valgus_added_deg": 9}, "stance_side must be left or right"),
        ({"start_s": 0, "bottom_s": 1, "end_s": 2, "trunk_lean_bottom_deg": None}, None),
    ],
)
def test_repetitions_of_another_form_are_told(tmp_path: Path, changed: dict[str, Any], said: str | None) -> None:
    path = tmp_path / "truth.json"
    path.write_text(json.dumps({"reps": [changed]}))
    if said is None:
        assert load_truth(path, "step-down") == {"reps": [changed]}
        return
    with pytest.raises(InputError, match=re.escape(said)):
        load_truth(path, "step-down")
