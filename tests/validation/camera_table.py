"""How well the camera's place is found and taken out: writes the tables of model/camera_pose.md.

    python tests/validation/camera_table.py [--keypoints DIR]

Over all running clips with truth that stand in the shared data, through MoveNet; and over motion capture and the clips'
own joints projected into virtual cameras in front and behind at yaw −20 to 20°, height 0.8 to 1.6 m, distance 2.5 to
3.5 m, offset ±0.5 m, roll ±3°. Keypoints are kept in DIR, so that a second run is quick.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))

from device.mocap import read_motion  # noqa: E402
from model import kinematics as k  # noqa: E402
from model.bias import bias_of  # noqa: E402
from model.camera_pose import CameraPose, CameraPoseEstimator  # noqa: E402
from model.frontal import FrontalPlane, fppa_uncertainty_deg  # noqa: E402
from model.gait import GaitDetector  # noqa: E402
from model.looks import MAX_GAP_S, evened  # noqa: E402
from model.pose import LEGS, FloatArray, Pose, Side, View  # noqa: E402
from model.runtime import ModelName  # noqa: E402
from model.stance import mid_window  # noqa: E402
from model.standing import LEG_PER_HEIGHT  # noqa: E402
from model.virtual_camera import Motion, Noise, VirtualCamera, project_motion  # noqa: E402
from tests.conftest import shared_data  # noqa: E402
from tests.validation.document import fill, spread  # noqa: E402
from tests.validation.keypoints import kept, see  # noqa: E402

DOCUMENT = REPO / "model" / "camera_pose.md"
THRESHOLD_DEG, DIVE_DEG = 8.0, 10.0
MODELS: tuple[ModelName, ...] = ("lightning", "thunder")
_SAME_STANCE_S = 0.15
_SAMPLED_CAMERAS, _SEED = 24, 5
#: Columns of `Result.rows`: 1 for the right side, FPPA found, FPPA in the picture, truth, dive put in.
_RIGHT, _FOUND, _IMAGE, _TRUE, _DIVE = range(5)


@dataclass(frozen=True, slots=True)
class TrueStance:
    """What a stance truly was: FPPA in the frontal plane at its middle, and how much of that is dive put in."""

    side: Side
    strike_s: float
    fppa_deg: float
    dive_deg: float


@dataclass(frozen=True, slots=True)
class Case:
    """One recording from one camera. ``model`` is None for joints that no pose model saw."""

    name: str
    poses: Sequence[Pose]
    truth: Sequence[TrueStance]
    view: View
    yaw_deg: float
    azimuth_deg: float
    focal_px: float
    belt_m_s: float
    height_m: float
    camera_m: float
    model: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of a case; a row for each stance that came when the camera was known and usable."""

    case: Case
    camera: CameraPose
    rows: FloatArray

    @property
    def yaw_error_deg(self) -> float:
        return math.nan if self.camera.yaw_deg is None else self.camera.yaw_deg - self.case.yaw_deg

    def _aligned(self, side: Side) -> FloatArray:
        """Rows of a side without a dive."""
        mine: FloatArray = self.rows[(self.rows[:, _RIGHT] == (side is Side.RIGHT)) & (self.rows[:, _DIVE] == 0)]
        return mine

    def aligned_error_deg(self, side: Side, column: int = _FOUND) -> float:
        mine = self._aligned(side)
        return float((mine[:, column] - mine[:, _TRUE]).mean()) if len(mine) else math.nan

    def uncertainty_deg(self, side: Side) -> float:
        """What is said of the mean aligned FPPA of a side: SD."""
        mine = self._aligned(side)
        if not len(mine):
            return math.nan
        seen_by_model = bias_of(self.case.model, self.case.view).surface is not None
        return fppa_uncertainty_deg(self.camera, side, float(mine[:, _FOUND].mean()), seen_by_model)

    def over_threshold(self, dives: bool) -> tuple[int, int]:
        """Stances over the cue's threshold, and all: of those with a whole dive, or with none."""
        taken = self.rows[self.rows[:, _DIVE] > DIVE_DEG - 2] if dives else self.rows[self.rows[:, _DIVE] == 0]
        return int((taken[:, _FOUND] > THRESHOLD_DEG).sum()), len(taken)


