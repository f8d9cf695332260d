"""The whole pipeline over the clip that ships with the project, against its truth."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from device import board
from device.cameras.edit_list import shown_s
from device.cameras.video import VideoSource
from device.cli import main
from device.config import Config
from device.film_check import FilmCheck, Use
from device.frames import Frame
from device.pipeline import Pipeline, open_model, open_model_for_file
from device.replay import Recorder, ReplayOptions, replay_file, session_document, usual_fps
from device.replay_command import NO_RUNNER
from device.truth import compare, load_truth
from model.analysis import AnalysisSettings, RunAnalysis
from model.metrics import STANCE_METRICS
from model.place import MOTION_CAPTURE, CameraPlace
from model.pose import KEYPOINT_NAMES, Joint, Side, View
from model.quality import COVERED
from model.result import summarise_stored
from model.runtime import RuntimeName, available_runtimes
from model.table import session_csv
from model.virtual_camera import Motion, VirtualCamera, project_motion
from tests.conftest import warned
from tests.model.walkers import Walker


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory, demo_clip: Path) -> Path:
    path = tmp_path_factory.mktemp("replay") / "result.json"
    assert main(["replay", str(demo_clip), "--json", str(path)]) == 0
    return path


@pytest.fixture
def document(result: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(result.read_text("utf-8"))
    return loaded


def test_document_has_the_agreed_form(document: dict[str, Any]) -> None:
    assert list(document) == [
        "schema", "source", "mode", "view", "model", "fps", "frames", "frames_with_runner",
        "camera", "stances", "reps", "cues", "summary",
    ]  # fmt: skip
    assert document["schema"] == "kneeline.session/1"
    assert document["source"] == "demo_front.mp4"
    assert document["view"] == "front"
    assert document["model"] == "movenet-lightning-int8"
    assert document["fps"] == pytest.approx(30.0, abs=0.01)
    assert document["frames"] == 600
    assert document["frames_with_runner"] >= 595
    assert {
        "yaw_deg", "yaw_sd_deg", "roll_deg", "pitch_deg", "azimuth_left_deg", "azimuth_right_deg",
        "source", "state", "advice",
    } <= set(document["camera"])  # fmt: skip
    keys = {"side", "strike_s", "toe_off_s", "quality", "counts", "pelvis_level"}
    keys |= {spec.key for spec in STANCE_METRICS}
    assert all(set(stance) == keys for stance in document["stances"])
    assert all(stance["hip_extension_deg"] is None for stance in document["stances"])
    assert document["summary"]["unavailable"]["hip_extension_deg"] == "needs a side view"
    assert set(document["summary"]["left"]["fppa_deg"]) >= {"mean", "sd", "sdd"}


def test_an_angle_of_no_stance_is_not_told(document: dict[str, Any], demo_clip: Path) -> None:
    """As of a film from the side."""
    unseen = [stance | {"fppa_deg": None, "pelvic_drop_deg": None} for stance in document["stances"]]
    lines = compare(document | {"stances": unseen}, load_truth(demo_clip.with_suffix(".json"))).lines()
    assert [line for line in lines if "nan" in line or "true mean" in line] == []


def test_every_dive_is_cued_and_nothing_else(document: dict[str, Any], demo_clip: Path) -> None:
    comparison = compare(document, load_truth(demo_clip.with_suffix(".json")))
    assert comparison.cueing.dives == 11
    assert comparison.cueing.recall >= 0.9
    assert comparison.cueing.false == 0
    assert {cue["side"] for cue in document["cues"]} == {"right"}
    assert all(8.0 <= cue["t_s"] <= 16.2 for cue in document["cues"])


def test_steps_are_those_of_the_truth(document: dict[str, Any], demo_clip: Path) -> None:
    comparison = compare(document, load_truth(demo_clip.with_suffix(".json")))
    assert abs(comparison.cadence_error_spm) <= 2.0
    assert comparison.strikes.true == 52
    assert comparison.strikes.missed == 0
    assert comparison.strikes.invented == 0
    late = np.abs(comparison.strikes.errors_s)
    assert np.mean(late <= 2 / 30) >= 0.9
    assert comparison.toe_offs.mae_s <= 0.05


def test_same_input_same_bytes(result: Path, tmp_path: Path, demo_clip: Path) -> None:
    again = tmp_path / "again.json"
    assert main(["replay", str(demo_clip), "--json", str(again)]) == 0
    assert again.read_bytes() == result.read_bytes()


def test_a_recording_gives_the_same_whichever_runtime_is_faster_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(fast: RuntimeName) -> RuntimeName:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / fast))
        monkeypatch.setattr(board, "measure_ms", lambda net, _: 1.0 if net.runtime == fast else 9.0)
        assert open_model(Config(), 30.0).runtime == fast
        return open_model_for_file(Config(), 30.0).runtime

    assert len({taken(fast) for fast in available_runtimes()}) == 1


def test_real_runner_from_the_side(shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "side.json"
    assert main(["replay", str(shared / "real" / "male_side.mp4"), "--json", str(path)]) == 0
    document = json.loads(path.read_text("utf-8"))
    assert document["view"] == "side"
    assert document["summary"]["cadence_spm"] == pytest.approx(168.9, abs=2.0)
    assert document["cues"] == []
    assert all(stance["fppa_deg"] is None for stance in document["stances"])


@pytest.mark.parametrize("mode", ["run", "squat"])
def test_pictures_in_which_a_capture_lost_all_joints_show_nobody(tmp_path: Path, mode: str) -> None:
    walker, times_s = Walker(), np.arange(0.0, 8.0, 1 / 60)
    xyz_m = np.stack([walker.joints_m(float(t_s)) for t_s in times_s])
    xyz_m[(times_s > 3.99) & (times_s < 4.99)] = np.nan
    capture, result = tmp_path / "lost.npz", tmp_path / "lost.json"
    np.savez(capture, t_s=times_s, names=np.array(KEYPOINT_NAMES), xyz_m=xyz_m)
    assert main(["replay", str(capture), "--view", "front", "--mode", mode, "--json", str(result)]) == 0
    document = json.loads(result.read_text("utf-8"))
    assert document["frames"] == 240
    assert document["frames_with_runner"] == 210
    assert not [stance for stance in document["stances"] if 4.0 < stance["strike_s"] < 4.9]


def _one_line(capsys: pytest.CaptureFixture[str]) -> str:
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("WARNING")]
    assert len(lines) == 1, lines
    return lines[0]


def _video(path: Path, fps: float, frames: int = 40) -> Path:
    """A film without a person: drifting blobs."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (320, 240))
    rng = np.random.default_rng(3)
    scene = cv2.GaussianBlur(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8), (0, 0), 9)
    for n in range(frames):
        writer.write(np.roll(scene, n, axis=1))
    writer.release()
    return path


