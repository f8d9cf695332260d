"""How often the knee cue is right, and when it comes: writes the tables of model/coach.md.

    python tests/validation/coach_table.py [--keypoints DIR] [--minutes N]

Over all running clips with truth that stand in the shared data, through both models, with the camera found in the clip,
with the camera known from an earlier session, and with the runner's own baseline. Then a soak: N minutes (default 60)
of aligned running, motion capture with the pose model's measured noise from cameras at many places, each for a session
of 10 minutes, and the aligned clips again and again. Keypoints are kept in DIR, so that a second run is quick.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median, stdev

import numpy as np

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))

from device.mocap import read_motion  # noqa: E402
from model.analysis import AnalysisSettings, Outcome, RunAnalysis  # noqa: E402
from model.camera_pose import CameraPose  # noqa: E402
from model.coach import KNEE, MIN_BASELINE, Baseline, Cue  # noqa: E402
from model.place import CameraPlace  # noqa: E402
from model.pose import Pose, Side, View  # noqa: E402
from model.runtime import ModelName  # noqa: E402
from model.virtual_camera import Motion, VirtualCamera, project_motion  # noqa: E402
from tests.conftest import shared_data  # noqa: E402
from tests.validation.camera_table import clip_poses  # noqa: E402
from tests.validation.document import fill  # noqa: E402

DOCUMENT = REPO / "model" / "coach.md"
MODELS: tuple[ModelName, ...] = ("lightning", "thunder")
DIVE_DEG = 9.9
_SESSION_S = 600.0
_SEED = 12
Baselines = Mapping[tuple[Side, str], Baseline]


@dataclass(frozen=True, slots=True)
class TrueStance:
    """One stance of a rendered runner: when, and how much of a dive was put in."""

    side: Side
    strike_s: float
    mid_s: float
    toe_off_s: float
    dive_deg: float


@dataclass(frozen=True, slots=True)
class Clip:
    """A rendered runner through one pose model."""

    name: str
    model: str
    view: View
    poses: Sequence[Pose]
    truth: Sequence[TrueStance]


@dataclass(slots=True)
class Run:
    """What the analysis made of a clip."""

    clip: Clip
    camera: CameraPose
    cues: list[Cue] = field(default_factory=list)
    #: Sides and times at which a stance was judged, with the value.
    judged: list[tuple[Side, float, float, str]] = field(default_factory=list)

    def cue_of(self, stance: TrueStance) -> Cue | None:
        return next((cue for cue in self.cues if _belongs(cue.side, cue.t_s, stance)), None)

    def is_judged(self, stance: TrueStance) -> bool:
        return any(_belongs(side, t_s, stance) for side, t_s, _, _ in self.judged)


def _belongs(side: Side, t_s: float, stance: TrueStance) -> bool:
    return side is stance.side and stance.strike_s <= t_s <= stance.toe_off_s + 0.1


def clips(data: Path, keypoints: Path) -> Iterator[Clip]:
    for path in sorted((data / "clips").glob("*.json")):
        truth = json.loads(path.read_text("utf-8"))
        if not truth["stances"] or not View(truth["view"]).frontal:
            continue
        stances = [
            TrueStance(Side(s["side"]), s["strike_s"], s["mid_s"], s["toeoff_s"], s["valgus_added_deg"])
            for s in truth["stances"]
        ]
        for model in MODELS:
            poses = clip_poses(path.with_suffix(".mp4"), model, keypoints)
            yield Clip(path.stem, model, View(truth["view"]), poses, stances)


def run(clip: Clip, known: CameraPose | None = None, baselines: Baselines | None = None) -> Run:
    """The clip as one session."""
    place = CameraPlace(clip.model, known=known)
    analysis = RunAnalysis(AnalysisSettings(model=clip.model), place)
    if baselines is not None:
        analysis.coach.know(baselines, measure=False, schedule=None)
    found = Run(clip, place.camera)
    before: dict[Side, object] = dict.fromkeys(Side)
    for pose in clip.poses:
        outcome = analysis.step(pose.t_s, pose)
        found.cues += outcome.cues
        _note_judged(outcome, before, found)
    found.camera = place.camera
    return found


def _note_judged(outcome: Outcome, before: dict[Side, object], found: Run) -> None:
    for side, verdict in outcome.coach.verdicts.items():
        if verdict is not None and verdict is not before[side]:
            found.judged.append((side, outcome.t_s, verdict.value, verdict.target.metric))
        before[side] = verdict


def own_baselines(judged: Run) -> Baselines:
    """Baselines of the aligned stances of the same clip: all that there are, for want of a longer one."""
    held: dict[tuple[Side, str], list[float]] = {}
    for side, t_s, value, metric in judged.judged:
        stance = next((s for s in judged.clip.truth if _belongs(side, t_s, s)), None)
        if stance is not None and stance.dive_deg == 0 and metric == KNEE:
            held.setdefault((side, metric), []).append(value)
    return {key: Baseline(fmean(v), stdev(v), MIN_BASELINE) for key, v in held.items() if len(v) >= 4}


def clip_table(runs: Sequence[Run]) -> list[str]:
    lines = [
        "| clip, model | view | camera | aligned stances: false cues | dives ≥ 10°: cued / judged / all | recall | "
        "precision | after mid-stance, ms: median, last |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(f"{one.clip.name}, {one.clip.model}", str(one.clip.view), [one]) for one in runs),
    ]
    for view in (View.FRONT, View.REAR):
        for model in MODELS:
            some = [one for one in runs if one.clip.view is view and one.clip.model == model]
            lines.append(_row(f"**all, {model}**", str(view), some))
    return lines


def _row(name: str, view: str, runs: Sequence[Run]) -> str:
    aligned = [(one, s) for one in runs for s in one.clip.truth if s.dive_deg == 0 and one.is_judged(s)]
    dives = [(one, s) for one in runs for s in one.clip.truth if s.dive_deg >= DIVE_DEG]
    judged = [(one, s) for one, s in dives if one.is_judged(s)]
    right = [(cue, s) for one, s in judged if (cue := one.cue_of(s)) is not None]
    false = sum(one.cue_of(s) is not None for one, s in aligned)
    delays_ms = [1e3 * (cue.t_s - s.mid_s) for cue, s in right]
    delay = f"{median(delays_ms):.0f}, {max(delays_ms):.0f}" if delays_ms else "–"
    recall = f"{len(right) / len(judged):.2f}" if judged else "–"
    precision = f"{len(right) / (len(right) + false):.2f}" if right or false else "–"
    camera = runs[0].camera.state if len(runs) == 1 else ""
    return (
        f"| {name} | {view} | {camera} | {false} of {len(aligned)} | {len(right)} / {len(judged)} / {len(dives)} | "
        f"{recall} | {precision} | {delay} |"
    )


def noise_table(runs: Sequence[Run]) -> list[str]:
    """SD of what is judged in aligned stances, by model and view."""
    lines = ["| model, view | SD of aligned stances, mean over clips and sides | largest |", "|---|---|---|"]
    for model in MODELS:
        for view in (View.FRONT, View.REAR):
            spreads = []
            for one in (r for r in runs if r.clip.model == model and r.clip.view is view):
                for side in Side:
                    values = [
                        value
                        for s in one.clip.truth
                        if s.dive_deg == 0 and s.side is side
                        for at, t_s, value, metric in one.judged
                        if metric == KNEE and _belongs(at, t_s, s)
                    ]
                    spreads += [stdev(values)] if len(values) >= 5 else []
            lines.append(f"| {model}, {view} | {fmean(spreads):.1f}° | {max(spreads):.1f}° |")
    return lines


# --- soak ------------------------------------------------------------------------------------------------------------


def endless(motion: Motion, period_s: float, seconds: float) -> Motion:
    """``motion`` over and over, a whole number of strides at a time."""
    step_s = float(np.median(np.diff(motion.t_s)))
    length = round(period_s / step_s)
    count = int(seconds / (length * step_s)) + 1
    xyz_m = np.concatenate([motion.xyz_m[:length]] * count)
    return Motion(np.arange(len(xyz_m), dtype=np.float64) * step_s, xyz_m.astype(np.float64))


def strides_s(path: Path, strides: int) -> float:
    with np.load(path) as held:
        strikes = held["left_strike_s"]
    return float(strikes[strides] - strikes[0])


@dataclass(frozen=True, slots=True)
class Soak:
    """Aligned running without end."""

    name: str
    minutes: float
    judged: int
    false: int
    camera: str


def soak_sessions(data: Path, minutes: float) -> Iterator[tuple[VirtualCamera, Sequence[Pose]]]:
    """Sessions of motion capture from cameras at random places, each with noise of its own."""
    path = data / "mocap" / "run_s02.npz"
    motion = read_motion(path)
    long = endless(motion, strides_s(path, 10), _SESSION_S)
    rng = np.random.default_rng(_SEED)
    for n in range(round(minutes * 60 / _SESSION_S)):
        yaw, height, distance, offset, roll = rng.uniform([-8, 0.9, 2.6, -0.2, -2], [8, 1.5, 3.4, 0.2, 2]).tolist()
        view = View.FRONT if n % 2 == 0 else View.REAR
        camera = VirtualCamera(view, yaw, height_m=height, distance_m=distance, offset_m=offset, roll_deg=roll)
        yield camera, list(project_motion(long, camera, noise="measured", seed=100 * _SEED + n))


def soak_capture(data: Path, minutes: float, baseline: bool) -> list[Soak]:
    """False cues of aligned motion capture: with the fixed threshold, or with a baseline measured in the session."""
    found = []
    for camera, poses in soak_sessions(data, minutes):
        place = CameraPlace("mocap-measured", vfov_deg=camera.vfov_deg)
        analysis = RunAnalysis(AnalysisSettings(view=camera.view, model="mocap-measured"), place)
        if baseline:
            analysis.coach.know({}, measure=True, schedule=None)
        false = judged = 0
        before: dict[Side, object] = dict.fromkeys(Side)
        for pose in poses:
            outcome = analysis.step(pose.t_s, pose)
            false += len(outcome.cues)
            for side, verdict in outcome.coach.verdicts.items():
                judged += verdict is not None and verdict is not before[side]
                before[side] = verdict
        azimuth = camera.yaw_deg + np.degrees(np.arctan2(camera.offset_m, camera.distance_m))
        name = f"{camera.view}, azimuth {azimuth:+.0f}°"
        found.append(Soak(name, poses[-1].t_s / 60, judged, false, place.camera.state))
    return found


def soak_clips(runs: Sequence[Run], all_clips: Sequence[Clip], minutes: float) -> list[Soak]:
    """Aligned clips again and again in one session for each: what MoveNet really sees, at its own length."""
    found = []
    known = {(one.clip.name, one.clip.model): one.camera for one in runs}
    for clip in all_clips:
        if any(s.dive_deg for s in clip.truth):
            continue
        place = CameraPlace(clip.model, known=known[clip.name, clip.model])
        analysis = RunAnalysis(AnalysisSettings(model=clip.model), place)
        start_s, false, judged = 0.0, 0, 0
        before: dict[Side, object] = dict.fromkeys(Side)
        while start_s < minutes * 60:
            for pose in clip.poses:
                moved = Pose(start_s + pose.t_s, pose.xy_px, pose.score, pose.image_size_px)
                outcome = analysis.step(moved.t_s, moved)
                false += len(outcome.cues)
                for side, verdict in outcome.coach.verdicts.items():
                    judged += verdict is not None and verdict is not before[side]
                    before[side] = verdict
            start_s += clip.poses[-1].t_s + 0.6
        found.append(Soak(f"{clip.name}, {clip.model}", start_s / 60, judged, false, place.camera.state))
    return found


def soak_table(soaks: Sequence[Soak]) -> list[str]:
    lines = ["| what | camera | minutes | stances judged | false cues |", "|---|---|---|---|---|"]
    lines += [f"| {s.name} | {s.camera} | {s.minutes:.0f} | {s.judged} | {s.false} |" for s in soaks]
    minutes, judged, false = (sum(getattr(s, key) for s in soaks) for key in ("minutes", "judged", "false"))
    lines.append(f"| **all** | | {minutes:.0f} | {judged} | {false} ({10 * false / minutes:.2f} in 10 minutes) |")
    return lines


def tables(data: Path, keypoints: Path, minutes: float) -> str:
    all_clips = list(clips(data, keypoints))
    alone = [run(clip) for clip in all_clips]
    given = [run(one.clip, one.camera) for one in alone]
    based = [run(one.clip, one.camera, own_baselines(one)) for one in given]
    text = ["### Fixed threshold, camera found in the clip\n", *clip_table(alone)]
    text += ["\n### Fixed threshold, camera known from an earlier session\n", *clip_table(given)]
    text += ["\n### Own baseline (of the clip's aligned stances), camera known\n", *clip_table(based)]
    text += ["\n### Noise of one stance\n", *noise_table(given)]
    if minutes > 0:
        text += [
            "\n### Soak: motion capture with noise, fixed threshold\n",
            *soak_table(soak_capture(data, minutes, False)),
        ]
        text += [
            "\n### Soak: motion capture with noise, own baseline\n",
            *soak_table(soak_capture(data, minutes, True)),
        ]
        text += [
            "\n### Soak: aligned clips in a loop, fixed threshold\n",
            *soak_table(soak_clips(given, all_clips, 10.0)),
        ]
    return "\n".join(text)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keypoints", type=Path, default=Path(tempfile.gettempdir()) / "kneeline-keypoints")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the soak; 0: no soak")
    arguments = parser.parse_args(argv)
    data = shared_data()
    if data is None:
        print("the shared clips are not here: name their folder in $KNEELINE_SHARED", file=sys.stderr)
        return 2
    arguments.keypoints.mkdir(parents=True, exist_ok=True)
    text = tables(data, arguments.keypoints, arguments.minutes)
    print(text)
    fill(DOCUMENT, __file__, f"\n{text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