@dataclass(frozen=True, slots=True)
class Told:
    """What the estimator is told beforehand: belt and runner's height; the camera's height; nothing."""

    belt: Result
    camera: Result
    nothing: Result


def evaluate(case: Case) -> Told:
    """Results by what is told."""
    found = list(stances(case.poses, case.view))
    return Told(
        _run(case, found, case.belt_m_s, case.height_m), _run(case, found, camera_m=case.camera_m), _run(case, found)
    )


def _run(
    case: Case,
    found: Sequence[tuple[Side, float, float]],
    belt_m_s: float | None = None,
    height: float | None = None,
    camera_m: float | None = None,
) -> Result:
    """Runs a case as the product would: every stance is judged by what was known of the camera before it."""
    size = case.poses[0].image_size_px
    model = case.model or "none"
    estimator = CameraPoseEstimator(case.view, size, case.focal_px, belt_m_s, height, camera_m, model)
    bias = bias_of(case.model, case.view)
    rows = []
    seen = 0
    for side, strike_s, toe_off_s in found:
        plane = FrontalPlane(estimator.current(), case.view, case.focal_px, size, bias.surface)
        around = [pose for pose in case.poses if strike_s - MAX_GAP_S <= pose.t_s <= toe_off_s + MAX_GAP_S]
        inside = [pose for pose in evened(around) if strike_s <= pose.t_s <= toe_off_s]
        seen = feed(estimator, case.poses, seen, toe_off_s)
        estimator.add_stance(side, strike_s, toe_off_s, inside)
        true = min(case.truth, key=lambda one: (one.side is not side, abs(one.strike_s - strike_s)))
        if not plane.camera.usable or abs(true.strike_s - strike_s) > _SAME_STANCE_S:
            continue
        t_s = np.array([pose.t_s for pose in inside])
        window = mid_window(t_s, (strike_s + toe_off_s) / 2)
        xy = np.stack([pose.xy_px for pose in inside])[window]
        phase = (t_s[window] - strike_s) / (toe_off_s - strike_s)
        fppa = float(np.median(bias.true_fppa_deg(plane.fppa_deg(xy, side, phase))))
        image = float(np.median(k.fppa_image_deg(xy, side)))
        rows.append([side is Side.RIGHT, fppa, image, true.fppa_deg, true.dive_deg])
    return Result(case, estimator.current(), np.array(rows, dtype=np.float64).reshape(-1, 5))


def feed(estimator: CameraPoseEstimator, poses: Sequence[Pose], first: int, until_s: float) -> int:
    """Gives the poses from number ``first`` to a time; returns the number of the next."""
    while first < len(poses) and poses[first].t_s <= until_s:
        estimator.step(poses[first])
        first += 1
    return first


def stances(poses: Sequence[Pose], view: View) -> Iterator[tuple[Side, float, float]]:
    """Side, strike and toe-off, as the product finds them."""
    gait = GaitDetector()
    strikes_s: dict[Side, float] = {}
    for pose in poses:
        for event in gait.step(pose, pose.t_s, view):
            if event.kind == "strike":
                strikes_s[event.side] = event.t_s
            elif event.side in strikes_s:
                yield event.side, strikes_s.pop(event.side), event.t_s


# --- clips -----------------------------------------------------------------------------------------------------------


def clip_cases(data: Path, keypoints: Path) -> Iterator[Case]:
    """Every running clip from in front or behind, through both models."""
    for path in sorted((data / "clips").glob("*.json")):
        truth = json.loads(path.read_text("utf-8"))
        if not truth["stances"] or not View(truth["view"]).frontal:
            continue
        camera = truth["camera"]
        yaw_deg = float(camera.get("yaw_deg", 0.0))
        x_m, left_m, _ = camera["position"]
        azimuth_deg = math.degrees(math.atan2(left_m, x_m) if x_m > 0 else math.atan2(-left_m, -x_m))
        for model in MODELS:
            yield Case(
                path.stem, clip_poses(path.with_suffix(".mp4"), model, keypoints),
                [TrueStance(Side(s["side"]), s["strike_s"], s["fppa_frontal3d_mid_deg"], s["valgus_added_deg"])
                 for s in truth["stances"]],
                View(truth["view"]), yaw_deg, azimuth_deg, camera["fy"], truth["belt_speed"],
                height_m(np.array([frame["xyz"] for frame in truth["frames"]], dtype=np.float64)),
                camera["position"][2], model,
            )  # fmt: skip


