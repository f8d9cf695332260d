"""Bodies that nothing was fitted on, through the whole pipeline: writes the tables of model/other_bodies.md.

    python tests/validation/bodies_table.py DIR

DIR holds the films and truths that `bodies/render.py` made. The lens is told; the belt's speed and the height are not,
but where other places of the camera are tried: there once with them and once without. What the pose models see in those
films is kept beside them, so that a second run is quicker.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))

from device.config import Config  # noqa: E402
from device.pipeline import analysis_settings  # noqa: E402
from device.replay import ReplayOptions, replay_file, session_document  # noqa: E402
from device.truth import EDGE_S, Comparison, belongs, compare, load_truth, paired_stances  # noqa: E402
from model.analysis import RunAnalysis  # noqa: E402
from model.metrics import METRICS, STANCE_METRICS  # noqa: E402
from model.place import CameraPlace  # noqa: E402
from model.pose import KEYPOINT_NAMES, FloatArray, Pose, Side, View  # noqa: E402
from model.runtime import ModelName  # noqa: E402
from tests.validation.document import fill, rendered, spread  # noqa: E402
from tests.validation.keypoints import kept  # noqa: E402
from tests.validation.keypoints import see as seen_poses  # noqa: E402
from tests.validation.validate import clip_truth, dive_seen, mean_errors  # noqa: E402

DOCUMENT = REPO / "model" / "other_bodies.md"
MODELS: tuple[ModelName, ...] = ("lightning", "thunder")
#: Fewer stances make no mean.
_STANCES = 3
#: Films of the same run with another alignment throughout, and with the light from elsewhere; of other cameras.
_BOWED, _LIT, _CAMERA = "bow_", "light_", "camera_"
#: So far from aside a camera may look; from here on nothing may be told.
_RANGE_DEG = 12.5
#: Dives of this size are to be cued.
_DIVE_DEG = 9.9


@dataclass(frozen=True, slots=True)
class Seen:
    """One film through one model."""

    truth: Mapping[str, Any]
    document: Mapping[str, Any]
    comparison: Comparison

    def stances(self, side: Side, found: str, true: str) -> FloatArray:
        """Found and true value of a side's stances, and the dive put in: (3, n)."""
        rows = [
            (f[found], t[true], t["valgus_added_deg"])
            for f, t in paired_stances(self.document, self.truth, side)
            if f[found] is not None
        ]
        return np.array(rows, dtype=np.float64).reshape(-1, 3).T

    def aligned(self, side: Side, found: str, true: str) -> FloatArray:
        """Found and true value of a side's stances without a dive: (2, n)."""
        values = self.stances(side, found, true)
        return values[:2, values[2] < 1]

    def error(self, side: Side, found: str, true: str) -> float:
        """Error of a side's mean without dives; NaN for too few stances."""
        seen, real = self.aligned(side, found, true)
        return float((seen - real).mean()) if len(seen) >= _STANCES else math.nan

    def aligned_error_deg(self, side: Side) -> float:
        return self.error(side, "fppa_deg", "fppa_frontal3d_mid_deg")

    @property
    def yaw_error_deg(self) -> float:
        yaw_deg = self.document["camera"]["yaw_deg"]
        return math.nan if yaw_deg is None else float(yaw_deg - self.truth["camera"]["yaw_deg"])

    @property
    def azimuth_deg(self) -> float:
        return azimuth_of(self.truth)

    @property
    def judged_dives(self) -> tuple[int, int, int]:
        """Dives cued, those that came when the camera's place was known, and all; both ends of the film left out."""
        dives = [
            (found["fppa_deg"] is not None, any(belongs(cue, true) for cue in self.document["cues"]))
            for side in Side
            for found, true in paired_stances(self.document, self.truth, side)
            if true["valgus_added_deg"] >= _DIVE_DEG
        ]
        return sum(cued for judged, cued in dives if judged), sum(judged for judged, _ in dives), len(dives)

    @property
    def false_cues(self) -> int:
        """Cues in stances without a dive; the film's end, where it cuts a stance, is left out."""
        end_s = self.truth["n_frames"] / self.truth["fps"] - EDGE_S
        dives = [one for one in self.truth["stances"] if one["valgus_added_deg"] > 0]
        cues = [cue for cue in self.document["cues"] if cue["t_s"] < end_s]
        return sum(not any(belongs(cue, dive) for dive in dives) for cue in cues)

    @property
    def dive_seen(self) -> float:
        """Share of the change from aligned to diving stances that is seen; NaN where no side has both."""
        shares = (dive_seen(*self.stances(side, "fppa_deg", "fppa_frontal3d_mid_deg"))[0] for side in Side)
        return next((share for share in shares if math.isfinite(share)), math.nan)