def test_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path / "none.mp4")]) == 2
    assert "no such file" in _one_line(capsys)


def test_empty_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.mp4").touch()
    assert main(["replay", str(tmp_path / "empty.mp4")]) == 2
    assert "is empty" in _one_line(capsys)


def test_file_that_is_no_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.mp4").write_text("a text, not a film\n" * 99)
    assert main(["replay", str(tmp_path / "text.mp4")]) == 2
    assert "no video" in _one_line(capsys)


def test_truncated_file(tmp_path: Path, demo_clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut, path = tmp_path / "cut.mp4", tmp_path / "result.json"
    cut.write_bytes(demo_clip.read_bytes()[:200_000])
    assert main(["replay", str(cut), "--json", str(path)]) == 2
    assert "is cut off or damaged: 166 of 600 frames" in _one_line(capsys)
    assert len(json.loads(path.read_text("utf-8"))["stances"]) >= 12, "what could be read is not lost"


def test_a_file_whose_frames_times_vary_is_whole_where_its_time_is(demo_clip: Path) -> None:
    """As Matroska's, which announces its duration times its rate."""
    with VideoSource(demo_clip) as source:
        frames = sum(1 for _ in source.frames(threading.Event()))
        assert source.played_s == pytest.approx(20.0, abs=0.05)
        assert source.cut_off(frames) is None
        source.announced_frames = 900
        assert "600 of 900 frames could be read" in (source.cut_off(frames) or "")
        source._fps = 45.0
        assert source.cut_off(frames) is None


def _trimmed(clip: Path, path: Path, start_s: int, shown_s: int) -> Path:
    """A copy that shows a part: its edit list says so, and the pictures around are still in it."""
    content = bytearray(clip.read_bytes())
    for box, at in ((b"mvhd", 20), (b"tkhd", 24), (b"elst", 12)):  # milliseconds, as this clip has them
        struct.pack_into(">I", content, content.index(box) + at, 1000 * shown_s)
    mdhd = content.index(b"mdhd")
    (per_s,) = struct.unpack_from(">I", content, mdhd + 16)
    struct.pack_into(">I", content, content.index(b"elst") + 16, per_s * start_s)
    path.write_bytes(content)
    return path


def _read(path: Path) -> tuple[int, str | None]:
    """How many frames of a file can be read, and what is wrong with it."""
    with VideoSource(path) as source:
        frames = sum(1 for _ in source.frames(threading.Event()))
        return frames, source.cut_off(frames)


def test_a_film_that_was_trimmed_without_coding_it_anew_is_whole(demo_clip: Path, tmp_path: Path) -> None:
    trimmed = _trimmed(demo_clip, tmp_path / "trimmed.mp4", 5, 8)
    frames, fault = _read(trimmed)
    assert frames == pytest.approx(240, abs=3)
    assert fault is None
    trimmed.write_bytes(trimmed.read_bytes()[:250_000])
    frames, fault = _read(trimmed)
    assert 30 < frames < 120
    assert fault is not None
    assert f"{frames} of 240 frames could be read" in fault


@pytest.mark.parametrize("small", [0, 1])
def test_a_file_whose_first_film_is_not_the_largest_is_told(
    demo_clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, small: int
) -> None:
    content, two = demo_clip.read_bytes(), tmp_path / "two.mp4"
    moov, trak = content.index(b"moov") - 4, content.index(b"trak") - 4
    (moov_bytes,), (trak_bytes,) = (struct.unpack_from(">I", content, at) for at in (moov, trak))
    films = [bytearray(content[trak : trak + trak_bytes]) for _ in range(2)]
    struct.pack_into(">II", films[small], films[small].index(b"tkhd") + 80, 320 << 16, 240 << 16)
    head = content[moov + 8 : trak] + b"".join(films) + content[trak + trak_bytes : moov + moov_bytes]
    free = struct.pack(">I4s", moov_bytes, b"free") + bytes(moov_bytes - 8)  # what follows stays in its place
    new = struct.pack(">I4s", len(head) + 8, b"moov") + head
    two.write_bytes(content[:moov] + free + content[moov + moov_bytes :] + new)
    assert _read(two) == (600, None)
    told = "two.mp4 -map 0:v:1 -c copy film.mp4"
    assert [message.endswith(told) for message in caplog.messages] == [True] * (small == 0)


def test_a_film_that_does_not_begin_at_zero_is_whole(tmp_path: Path) -> None:
    """Matroska announces its end times its rate."""
    film = tmp_path / "late.mkv"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (64, 48))
    for grey in range(30):
        writer.write(np.full((48, 64, 3), grey, dtype=np.uint8))
    writer.release()
    content = film.read_bytes()
    late_s = 0.25
    duration, cluster = b"\x44\x89\x88", b"\xe7\x81"
    for old, new in (
        (duration + struct.pack(">d", 1000.0), duration + struct.pack(">d", 1000.0 * (1 + late_s))),
        (cluster + b"\0", cluster + bytes([round(1000 * late_s)])),
    ):
        assert old in content
        content = content.replace(old, new, 1)
    film.write_bytes(content)
    assert _read(film) == (30, None)
    film.write_bytes(content[: len(content) // 2])
    assert "is cut off or damaged" in (_read(film)[1] or "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0\x01moov",
        b"\0\0\0\x10moov\0\0\0\0",
        b"a text, not a film" * 9,
        b"\0\0\0\x01\x67\x64\0\x28" + b"\xac" * 99,  # an H.264 stream begins so: a box of 2**63 bytes
        b"\0\0\0\x01moov" + b"\x7f" + b"\xff" * 99,
        b"\0\0\0\x01moov" + b"\0" * 99,
    ],
)
def test_a_head_that_is_none_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mp4").write_bytes(content)
    assert shown_s(tmp_path / "x.mp4") is None


@pytest.mark.parametrize("link", [False, True])
def test_a_file_that_is_read_is_not_overwritten(
    tmp_path: Path, demo_clip: Path, capsys: pytest.CaptureFixture[str], link: bool
) -> None:
    clip, target = tmp_path / "clip.mp4", tmp_path / ("link.json" if link else "clip.mp4")
    clip.write_bytes(demo_clip.read_bytes())
    if link:
        target.symlink_to(clip)
    assert main(["replay", str(clip), "--json", str(target)]) == 2
    assert "would overwrite" in _one_line(capsys)
    assert clip.read_bytes() == demo_clip.read_bytes()


def test_video_without_a_person(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "result.json"
    assert main(["replay", str(_video(tmp_path / "nobody.mp4", 30.0)), "--json", str(path)]) == NO_RUNNER
    assert "no runner was seen" in _one_line(capsys)
    document = json.loads(path.read_text("utf-8"))
    assert document["frames"] == 40
    assert document["frames_with_runner"] == 0
    assert document["summary"]["cadence_spm"] is None


class Sparse(VideoSource):
    """Every second picture of a film."""

    @property
    def fps(self) -> float:
        return super().fps / 2

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        return (replace(frame, index=frame.index // 2) for frame in super().frames(stop) if frame.index % 2 == 0)


def test_a_slow_recording_is_warned_of_and_its_pictures_are_not_called_useless(
    demo_clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("device.replay.VideoSource", Sparse)
    document, _ = replay_file(demo_clip, Config(), ReplayOptions())
    assert len(document["stances"]) > 40
    said = "demo_front.mp4: 15 frames per second: running metrics are unreliable below 20; record at 30 or more"
    assert warned(caplog) == [said]


class Slowed(VideoSource):
    """A film that plays slower than life."""

    factor = 1.0

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        return (replace(frame, t_ns=round(frame.t_ns * self.factor)) for frame in super().frames(stop))


@pytest.mark.parametrize(("factor", "stances"), [(1 / 0.7, True), (4.0, False)])
def test_slow_motion_is_named_where_nothing_is_measured_for_want_of_steps(
    demo_clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    factor: float,
    stances: bool,
) -> None:
    monkeypatch.setattr("device.replay.VideoSource", Slowed)
    monkeypatch.setattr(Slowed, "factor", factor)
    assert main(["replay", str(demo_clip)]) == 0
    (said,) = capsys.readouterr().out.splitlines()[1:]
    few = "knee alignment: not measured: the steps are those of a run, but fewer than anybody's: "
    assert said.startswith(few if stances else "no steps were found: nobody runs, ")
    assert "a film N times slower than life (slow motion) needs ffmpeg -itsscale 1/N -i FILM" in said
    assert ("a squat or step-down test needs --mode; " in said) is not stances


def test_a_name_that_is_no_utf_8_is_refused_and_crashes_nothing(
    tmp_path: Path, demo_clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = tmp_path / os.fsdecode(b"l\xe4ufer.mp4")
    film.symlink_to(demo_clip)
    assert main(["replay", str(film)]) == 2
    assert _one_line(capsys).endswith("l\N{REPLACEMENT CHARACTER}ufer.mp4: its name is not UTF-8 text; give it another")


class Brief(VideoSource):
    """A film of which only the first seconds were taken."""

    shown_s = 0.0

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        for frame in super().frames(stop):
            if frame.t_ns >= self.shown_s * 1e9:
                return
            yield frame

    def cut_off(self, frames: int) -> str | None:
        return None


@pytest.mark.parametrize(("shown_s", "told"), [(2.5, True), (8.5, False)])
def test_a_film_that_is_too_short_for_a_mean_is_said_to_be(
    demo_clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, shown_s: float, told: bool
) -> None:
    monkeypatch.setattr("device.replay.VideoSource", Brief)
    monkeypatch.setattr(Brief, "shown_s", shown_s)
    document, _ = replay_file(demo_clip, Config(), ReplayOptions())
    knee = document["summary"]["left"].get("fppa_deg") or {"mean": None}
    assert (knee["mean"] is None) is told
    assert "slow motion" not in json.dumps(document), "the steps that are seen are at a runner's pace"
    said = ["demo_front.mp4: only 2.5 s long: film 10 s of running or more"] if told else []
    assert warned(caplog) == said


class Cropped(VideoSource):
    """The first seconds of a film whose picture ends further up."""

    rows = 0

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        whole = itertools.takewhile(lambda frame: frame.t_ns < 8e9, super().frames(stop))
        return (replace(frame, image=frame.image[: self.rows].copy()) for frame in whole)

    def cut_off(self, frames: int) -> str | None:
        return None


@pytest.mark.parametrize(("rows", "told"), [(400, True), (440, False)])
def test_feet_beyond_the_picture_are_told(
    demo_clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, rows: int, told: bool
) -> None:
    monkeypatch.setattr("device.replay.VideoSource", Cropped)
    monkeypatch.setattr(Cropped, "rows", rows)
    replay_file(demo_clip, Config(), ReplayOptions())
    said = warned(caplog)
    assert any("the feet are cut off at the picture's edge: film the whole runner" in one for one in said) is told


class Cut(VideoSource):
    """The first seconds of a film from which one second is missing, and its times tell nothing of that."""

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        for frame in super().frames(stop):
            if not 100 <= frame.index < 139 and frame.index < 180:
                index = frame.index - 39 * (frame.index >= 100)
                yield replace(frame, index=index, t_ns=round(index / self.fps * 1e9))

    def cut_off(self, frames: int) -> str | None:
        return None


def test_a_film_that_was_cut_is_said_to_be(
    demo_clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("device.replay.VideoSource", Cut)
    replay_file(demo_clip, Config(), ReplayOptions())
    (said,) = (one for one in warned(caplog) if "cut at" in one)
    assert said.startswith("demo_front.mp4: cut at 3.3 s: what follows is measured anew")


class OnItsSide(VideoSource):
    """A film that was taken with a camera on its side."""

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        return (replace(frame, image=np.rot90(frame.image).copy()) for frame in super().frames(stop))


def test_a_film_on_its_side_is_told_with_the_remedy_for_films(
    demo_clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("device.replay.VideoSource", OnItsSide)
    document, _ = replay_file(demo_clip, Config(), ReplayOptions())
    (said,) = warned(caplog)
    assert "the picture lies on its side: turn the camera by 90°, or the film: ffmpeg -i demo_front.mp4 -vf tr" in said
    for reason in document["summary"]["unavailable"].values():
        assert reason == "the picture lies on its side: turn the camera by 90°"


@pytest.mark.parametrize(("poor", "told"), [(5, False), (6, True)])
def test_stances_that_do_not_count_are_told_though_the_pictures_are_good(
    caplog: pytest.LogCaptureFixture, poor: int, told: bool
) -> None:
    FilmCheck(Use()).tell("a.mp4", [{"quality": 0.2}] * poor + [{"quality": 0.8}] * (10 - poor))
    said = "a.mp4: 6 of 10 stances are of no use: the legs are not seen clearly enough, or pictures are missing"
    assert caplog.messages == [said] * told


@pytest.mark.parametrize(("covered", "said"), [(5, "the legs are not seen clearly enough"), (40, COVERED.reason)])
def test_stances_that_do_not_count_have_the_reason_of_some_of_the_pictures(
    caplog: pytest.LogCaptureFixture, covered: int, said: str
) -> None:
    walker, analysis, use = Walker(), RunAnalysis(AnalysisSettings()), Use()
    check = FilmCheck(use)
    times_s = np.arange(100) / 30
    motion = Motion(times_s, np.stack([walker.joints_m(float(t_s)) for t_s in times_s]))
    poses = enumerate(project_motion(motion, VirtualCamera(View.FRONT)))
    for outcome in check.watch(analysis.step(pose.t_s, pose, COVERED if n < covered else None) for n, pose in poses):
        use.add(outcome)
    check.tell("a.mp4", [{"quality": 0.2}] * 6)
    assert caplog.messages[0].startswith(f"a.mp4: 6 of 6 stances are of no use: {said}")


def test_video_of_five_frames_per_second(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(_video(tmp_path / "slow.mp4", 5.0))]) == 2
    assert "5.0 frames per second are too few" in _one_line(capsys)


class Paused(VideoSource):
    """A film in whose times there is a pause of a minute after three seconds."""

    @property
    def fps(self) -> float:
        return 7.5

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        for frame in super().frames(stop):
            yield replace(frame, t_ns=frame.t_ns + 60_000_000_000 * (frame.index >= 90))


def test_a_film_with_a_pause_in_its_times_is_not_slow(demo_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.replay.VideoSource", Paused)
    document, fault = replay_file(demo_clip, Config(), ReplayOptions())
    assert document["fps"] == pytest.approx(30.0, abs=0.01)
    assert len(document["stances"]) > 40
    assert fault is None


def test_result_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = _video(tmp_path / "nobody.mp4", 30.0)
    assert main(["replay", str(video), "--json", str(tmp_path / "no" / "folder.json")]) == 2
    assert "cannot be written" in _one_line(capsys)


def test_truth_that_is_none(tmp_path: Path, demo_clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "truth.json").write_text("[]")
    assert main(["replay", str(demo_clip), "--truth", str(tmp_path / "truth.json")]) == 2
    assert "not a truth file" in _one_line(capsys)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"foot_strikes": [1.0]}, "foot_strikes must be times in seconds for left and right"),
        ({"toe_offs": None}, "toe_offs must be times in seconds for left and right"),
        ({"toe_offs": {"left": [], "right": ["1.0"]}}, "toe_offs must be times in seconds for left and right"),
        ({"stances": [{}]}, "stances[0]: side must be left or right"),
        ({"stances": [{"side": "left", "strike_s": 1}]}, "stances[0]: toeoff_s must be a number"),
        ({"stances": [7]}, "stances[0] must have names and values"),
        ({"stances": {}}, "stances must be a list"),
        ({"n_frames": None}, "n_frames must be a number above 0"),
        ({"fps": 0}, "fps must be a number above 0"),
        ({"cadence_spm": "168"}, "cadence_spm must be a number or null"),
        ({"cadence_spm": float("nan")}, "cadence_spm must be a number or null"),
        ({"runner_interval_s": [1]}, "runner_interval_s must be two times in seconds"),
        ({"stances": [], "reps": [{"start_s": 1}]}, "it has no stances, for its clip is one of a squat or step-down"),
    ],
)
def test_truth_of_another_form_is_told_before_the_work(
    tmp_path: Path,
    demo_clip: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, Any],
    said: str,
) -> None:
    monkeypatch.setattr("device.replay.replay_file", lambda *_: pytest.fail("no work may be begun"))
    truth = json.loads(demo_clip.with_suffix(".json").read_text("utf-8"))
    (tmp_path / "truth.json").write_text(json.dumps(truth | changed))
    assert main(["replay", str(demo_clip), "--truth", str(tmp_path / "truth.json")]) == 2
    assert f"truth.json: {said}: give the JSON that belongs to the clip" in _one_line(capsys)


def test_nothing_that_could_be_compared_is_not_told_as_a_number(demo_clip: Path, document: dict[str, Any]) -> None:
    truth = load_truth(demo_clip.with_suffix(".json"), "run")
    nothing = document | {"stances": [], "cues": [], "summary": {"cadence_spm": None}}
    lines = compare(nothing, truth).lines()
    assert not any("nan" in line for line in lines)
    assert lines[0] == "cadence: not measured, or not told"
    assert lines[1] == "strikes: 52 true, 52 missed, 0 invented"


def test_wrong_settings_are_all_told(tmp_path: Path, demo_clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[camera]\nfps = 240\nhight = 480\n")
    assert main(["replay", str(demo_clip), "--config", str(config)]) == 2
    told = capsys.readouterr().err
    assert "fps = 240: must be 10 to 120" in told
    assert "did you mean height?" in told


def test_height_adds_centimetres_and_nothing_else_about_the_steps(
    tmp_path: Path, demo_clip: Path, document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tall.json"
    assert main(["replay", str(demo_clip), "--height", "185", "--json", str(path)]) == 0
    tall: dict[str, Any] = json.loads(path.read_text("utf-8"))
    assert tall["height_cm"] == 185
    assert len(tall["stances"]) == len(document["stances"])
    width = tall["summary"]["left"]["step_width_leg"]["mean"]
    assert tall["summary"]["left"]["step_width_cm"]["mean"] == pytest.approx(0.491 * 185 * width, abs=0.01)
    with pytest.raises(SystemExit):
        main(["replay", str(demo_clip), "--height", "1.85"])
    assert "must be a whole number from 100 to 230" in capsys.readouterr().err


def test_pictures_that_are_stamped_alike_or_in_the_wrong_order_stop_nothing(demo_clip: Path) -> None:
    pipeline = Pipeline(open_model_for_file(Config(), 30.0), AnalysisSettings())
    with VideoSource(demo_clip) as source:
        frames = list(itertools.islice(source.frames(threading.Event()), 12))
    stamps_ms = [0, 0, 33, 67, 67, 67, 133, 100, 167, 200, 200, 267]
    times_s = [pipeline.step(replace(f, t_ns=ms * 1_000_000)).t_s for f, ms in zip(frames, stamps_ms, strict=True)]
    assert np.diff(times_s).min() > 0
    assert (times_s[0], times_s[-1]) == (0.0, 0.267)


@pytest.mark.parametrize("fps", [15.0, 29.97, 30.0, 59.94, 120.0, 240.0])
def test_rate_is_that_of_the_film_in_whole_milliseconds_and_with_lost_pictures(fps: float) -> None:
    times_s = np.arange(601) / fps
    assert usual_fps(times_s.tolist()) == pytest.approx(fps, abs=1e-6)
    whole_ms = np.round(times_s, 3)  # as Matroska, WebM, FLV and ASF have them
    assert usual_fps(whole_ms.tolist()) == pytest.approx(fps, rel=5e-4)
    kept = np.random.default_rng(1).random(601) > 0.1
    assert usual_fps(whole_ms[kept].tolist()) == pytest.approx(fps, rel=5e-3)
    assert usual_fps([]) == usual_fps([1.0]) == 0.0


def test_rate_where_as_many_pictures_are_far_apart_as_near() -> None:
    """Half of them, each after two that are lost: the middle of both steps is near none."""
    assert usual_fps([0.0, *np.cumsum([0.033, 0.1] * 10)]) == pytest.approx(30.3, abs=0.01)
    assert usual_fps([0.0, 0.02, 1.0]) == pytest.approx(50.0)


@pytest.mark.parametrize(("burst", "step_s"), [(2, 0.005), (3, 0.005), (5, 0.003)])
def test_rate_where_pictures_are_stamped_in_bursts(burst: int, step_s: float) -> None:
    times_s = [burst * (n // burst) / 30 + step_s * (n % burst) for n in range(420)]
    assert usual_fps(times_s) == pytest.approx(30.0, rel=0.01)
    paused_s = [t_s + 60.0 * (t_s > 5.0) for t_s in times_s]
    assert usual_fps(paused_s) == pytest.approx(30.0, rel=0.01)


class InPairs(VideoSource):
    """A film whose pictures are stamped two by two, as they arrived."""

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        for frame in super().frames(stop):
            yield replace(frame, t_ns=frame.index // 2 * 66_666_667 + frame.index % 2 * 5_000_000)


def test_uneven_times_are_told_with_the_remedy_and_bend_no_peak(
    demo_clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, document: dict[str, Any]
) -> None:
    monkeypatch.setattr("device.replay.VideoSource", InPairs)
    uneven, _ = replay_file(demo_clip, Config(), ReplayOptions())
    (said,) = warned(caplog)
    assert said.startswith("demo_front.mp4: uneven times: ")
    assert "-vf setpts=N/30/TB -r 30" in said
    assert uneven["fps"] == pytest.approx(30.0, abs=0.3)
    hips, true_hips = (one["summary"]["left"]["hip_adduction_deg"]["mean"] for one in (uneven, document))
    assert hips == pytest.approx(true_hips, abs=0.7)


def test_who_is_in_sight_for_weeks_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.replay._KEPT_TIMES", 100)
    analysis, recorder = RunAnalysis(AnalysisSettings()), Recorder()
    for n in range(300):
        recorder.add(analysis.step(n / 30, None))
    assert (recorder.frames, recorder.last_s) == (300, 299 / 30)
    assert recorder.fps == pytest.approx(30.0)
    assert len(recorder._times_s) == 100


def _turns(
    *parts: tuple[float, View], schedule: tuple[tuple[float, float], ...] = ((0.0, 170.0),)
) -> dict[str, Any]:
    """The document of a runner who is seen from each view until then (seconds)."""
    walker = Walker(schedule=schedule, speed_m_s=3.0)
    times_s = np.arange(0.0, parts[-1][0], 1 / 30)
    motion = Motion(times_s, np.stack([walker.joints_m(float(t_s)) for t_s in times_s]))
    shown = [(until_s, list(project_motion(motion, VirtualCamera(view, yaw_deg=4.0)))) for until_s, view in parts]
    place = CameraPlace(MOTION_CAPTURE, VirtualCamera(View.FRONT).vfov_deg)
    analysis = RunAnalysis(AnalysisSettings(model=MOTION_CAPTURE), place)
    seen = (next(poses[i] for until_s, poses in shown if t_s < until_s) for i, t_s in enumerate(times_s))
    return session_document("x", "run", MOTION_CAPTURE, place, (analysis.step(pose.t_s, pose) for pose in seen))


@pytest.mark.parametrize("last", [View.SIDE, View.REAR])
def test_view_and_camera_are_those_of_the_run_however_its_end_is_seen(last: View) -> None:
    document = _turns((12.0, View.FRONT), (14.5, last))
    assert document["view"] == "front"
    assert document["camera"]["state"] == "good"
    assert document["camera"]["yaw_deg"] == pytest.approx(4.0, abs=2.0)
    assert document["summary"]["left"]["fppa_deg"]["mean"] is not None
    assert "fppa_deg" not in document["summary"]["unavailable"]


def test_a_run_seen_from_two_sides_claims_what_each_shows_and_calls_none_of_it_unavailable() -> None:
    document = _turns((12.0, View.FRONT), (22.0, View.SIDE))
    summary = document["summary"]
    assert document["view"] == "front"
    for key in ("fppa_deg", "hip_extension_deg"):
        assert summary["left"][key]["mean"] is not None
        assert summary["left"][key]["uncertainty"] is not None
        assert key not in summary["unavailable"]


def test_who_walks_up_from_the_side_and_turns_is_seen_from_where_they_run() -> None:
    assert _turns((3.0, View.SIDE), (12.0, View.REAR))["view"] == "rear"


@pytest.mark.parametrize(
    ("schedule", "parts", "told"),
    [
        (((0.0, 0.0), (5.0, 170.0)), [(17.0, View.REAR)], True),
        (((0.0, 170.0), (12.0, 0.0)), [(20.0, View.REAR)], False),
        (((0.0, 0.0), (5.0, 170.0)), [(5.0, View.FRONT), (17.0, View.REAR)], False),
        (((0.0, 0.0), (5.0, 170.0), (17.0, 0.0)), [(17.0, View.REAR), (25.0, View.FRONT)], True),
    ],
)
def test_standing_is_told_where_the_stances_go_by_it(
    schedule: tuple[tuple[float, float], ...], parts: list[tuple[float, View]], told: bool
) -> None:
    """Who stands still when they have run, or faced the camera before they ran with their back to it, tells nothing."""
    document = _turns(*parts, schedule=schedule)
    assert document["view"] == "rear"
    assert document["summary"]["left"]["pelvic_drop_deg"]["mean"] is not None
    standing = document["summary"]["standing"]
    assert (standing is not None) is told
    assert standing is None or standing["t_s"] < 6.0


@pytest.mark.parametrize(
    ("rest_s", "stood", "left_deg", "right_deg"),
    [
        ((5.0, 9.0), True, 0.0, 10.0),  # stood early: most steps are held against standing
        ((18.0, 22.0), False, 5.0, 5.0),  # stood late: too few steps are left
    ],
)
def test_who_rests_amid_a_run_has_one_pelvis_before_and_after(
    rest_s: tuple[float, float], stood: bool, left_deg: float, right_deg: float
) -> None:
    """The pelvis drops by 10° in every step of the right foot. Before the rest nobody has stood still."""
    walker = Walker(((0.0, 170.0), (rest_s[0], 0.0), (rest_s[1], 170.0)))
    end_s = rest_s[1] + (12.0 if stood else 4.0)
    times_s = np.arange(0.0, end_s, 1 / 30)
    strikes = sorted((at_s, side) for side in Side for at_s in walker.strikes_s(side, end_s))
    xyz_m = np.stack([walker.joints_m(float(t_s)) for t_s in times_s])
    for t_s, joints in zip(times_s, xyz_m, strict=True):
        last = max((one for one in strikes if one[0] <= t_s), default=None)
        if last is not None and last[1] is Side.RIGHT and not rest_s[0] + 0.3 < t_s < rest_s[1]:
            joints[[Joint.LEFT_HIP, Joint.RIGHT_HIP], 1] += np.array([-0.1, 0.1]) * np.tan(np.radians(10.0))
    place = CameraPlace(MOTION_CAPTURE, VirtualCamera(View.FRONT).vfov_deg)
    analysis = RunAnalysis(AnalysisSettings(View.FRONT, model=MOTION_CAPTURE), place)
    seen = project_motion(Motion(times_s, xyz_m), VirtualCamera(View.FRONT))
    document = session_document("x", "run", MOTION_CAPTURE, place, (analysis.step(pose.t_s, pose) for pose in seen))
    summary = document["summary"]
    assert (summary["standing"] is not None) is stood
    for side, true_deg in (("left", left_deg), ("right", right_deg)):
        drop = summary[side]["pelvic_drop_deg"]
        assert drop["mean"] == pytest.approx(true_deg, abs=1.0)
        assert drop["sd"] < 1.5
        measured = [one for one in document["stances"] if one["side"] == side and one["pelvic_drop_deg"] is not None]
        assert len(measured) > drop["n"], "the stances keep what was measured"
        assert summarise_stored(document)[side]["pelvic_drop_deg"] == drop, "so it is after a power cut, too"
        lines = csv.DictReader(io.StringIO(session_csv(document)))
        told = [line["pelvic_drop_deg"] for line in lines if line["side"] == side and line["counts"] == "1"]
        assert np.mean([float(value) for value in told if value]) == pytest.approx(drop["mean"], abs=1e-4)