def clip_poses(video: Path, model: ModelName, keypoints: Path) -> list[Pose]:
    """What the pose model sees in a clip, from the cache where it is there."""
    return kept(keypoints / f"{video.stem}_{model}.npz", lambda: see(video, model))


# --- virtual cameras -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Runner:
    """A motion with its true stances."""

    name: str
    motion: Motion
    truth: Sequence[TrueStance]
    belt_m_s: float


def runners(data: Path) -> list[Runner]:
    """Motion capture, as it is and with dives put in, and two of the rendered runners."""
    path = data / "mocap" / "run_s02.npz"
    motion = read_motion(path)
    with np.load(path) as held:
        contacts = {side: _contacts(held[f"{side}_strike_s"], held[f"{side}_toe_off_s"]) for side in Side}
    dives = {Side.LEFT: (2.0, 9.0), Side.RIGHT: (99.0, 99.0)}
    found = [
        _captured("motion capture", motion, contacts, dict.fromkeys(Side, (99.0, 99.0))),
        _captured("motion capture, left dives", motion, contacts, dives),
    ]
    for name in ("demo_front", "dev_front_offset"):
        truth = json.loads((data / "clips" / f"{name}.json").read_text("utf-8"))
        xyz_m = np.array([frame["xyz"] for frame in truth["frames"]])[..., [0, 2, 1]] * [1.0, 1.0, -1.0]
        t_s = np.array([frame["t"] for frame in truth["frames"]])
        true = [
            TrueStance(Side(s["side"]), s["strike_s"], s["fppa_frontal3d_mid_deg"], s["valgus_added_deg"])
            for s in truth["stances"]
        ]
        found.append(Runner(f"joints of {name}", Motion(t_s, xyz_m), true, truth["belt_speed"]))
    return found


def _contacts(strikes_s: FloatArray, toe_offs_s: FloatArray) -> list[tuple[float, float]]:
    pairs = ((float(s), float(toe_offs_s[toe_offs_s > s].min(initial=math.inf))) for s in strikes_s)
    return [(strike_s, toe_off_s) for strike_s, toe_off_s in pairs if toe_off_s - strike_s < 0.5]


def _captured(
    name: str, motion: Motion, contacts: dict[Side, list[tuple[float, float]]], dives: dict[Side, tuple[float, float]]
) -> Runner:
    """Motion capture with the knee moved inward in the stances that begin between two times, so that FPPA grows."""
    xyz_m = motion.xyz_m.copy()
    truth = []
    for side, pairs in contacts.items():
        leg = LEGS[side]
        inward = 1.0 if side is Side.LEFT else -1.0
        for strike_s, toe_off_s in pairs:
            dive_deg = DIVE_DEG if dives[side][0] <= strike_s < dives[side][1] else 0.0
            near = np.clip(1.0 - np.maximum(strike_s - motion.t_s, motion.t_s - toe_off_s) / 0.1, 0.0, 1.0)
            thigh_m, shank_m = (
                np.abs(xyz_m[:, a, 1] - xyz_m[:, b, 1]) for a, b in ((leg.hip, leg.knee), (leg.knee, leg.ankle))
            )
            # A shift of the knee turns thigh and shank, each by its own length.
            per_m = np.median((1 / thigh_m + 1 / shank_m)[near == 1.0])
            xyz_m[:, leg.knee, 2] += inward * near * math.radians(dive_deg) / per_m
            middle = int(np.argmin(np.abs(motion.t_s - (strike_s + toe_off_s) / 2)))
            truth.append(TrueStance(side, strike_s, frontal_fppa_deg(xyz_m[middle], side), dive_deg))
    ankle = np.concatenate([_belt_m_s(motion, side, pairs) for side, pairs in contacts.items()])
    return Runner(name, Motion(motion.t_s, xyz_m), truth, float(np.median(ankle)))