def azimuth_of(truth: Mapping[str, Any]) -> float:
    """From where a camera truly looks at the runner, degrees."""
    hips = [KEYPOINT_NAMES.index(f"{side}_hip") for side in Side]
    hip = np.array([frame["xyz"] for frame in truth["frames"]])[:, hips].mean((0, 1))
    facing = 1 if truth["view"] == View.FRONT else -1
    ahead_m, left_m = facing * (np.array(truth["camera"]["position"][:2]) - hip[:2])
    return math.degrees(math.atan2(left_m, ahead_m))


def see(film: Path, model: ModelName) -> Seen:
    truth = load_truth(film.with_suffix(".json"))
    document, _ = replay_file(film, Config(), ReplayOptions(model=model, vfov_deg=truth["camera"]["vfov_deg"]))
    return Seen(truth, document, compare(document, truth))


def see_told(film: Path, model: ModelName) -> tuple[Seen, Seen]:
    """The same with the belt's speed and the runner's height told, and without."""
    truth = load_truth(film.with_suffix(".json"))
    poses = kept(film.with_name(f"{film.stem}_{model}.npz"), lambda: seen_poses(film, model))
    return analysed(film.name, poses, truth, model, told=True), analysed(film.name, poses, truth, model, told=False)


def analysed(name: str, poses: Sequence[Pose], truth: Mapping[str, Any], model: str, told: bool) -> Seen:
    """Poses as a session of their own."""
    known = (truth["belt_speed"], truth["height_m"]) if told else (None, None)
    place = CameraPlace(model, truth["camera"]["vfov_deg"], *known)
    analysis = RunAnalysis(replace(analysis_settings(Config(), film=True), model=model), place)
    outcomes = (analysis.step(pose.t_s, pose) for pose in poses)
    document = session_document(name, "run", model, place, outcomes, film=True)
    return Seen(truth, document, compare(document, truth))


