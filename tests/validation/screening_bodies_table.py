"""Squats and step-downs of bodies that nothing was fitted on: writes the tables of model/screening_bodies.md.

    python tests/validation/screening_bodies_table.py DIR [--keypoints DIR]

DIR holds the films and truths that `bodies/render_screening.py` made. The lens is told; where the camera stands and how
high it is, is not, or is where that is said. Keypoints are kept, so that a second run is quick.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))

from device.screening import Task, screened  # noqa: E402
from device.truth import RepComparison, compare_reps  # noqa: E402
from device.view_check import ViewCheck  # noqa: E402
from model.camera_pose import CameraPose  # noqa: E402
from model.pitch import Heights  # noqa: E402
from model.pose import Pose, Side  # noqa: E402
from model.screening import Exercise  # noqa: E402
from tests.validation.document import fill, mean_and_largest, spread  # noqa: E402
from tests.validation.screening_table import MODELS, poses_of, true_poses  # noqa: E402
from tests.validation.varied_table import Variant  # noqa: E402

DOCUMENT = REPO / "model" / "screening_bodies.md"
_TRUE = "true joints"
#: A knee that is further in than this dives; those of the films have 10 to 14°, or 2° and less.
_DIVE_DEG = 6.0
_NOT_TOLD, _TOLD = "not told", "told"
#: By what the result calls it, its true value at the bottom and what standing has of that.
_AGAINST_STANDING = {
    "pelvic_drop_deg": ("pelvic_drop_bottom_deg", "pelvic_drop_start_deg"),
    "trunk_lean_deg": ("trunk_lean_bottom_deg", "trunk_lean_start_deg"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One film through one model, the camera told or not.

    Attributes:
        truth: of the film.
        reps, summary: of the result.
        compared: with the truth.
    """

    truth: Mapping[str, Any]
    reps: Sequence[Mapping[str, Any]]
    summary: Mapping[str, Any]
    compared: RepComparison

    @property
    def sides(self) -> list[Side]:
        """Those that are tested."""
        return [Side(self.truth["stance_side"])] if "stance_side" in self.truth else list(Side)

    def pairs(self) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Repetitions found, each with the true one."""
        return [
            (rep, true)
            for true in self.truth["reps"]
            for rep in self.reps
            if true["start_s"] <= rep["bottom_s"] <= true["end_s"]
        ]

    def knees_deg(self) -> list[tuple[Side, float, float, float]]:
        """Of every tested knee that has an angle: side, angle, true angle, how far off it is said to be at most."""
        return [
            (side, rep[side]["fppa_deg"], true[f"fppa_frontal3d_{side}_bottom_deg"], rep[side]["fppa_off_deg"])
            for rep, true in self.pairs()
            for side in self.sides
            if rep[side]["fppa_deg"] is not None
        ]

    def errors_deg(self, side: Side) -> list[float]:
        return [seen - real for of, seen, real, _ in self.knees_deg() if of is side]

    def errors(self, key: str) -> list[float]:
        """Of pelvis and trunk, against standing like what is measured, and of the depth."""
        bottom, start = _AGAINST_STANDING.get(key, (key, ""))
        return [rep[key] - (true[bottom] - true.get(start, 0.0)) for rep, true in self.pairs() if rep[key] is not None]


def see(truth: Mapping[str, Any], poses: Sequence[Pose], model: str, told: bool) -> Seen:
    """The product's result of what was seen, against the truth."""
    exercise = Exercise.STEP_DOWN if "stance_side" in truth else Exercise.SQUAT
    real = truth["camera"]
    camera = CameraPose(yaw_deg=real["yaw_deg"], roll_deg=real["roll_deg"]) if told else None
    heights = Heights(truth["lens_above_floor_m"], truth["height_m"]) if told else Heights()
    check = ViewCheck(None)
    for pose in poses:
        check.look(pose)
    task = Task(exercise, None, camera, real["vfov_deg"], heights=heights)
    reps, summary = screened(poses, check.shown, model, task)
    return Seen(truth, reps, summary, compare_reps({"reps": reps}, truth))