def _belt_m_s(motion: Motion, side: Side, pairs: Sequence[tuple[float, float]]) -> FloatArray:
    speeds = []
    for strike_s, toe_off_s in pairs:
        middle = (strike_s + toe_off_s) / 2
        taken = np.abs(motion.t_s - middle + 0.03) < 0.05
        speeds.append(-np.polyfit(motion.t_s[taken], motion.xyz_m[taken, LEGS[side].ankle, 0], 1)[0])
    return np.array(speeds)


def height_m(xyz_m: FloatArray) -> float:
    """Of whoever has joints (n, 17, 3), by the length of their legs: what they would have typed in."""
    parts = [(leg.hip, leg.knee, leg.ankle) for leg in LEGS.values()]
    lengths = [np.linalg.norm(xyz_m[:, a] - xyz_m[:, b], axis=1) for leg in parts for a, b in pairwise(leg)]
    return float(np.median(lengths, axis=1).sum()) / len(parts) / LEG_PER_HEIGHT


def frontal_fppa_deg(xyz_m: FloatArray, side: Side) -> float:
    """FPPA of joints (17, 3) projected along the belt."""
    return float(k.fppa_image_deg(np.stack([xyz_m[:, 2], -xyz_m[:, 1]], axis=-1), side))


def cameras(view: View) -> list[VirtualCamera]:
    """A square camera, yaw alone, and cameras at random places of the range."""
    rng = np.random.default_rng(_SEED)
    along = [VirtualCamera(view, yaw_deg=float(yaw)) for yaw in range(-20, 21, 4)]
    low, high = np.array([-20.0, 0.8, 2.5, -0.5, -3.0]), np.array([20.0, 1.6, 3.5, 0.5, 3.0])
    drawn = rng.uniform(low, high, size=(_SAMPLED_CAMERAS, 5))
    return along + [
        VirtualCamera(view, yaw_deg=yaw, height_m=height, distance_m=distance, offset_m=offset, roll_deg=roll)
        for yaw, height, distance, offset, roll in drawn.tolist()
    ]


def virtual_cases(runner: Runner, noise: Noise) -> Iterator[Case]:
    for view in (View.FRONT, View.REAR):
        for n, camera in enumerate(cameras(view)):
            azimuth_deg = camera.yaw_deg + math.degrees(math.atan2(camera.offset_m, camera.distance_m))
            yield Case(
                runner.name, list(project_motion(runner.motion, camera, noise=noise, seed=n)), runner.truth, view,
                camera.yaw_deg, azimuth_deg, camera.focal_px, runner.belt_m_s,
                height_m(runner.motion.xyz_m), camera.height_m, None if noise == "none" else "mocap-measured",
            )  # fmt: skip


# --- tables ----------------------------------------------------------------------------------------------------------