def cameras_table(seen: Mapping[tuple[str, str], tuple[Seen, Seen]]) -> list[str]:
    """Other places of the camera; of each pair the first with belt and height told, the second with nothing."""
    lines = [
        "| film, model | body, belt | camera: height, distance, roll | yaw, azimuth | yaw error: belt and height told "
        "/ nothing | state | FPPA error aligned, L / R: told | nothing | left − right | dives cued of judged of all, "
        "aligned cued: told | nothing |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (name, model), pair in seen.items():
        truth, camera = pair[0].truth, pair[0].truth["camera"]
        x_m, y_m, height_m = camera["position"]
        sides = [[one.aligned_error_deg(side) for side in Side] for one in pair]
        cues = [
            f"{' of '.join(map(str, one.judged_dives))}, {one.false_cues}" for one in pair
        ]
        states = [one.document["camera"]["state"] for one in pair]
        lines.append(
            f"| {name.removeprefix(_CAMERA)}, {model} | {truth['body']}, {truth['belt_speed']:.1f} m/s "
            f"| {height_m:.1f} m, {math.hypot(x_m, y_m):.1f} m, {camera['roll_deg']:+.0f}° "
            f"| {camera['yaw_deg']:+.0f}, {pair[0].azimuth_deg:+.0f} "
            f"| {' / '.join(_told(one.yaw_error_deg) for one in pair)} "
            f"| {' / '.join(dict.fromkeys(states))} "
            f"| {' | '.join(' / '.join(_told(error) for error in errors) for errors in sides)} "
            f"| {' / '.join(_told(left - right) for left, right in sides)} | {' | '.join(cues)} |"
        )
    return lines


def cameras_summary(seen: Mapping[tuple[str, str], tuple[Seen, Seen]]) -> list[str]:
    lines = [
        "| model | view | told | yaw error up to 12° aside: rms / worst | FPPA error of a side, aligned: rms / worst "
        "| more than 3° | left − right: rms / worst | more than 4° | dives cued of judged | aligned cued "
        "| further aside: refused, not known, told |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for model in MODELS:
        for view in (View.FRONT, View.REAR):
            for which, told in enumerate(("belt, height", "nothing")):
                mine = [pair[which] for (_, of), pair in seen.items() if of == model and pair[0].truth["view"] == view]
                near = [one for one in mine if abs(one.azimuth_deg) <= _RANGE_DEG]
                far = [one.document["camera"]["state"] for one in mine if abs(one.azimuth_deg) > _RANGE_DEG]
                pairs = [[one.aligned_error_deg(side) for side in Side] for one in near]
                sides = [error for pair in pairs for error in pair if math.isfinite(error)]
                apart = [left - right for left, right in pairs if math.isfinite(left - right)]
                cued, judged = (sum(one.judged_dives[i] for one in near) for i in (0, 1))
                states = [far.count(state) for state in ("refused", "unknown")]
                lines.append(
                    f"| {model} | {view} | {told} | {spread([one.yaw_error_deg for one in near])} | {spread(sides)} "
                    f"| {_beyond(sides, 3)} | {spread(apart)} | {_beyond(apart, 4)} | {cued} of {judged} "
                    f"| {sum(one.false_cues for one in near)} "
                    f"| {states[0]}, {states[1]}, {len(far) - sum(states)} |"
                )
    return lines


def films_table(seen: Mapping[tuple[str, str], Seen]) -> list[str]:
    lines = [
        "| film, model | body, height | yaw | yaw error | FPPA error aligned, L / R | left − right | dive seen "
        "| dives cued, aligned cued | strikes missed, invented, off |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (name, model), one in seen.items():
        truth, found = one.truth, one.comparison
        left, right = (one.aligned_error_deg(side) for side in Side)
        frontal, yaw_deg, cues = truth["view"] != "side", truth["camera"]["yaw_deg"], found.cueing
        lines.append(
            f"| {name}, {model} | {truth['body']}, {truth['height_m']:.2f} m | {f'{yaw_deg:+.0f}' if frontal else '–'} "
            f"| {_told(one.yaw_error_deg if frontal else math.nan)} | {_told(left)} / {_told(right)} "
            f"| {_told(left - right)} | {_told(one.dive_seen, '.2f')} "
            f"| {f'{cues.cued} of {cues.dives}, {cues.false}' if frontal else '–'} "
            f"| {found.strikes.missed}, {found.strikes.invented}, {found.strikes.mae_s * 1e3:.0f} ms |"
        )
    return lines


def summary_table(seen: Mapping[tuple[str, str], Seen]) -> list[str]:
    lines = [
        "| model | view | yaw error: rms / worst | FPPA error of a side, aligned: rms / worst | more than 3° "
        "| more than stated | left − right: rms / worst | more than 4° |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for model in MODELS:
        for view in ("front", "rear"):
            mine = [one for (_, of), one in seen.items() if of == model and one.truth["view"] == view]
            yaw, sides, stated, between = [], [], 0, []
            for one in mine:
                yaw.append(one.yaw_error_deg)
                errors = {side: one.aligned_error_deg(side) for side in Side}
                sides += list(errors.values())
                between.append(errors[Side.LEFT] - errors[Side.RIGHT])
                for side, error in errors.items():
                    metric = one.document["summary"][str(side)].get("fppa_deg")
                    stated += bool(metric and metric["uncertainty"] and abs(error) > metric["uncertainty"])
            sides, between = ([e for e in of if math.isfinite(e)] for of in (sides, between))
            lines.append(
                f"| {model} | {view} | {spread(yaw)} | {spread(sides)} | {_beyond(sides, 3)} | {stated} "
                f"| {spread(between)} | {_beyond(between, 4)} |"
            )
    return lines


def side_table(seen: Mapping[tuple[str, str], Seen]) -> list[str]:
    """Errors of the means of the left and the right leg, from the side."""
    beside = {key: one for key, one in seen.items() if one.truth["view"] == View.SIDE}
    keys = [spec.key for spec in STANCE_METRICS if View.SIDE in spec.views]
    lines = [f"| film, model | {' | '.join(f'`{key}`' for key in keys)} |", "|---" * (len(keys) + 1) + "|"]
    for (name, model), one in beside.items():
        errors = mean_errors(one.document, clip_truth(one.truth, View.SIDE), name, model, View.SIDE)
        of = {(error.key, error.side): error.value for error in errors}
        told = [
            " / ".join(
                _told(of.get((key, side), math.nan), "+.1f" if METRICS[key].unit == "°" else "+.3f") for side in Side
            )
            for key in keys
        ]
        lines.append(f"| {name}, {model} | {' | '.join(told)} |")
    return lines


def bowed_table(seen: Mapping[tuple[str, str], Seen]) -> list[str]:
    """How an alignment that is the same throughout is seen: in the picture, left and right together."""
    lines = ["| body, model | view | true FPPA in the picture: error |", "|---|---|---|"]
    groups: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    for (_, model), one in seen.items():
        true = np.concatenate([one.aligned(side, "fppa_image_deg", "fppa_mid_deg")[1] for side in Side])
        error = np.mean([one.error(side, "fppa_image_deg", "fppa_mid_deg") for side in Side])
        group = groups.setdefault((one.truth["body"], model, one.truth["view"]), [])
        group.append((float(true.mean()), float(error)))
    for (body, model, view), pairs in groups.items():
        told = ", ".join(f"{true:+.0f}°: {error:+.1f}" for true, error in sorted(pairs))
        lines.append(f"| {body}, {model} | {view} | {told} |")
    return lines


def light_table(seen: Mapping[tuple[str, str], Seen]) -> list[str]:
    """Error of left minus right in the picture, by where the light comes from."""
    lines = ["| body, model | light from the picture's left | from ahead | from its right |", "|---|---|---|---|"]
    found: dict[tuple[str, str], dict[str, float]] = {}
    for (name, model), one in seen.items():
        left, right = (one.error(side, "fppa_image_deg", "fppa_mid_deg") for side in Side)
        found.setdefault((one.truth["body"], model), {})[name.rsplit("_", 1)[1]] = left - right
    for (body, model), by in found.items():
        told = " | ".join(_told(by.get(light, math.nan)) for light in ("left", "ahead", "right"))
        lines.append(f"| {body}, {model} | {told} |")
    return lines


def _told(value: float, form: str = "+.1f") -> str:
    return f"{value:{form}}" if math.isfinite(value) else "–"


def _beyond(errors: Sequence[float], limit: float) -> str:
    return f"{sum(abs(e) > limit for e in errors)} of {len(errors)}"


def main(argv: Sequence[str] | None = None) -> int:
    runs: dict[tuple[str, str], Seen] = {}
    bowed: dict[tuple[str, str], Seen] = {}
    lit: dict[tuple[str, str], Seen] = {}
    cameras: dict[tuple[str, str], tuple[Seen, Seen]] = {}
    for film in rendered(argv, __doc__, "render.py"):
        for model in MODELS:
            print(f"{film.name}, {model}", file=sys.stderr)
            if film.name.startswith(_CAMERA):
                cameras[film.stem, model] = see_told(film, model)
                continue
            group = bowed if film.name.startswith(_BOWED) else lit if film.name.startswith(_LIT) else runs
            group[film.stem, model] = see(film, model)
    parts = [
        "### All together", "", *summary_table(runs), "", "### Film by film", "", *films_table(runs), "",
        "### Other cameras, all together", "", *cameras_summary(cameras), "",
        "### Other cameras, film by film", "", *cameras_table(cameras), "",
        "### From the side", "", *side_table(runs), "", "### One alignment throughout", "", *bowed_table(bowed), "",
        "### Light from one side", "", *light_table(lit),
    ]  # fmt: skip
    fill(DOCUMENT, __file__, "\n" + "\n".join(parts) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