def films_table(seen: Mapping[tuple[str, str, str], Seen]) -> list[str]:
    lines = [
        "| film, model | body, camera | found, invented | bottom, s | FPPA left | FPPA right | the same, told: L | R "
        "| pelvis | trunk | depth, leg | faults missed | invented |",
        "|" + "---|" * 13,
    ]
    for (name, model, camera), one in seen.items():
        if camera == _TOLD:
            continue
        truth, found, told = one.truth, one.compared, seen[name, model, _TOLD]
        knees = [
            mean_and_largest(of.errors_deg(side)) if side in of.sides else "" for of in (one, told) for side in Side
        ]
        where = f"{truth['body']}, {truth['camera']['yaw_deg']:+.0f}°, {truth['lens_above_floor_m']:.1f} m"
        body = [mean_and_largest(one.errors(key)) for key in _AGAINST_STANDING]
        missed, invented = (", ".join(faults) or "–" for faults in (found.faults_missed, found.faults_invented))
        lines.append(
            f"| {name}, {model} | {where} | {found.found} of {found.true}, {found.invented} "
            f"| {mean_and_largest(found.bottom_s, '+.2f')} | {' | '.join(knees)} | {' | '.join(body)} "
            f"| {mean_and_largest(one.errors('depth_leg'), '+.3f')} | {missed} | {invented} |"
        )
    return lines


def summary_table(seen: Mapping[tuple[str, str, str], Seen]) -> list[str]:
    lines = [
        "| test, model, camera | found, invented | FPPA of a knee: rms / largest | more than stated | no angle "
        "| mean of a side: rms / largest | dive, seen of what is true | pelvis | trunk "
        "| depth, leg: mean / largest | faults missed | invented |",
        "|" + "---|" * 12,
    ]
    for test in Exercise:
        for model in (_TRUE, *MODELS):
            for camera in (_NOT_TOLD, _TOLD):
                mine = [
                    one
                    for (_, of, where), one in seen.items()
                    if of == model and where == camera and ("stance_side" in one.truth) == (test is Exercise.STEP_DOWN)
                ]
                if mine:
                    lines.append(f"| {test}, {model}, {camera} | {_summary(mine)} |")
    return lines


def _summary(films: Sequence[Seen]) -> str:
    knees = [knee for one in films for knee in one.knees_deg()]
    asked = sum(len(one.pairs()) * len(one.sides) for one in films)
    means = [float(np.mean(one.errors_deg(side))) for one in films for side in one.sides if one.errors_deg(side)]
    found, true, invented = (sum(getattr(one.compared, key) for one in films) for key in ("found", "true", "invented"))
    body = [spread([error for one in films for error in one.errors(key)]) for key in _AGAINST_STANDING]
    missed, wrong = (
        sum(len(getattr(one.compared, key)) for one in films) for key in ("faults_missed", "faults_invented")
    )
    beyond = sum(abs(angle - real) > off for _, angle, real, off in knees)
    dives = [dive for one in films for dive in _dives(one)]
    cells = [
        f"{found} of {true}, {invented}", spread([angle - real for _, angle, real, _ in knees]),
        f"{beyond} of {len(knees)}", f"{asked - len(knees)} of {asked}", spread(means),
        f"{np.mean(dives):.2f}, {min(dives):.2f} to {max(dives):.2f}" if dives else "–", *body,
        mean_and_largest([error for one in films for error in one.errors("depth_leg")], "+.3f"),
        str(missed), str(wrong),
    ]  # fmt: skip
    return " | ".join(cells)


def _dives(one: Seen) -> list[float]:
    """By side that dives in some repetitions only, the share of the change that is seen."""
    shares = []
    for side in one.sides:
        rows = [(seen, real) for of, seen, real, _ in one.knees_deg() if of is side]
        if rows:
            seen, real = np.array(rows).T
            dives = real > _DIVE_DEG
            if dives.any() and not dives.all():
                shares.append(
                    float((seen[dives].mean() - seen[~dives].mean()) / (real[dives].mean() - real[~dives].mean()))
                )
    return shares


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", type=Path, metavar="DIR")
    parser.add_argument("--keypoints", type=Path, default=Path(tempfile.gettempdir()) / "kneeline-screening")
    arguments = parser.parse_args(argv)
    truths = sorted(arguments.films.glob("*.json"))
    if not truths:
        script = "tests/validation/bodies/render_screening.py"
        print(f"{arguments.films}: no films here: render them with {script}", file=sys.stderr)
        return 2
    arguments.keypoints.mkdir(parents=True, exist_ok=True)
    seen: dict[tuple[str, str, str], Seen] = {}
    for path in truths:
        truth = json.loads(path.read_text("utf-8"))
        print(path.stem, file=sys.stderr)
        poses = {_TRUE: true_poses(truth)}
        poses |= {model: poses_of(path, Variant(), model, arguments.keypoints) for model in MODELS}
        for model, looked in poses.items():
            for camera in (_NOT_TOLD, _TOLD):
                seen[path.stem, model, camera] = see(truth, looked, model, camera == _TOLD)
    text = ["### All together\n", *summary_table(seen)]
    text += ["\n### Film by film: mean / largest error\n", *films_table(seen)]
    fill(DOCUMENT, __file__, "\n".join(text))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