def clip_table(results: Sequence[Told]) -> list[str]:
    lines = [
        "| clip, model | view | yaw | azimuth | yaw error: belt and runner's height told / camera's height / nothing "
        "| state | FPPA error aligned, L / R | left − right | in the picture, L / R | over 8°: aligned, dives |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for told in results:
        unknown = told.nothing
        case = unknown.case
        errors = " / ".join(f"{one.yaw_error_deg:+.1f}" for one in (told.belt, told.camera, unknown))
        left, right = (unknown.aligned_error_deg(side) for side in Side)
        image = [unknown.aligned_error_deg(side, _IMAGE) for side in Side]
        false, dives = (unknown.over_threshold(dives) for dives in (False, True))
        lines.append(
            f"| {case.name}, {case.model} | {case.view} | {case.yaw_deg:.0f} | {case.azimuth_deg:.0f} "
            f"| {errors} | {unknown.camera.state} "
            f"| {left:+.1f} / {right:+.1f} | {left - right:+.1f} | {image[0]:+.1f} / {image[1]:+.1f} "
            f"| {false[0]} of {false[1]}, {dives[0]} of {dives[1]} |"
        )
    return lines


_BANDS = ((0.0, 8.0), (8.0, 12.0), (12.0, 15.0), (15.0, 40.0))


def virtual_table(results: Sequence[Told], title: str) -> list[str]:
    lines = [
        f"\n**{title}**\n",
        "| azimuth | cameras | yaw error, belt and runner's height told: rms / worst | camera's height | nothing "
        "| wrong sign | good, approximate, refused, unknown "
        "| FPPA error aligned, per side: rms / worst, belt and height told | nothing "
        "| left − right: belt and height told | nothing | over 8°: aligned | dives |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for low, high in _BANDS:
        band = [told for told in results if low <= abs(told.nothing.case.azimuth_deg) < high]
        unknown = [told.nothing for told in band]
        every = [[told.belt for told in band], [told.camera for told in band], unknown]
        yaws = " | ".join(spread([r.yaw_error_deg for r in some]) for some in every)
        states = [sum(r.camera.state == s for r in unknown) for s in ("good", "approximate", "refused", "unknown")]
        flips = sum(_flipped(r) for some in every for r in some)
        errors = [[[r.aligned_error_deg(side) for side in Side] for r in some] for some in (every[0], unknown)]
        sides = " | ".join(spread([error for pair in some for error in pair]) for some in errors)
        apart = " | ".join(spread([left - right for left, right in some]) for some in errors)
        counts = [np.sum([r.over_threshold(dives) for r in unknown], axis=0) for dives in (False, True)]
        lines.append(
            f"| {low:.0f}–{high:.0f}° | {len(band)} | {yaws} | {flips} | {', '.join(map(str, states))} "
            f"| {sides} | {apart} | {_share(counts[0])} | {_share(counts[1])} |"
        )
    return lines


def uncertainty_table(groups: Mapping[str, Sequence[Result]]) -> list[str]:
    """Errors over the SDs that the product states for them, cameras up to 12° from aside."""
    lines = [
        "| | yaw: error over stated SD, rms | more than 2 SD off "
        "| FPPA of a side: error over stated SD, rms | more than 2 SD off |",
        "|---|---|---|---|---|",
    ]
    for name, results in groups.items():
        near = [r for r in results if abs(r.case.azimuth_deg) <= 12 and r.camera.usable]
        yaw = [r.yaw_error_deg / (r.camera.yaw_sd_deg or math.nan) for r in near]
        fppa = [r.aligned_error_deg(side) / r.uncertainty_deg(side) for r in near for side in Side]
        cells = " | ".join(f"{rms:.2f} | {beyond:.0%} of {n}" for rms, beyond, n in map(_covered, (yaw, fppa)))
        lines.append(f"| {name} | {cells} |")
    return lines


def _covered(ratios: Sequence[float]) -> tuple[float, float, int]:
    finite = np.array([ratio for ratio in ratios if math.isfinite(ratio)])
    return math.sqrt((finite**2).mean()), float((np.abs(finite) > 2).mean()), len(finite)


def _flipped(result: Result) -> bool:
    angles = result.camera.azimuth_left_deg, result.camera.azimuth_right_deg
    if angles[0] is None or angles[1] is None or abs(result.case.azimuth_deg) < 4:
        return False
    return (angles[0] + angles[1]) * result.case.azimuth_deg < 0


def _share(counts: FloatArray) -> str:
    return f"{counts[0] / counts[1]:.1%} of {counts[1]:.0f}" if counts[1] else "–"


_LEAKS: tuple[tuple[str, Callable[[FloatArray, Side], FloatArray]], ...] = (
    ("FPPA", k.fppa_image_deg),
    ("hip adduction", k.hip_adduction_deg),
    ("pelvic drop", k.pelvic_drop_deg),
    ("trunk side lean", k.trunk_lean_deg),
)


def leak_table(runner: Runner) -> list[str]:
    """Change of each metric at mid-stance per degree of azimuth: in the picture, and with the camera taken out."""
    lines = [
        "| per degree of azimuth | front: picture | taken out | rear: picture | taken out |",
        "|---|---|---|---|---|",
    ]
    for name, metric in _LEAKS:
        cells = [f"{slope:+.2f}" for view in (View.FRONT, View.REAR) for slope in _leak(runner, view, metric)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _leak(runner: Runner, view: View, metric: Callable[[FloatArray, Side], FloatArray]) -> tuple[float, float]:
    rows = []
    for yaw_deg in (-10.0, 10.0):
        camera = VirtualCamera(view, yaw_deg=yaw_deg)
        known = CameraPose(yaw_deg, 0.0, 0.0, camera.aim_deg, yaw_deg, yaw_deg, "given", "good")
        plane = FrontalPlane(known, view, camera.focal_px, camera.size_px)
        poses = list(project_motion(runner.motion, camera))
        t_s = np.array([pose.t_s for pose in poses])
        middles = [(s.side, poses[int(np.argmin(np.abs(t_s - s.strike_s - 0.12)))]) for s in runner.truth]
        for side, pose in middles:
            sign = math.copysign(1.0, yaw_deg) * (1.0 if side is Side.LEFT else -1.0)
            rows.append([sign * float(metric(xy, side)) for xy in (pose.xy_px, plane.rectify(pose.xy_px, side))])
    picture, taken_out = np.mean(rows, axis=0) / 10.0
    return float(picture), float(taken_out)


def cost_ms(case: Case) -> float:
    """Mean time per frame of finding the camera, and taking it out of every frame of stance."""
    found = [
        (side, strike_s, toe_off_s, [pose for pose in case.poses if strike_s <= pose.t_s <= toe_off_s])
        for side, strike_s, toe_off_s in stances(case.poses, case.view)
    ]
    estimator = CameraPoseEstimator(case.view, case.poses[0].image_size_px, case.focal_px)
    begun_s = time.process_time()
    seen = 0
    for side, strike_s, toe_off_s, inside in found:
        seen = feed(estimator, case.poses, seen, toe_off_s)
        estimator.add_stance(side, strike_s, toe_off_s, inside)
        plane = FrontalPlane(estimator.current(), case.view, case.focal_px, case.poses[0].image_size_px)
        for pose in inside:
            plane.fppa_deg(pose.xy_px, side)
    return (time.process_time() - begun_s) / len(case.poses) * 1e3


def tables(data: Path, keypoints: Path) -> str:
    clips = [evaluate(case) for case in clip_cases(data, keypoints)]
    text = ["### Rendered clips through MoveNet\n", *clip_table(clips), "\n### Virtual cameras"]
    said = {"rendered clips through MoveNet, nothing told": [told.nothing for told in clips]}
    people = runners(data)
    for noise in ("none", "measured"):
        for runner in people:
            results = [evaluate(case) for case in virtual_cases(runner, noise)]
            text += virtual_table(results, f"{runner.name}, noise {noise}")
            for what, some in (("belt and height told", "belt"), ("nothing told", "nothing")):
                said.setdefault(f"virtual cameras, noise {noise}, {what}", []).extend(
                    getattr(told, some) for told in results
                )
    text += ["\n### Is the stated uncertainty right?\n", *uncertainty_table(said)]
    text += ["\n### What leaks into each metric (motion capture, no noise)\n", *leak_table(people[0])]
    mean_ms = statistics.median(cost_ms(clips[0].nothing.case) for _ in range(9))
    text.append(f"\nCost on the machine that made these tables: {mean_ms:.3f} ms a frame in the mean.")
    return "\n".join(text)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keypoints", type=Path, default=Path(tempfile.gettempdir()) / "kneeline-keypoints")
    keypoints: Path = parser.parse_args(argv).keypoints
    keypoints.mkdir(parents=True, exist_ok=True)
    data = shared_data()
    if data is None:
        print("the shared clips are not here: set KNEELINE_SHARED", file=sys.stderr)
        return 2
    text = tables(data, keypoints)
    fill(DOCUMENT, __file__, text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
