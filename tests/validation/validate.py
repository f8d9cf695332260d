"""How far each number is off: motion capture, rendered clips through the real models, and a real runner.

``kneeline validate`` (or ``python tests/validation/validate.py``) writes ``model/validation.md``. The clip that ships
with the project is always there; the others and the motion capture are in ``--data`` (or $KNEELINE_SHARED/data).
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))

from device.config import Config  # noqa: E402
from device.mocap import read_motion  # noqa: E402
from device.replay import ReplayOptions, replay_file, session_document  # noqa: E402
from device.truth import EDGE_S, Events, compare, load_truth, match_events, paired_stances  # noqa: E402
from model import kinematics as k  # noqa: E402
from model.analysis import AnalysisSettings, RunAnalysis  # noqa: E402
from model.bias import NO_BIAS  # noqa: E402
from model.metrics import METRICS, STANCE_METRICS  # noqa: E402
from model.place import CameraPlace  # noqa: E402
from model.pose import LEGS, FloatArray, Pose, Side, View  # noqa: E402
from model.runtime import ModelName  # noqa: E402
from model.stance import Stance, StanceContext, measure_stance, mid_x_px  # noqa: E402
from model.virtual_camera import Motion, Noise, VirtualCamera, project_motion  # noqa: E402

REPORT = REPO / "model" / "validation.md"
MODELS: tuple[ModelName, ...] = ("lightning", "thunder")
MALE_SIDE_SPM = 168.9
#: Clips whose camera stands square on.
_SQUARE = ("demo_front", "demo_rear", "dev_standing_then_run")
_SEEDS = range(3)
_PX_PER_M = 1000.0
_ANKLES = [leg.ankle for leg in LEGS.values()]
_SIZE = (2000, 2000)
_DIVE_DEG = 8.0
#: Compared with the frontal plane of the body itself, the rest with the true joints in the same picture.
_KNEE = frozenset({"fppa_deg", "fppa_peak_deg", "knee_offset_leg", "pelvic_drop_deg"})
_BODY_PLANE = _KNEE | {"hip_adduction_deg", "trunk_lean_deg", "step_width_leg"}
Table = list[list[str]]


# Truth of motion capture: the same measures, from joint centres seen square on from infinitely far away.


def orthographic(motion: Motion, view: View) -> list[Pose]:
    """Poses of a motion as the runner's frontal or sagittal plane shows it, 1000 px to the metre."""
    x, y, z = np.moveaxis(motion.xyz_m, -1, 0)
    across = {View.FRONT: -z, View.REAR: z, View.SIDE: x}[view]
    uv = np.stack([across, -y], axis=-1) * _PX_PER_M
    return [Pose(float(t), xy, np.ones(17), _SIZE) for t, xy in zip(motion.t_s, uv, strict=True)]


def true_stances(
    poses: Sequence[Pose],
    strikes: Mapping[Side, FloatArray],
    toe_offs: Mapping[Side, FloatArray],
    view: View,
    leg_px: float,
    facing: float = 1.0,
) -> list[Stance]:
    """Every stance between a true strike and toe-off, in the order of time.

    Args:
        poses: true joints.
        strikes, toe_offs: when, seconds.
        view: where they are seen from.
        leg_px: the straight leg.
        facing: from the side, +1 where the runner faces the picture's right, else -1.
    """
    level = float(np.nanmean([k.hip_tilt_deg(pose.xy_px) for pose in poses]))
    spans = sorted(
        (float(strike), float(toe_offs[side][toe_offs[side] > strike][0]), side)
        for side in Side
        for strike in strikes[side]
        if (toe_offs[side] > strike).any()
    )
    found: list[Stance] = []
    ankle_x = dict.fromkeys(Side, math.nan)
    last_strike = dict.fromkeys(Side, math.nan)
    for strike_s, toe_off_s, side in spans:
        near = [p for p in poses if strike_s - 0.1 <= p.t_s <= toe_off_s + 0.1]
        stride_s, last_strike[side] = strike_s - last_strike[side], strike_s
        hips = [p for p in poses if toe_off_s - stride_s < p.t_s <= toe_off_s]
        if len(near) < 5 or near[0].t_s > strike_s or near[-1].t_s < toe_off_s or len(hips) < 5:
            continue
        heights = [float(k.mid_hip_height_px(p.xy_px)) for p in hips]
        context = StanceContext(
            view=view,
            facing=facing,
            fps=60.0,
            frontal_fppa=lambda xy, side, phase: k.fppa_image_deg(xy, side),
            rectify=lambda xy, side, phase: xy,
            other_ankle_x_px=ankle_x[side.other],
            leg_px=leg_px,
            oscillation_px=max(heights) - min(heights),
            stride_s=stride_s,
            level_hips_deg=level,
            across=1.0,
            bias=NO_BIAS,
        )
        found.append(measure_stance(side, strike_s, toe_off_s, near, context))
        ankle_x_px = np.array([p.xy_px[LEGS[side].ankle, 0] for p in near])
        ankle_x[side] = mid_x_px(np.array([p.t_s for p in near]), ankle_x_px, (strike_s + toe_off_s) / 2)
    return found


def means(stances: Iterable[Stance], side: Side) -> dict[str, float]:
    """Mean of every metric over the stances of a side; NaN where there is none."""
    mine = [s for s in stances if s.side is side]
    result = {}
    for spec in STANCE_METRICS:
        values = [s.values[spec.key] for s in mine if math.isfinite(s.values[spec.key])]
        result[spec.key] = float(np.mean(values)) if values else math.nan
    return result


def true_means(
    motion: Motion,
    picture: Sequence[Pose],
    strikes: Mapping[Side, FloatArray],
    toe_offs: Mapping[Side, FloatArray],
    view: View,
    facing: float = 1.0,
) -> dict[Side, dict[str, float]]:
    """True session means: of `_BODY_PLANE` from ``motion``, of the rest from what the camera shows of true joints.

    From the side, ``facing`` is +1 where the runner faces the picture's right, else -1.
    """
    by_plane = []
    joints_m = [motion.xyz_m[:, [leg.hip, leg.knee, leg.ankle]] for leg in LEGS.values()]
    legs_m = np.linalg.norm(np.diff(joints_m, axis=2), axis=-1).sum(axis=-1)
    leg_px = float(np.nanmean(legs_m)) * _PX_PER_M
    # From the side a leg is as long as it is, up to the perspective; a picture's scale is that of its longest legs.
    seen_px = float(np.nanpercentile([k.leg_length_px(p.xy_px, side) for p in picture for side in Side], 90))
    for poses, leg, to in ((orthographic(motion, view), leg_px, 1.0), (picture, seen_px, facing)):
        stances = true_stances(poses, strikes, toe_offs, view, leg, to)
        scored = [s for s in stances if EDGE_S <= s.mid_s <= poses[-1].t_s - EDGE_S]
        by_plane.append({side: means(scored, side) for side in Side})
    return {
        side: {key: by_plane[key not in _BODY_PLANE][side][key] for key in by_plane[0][side]} for side in Side
    }


def summary_means(document: Mapping[str, Any], side: Side) -> dict[str, float]:
    """The same from a session's summary."""
    claims = document["summary"][side]
    return {
        spec.key: math.nan if claims.get(spec.key, {}).get("mean") is None else claims[spec.key]["mean"]
        for spec in STANCE_METRICS
    }


def analyse(poses: Iterable[Pose], settings: AnalysisSettings, name: str) -> dict[str, Any]:
    place = CameraPlace(settings.model)
    analysis = RunAnalysis(settings, place)
    return session_document(name, "run", settings.model or "", place, (analysis.step(p.t_s, p) for p in poses))


# Error tables.


@dataclass(frozen=True, slots=True)
class Error:
    """One session mean against truth."""

    source: str
    model: str
    view: View
    side: Side
    key: str
    value: float


def mean_errors(
    found: Mapping[str, Any], true: Mapping[Side, Mapping[str, float]], source: str, model: str, view: View
) -> list[Error]:
    errors = []
    for side in Side:
        seen = summary_means(found, side)
        errors += [
            Error(source, model, view, side, key, seen[key] - true[side][key])
            for key in seen
            if math.isfinite(seen[key] - true[side][key])
        ]
    return errors


def events_row(events: Events) -> list[str]:
    return [
        f"{events.missed} / {events.invented} of {events.true}",
        f"{events.bias_s * 1e3:+.0f}",
        f"{events.mae_s * 1e3:.0f}",
    ]


def markdown(header: Sequence[str], rows: Table) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def metric_table(errors: Sequence[Error], models: Sequence[str]) -> str:
    """Error of session means by metric, view and model: mean, root mean square, worst, and with the offset fitted on
    the other sources only."""
    rows: Table = []
    for spec in STANCE_METRICS:
        for view in View:
            for model in models:
                mine = [e for e in errors if (e.key, e.view, e.model) == (spec.key, view, model)]
                if not mine:
                    continue
                values = np.array([e.value for e in mine])
                scale, unit = (1000, "ms") if spec.unit == "s" else (1, spec.unit)
                limit = spec.sdd / 3 if spec.sdd else None
                rms = float(np.sqrt((values**2).mean()))
                d = 1 if spec.unit == "°" else 0 if unit == "ms" else 3
                rows.append(
                    [
                        f"`{spec.key}`", str(view), model, str(len(values)), f"{values.mean() * scale:+.{d}f}",
                        f"{rms * scale:.{d}f}", f"{np.abs(values).max() * scale:.{d}f}", left_out(mine, scale, d),
                        "" if limit is None else f"{limit:.1f} {'yes' if rms <= limit else '**no**'}", unit,
                    ]
                )  # fmt: skip
    header = ["metric", "view", "seen by", "means", "mean error", "rms", "worst", "rms left out", "SDD/3 kept", "unit"]
    return markdown(header, rows)


def left_out(errors: Sequence[Error], scale: float, decimals: int) -> str:
    """Rms error of each source when the constant part is fitted on the other sources."""
    sources = sorted({e.source for e in errors})
    if len(sources) < 2:
        return "one source"
    rest = []
    for source in sources:
        constant = float(np.mean([e.value for e in errors if e.source != source]))
        rest += [e.value - constant for e in errors if e.source == source]
    return f"{math.sqrt(float(np.mean(np.square(rest)))) * scale:.{decimals}f}"


@dataclass(frozen=True, slots=True)
class Goal:
    """What was aimed at, and why it is missed where it is.

    Attributes:
        text: for people.
        limit: of the absolute error, or of a share.
        at_least: whether larger is better.
        why: why it is missed.
    """

    text: str
    limit: float
    at_least: bool = False
    why: str = ""


GOALS: Mapping[str, Goal] = {
    "cadence": Goal("cadence, error ≤ 1 spm", 1.0, why="steps in which the runner was not seen surely are not counted"),
    "steps": Goal("steps missed or invented ≤ 1 %", 1.0),
    "strike_side": Goal("strike from the side, mean absolute error ≤ 20 ms", 20.0),
    "strike_frontal": Goal("strike from front and rear, mean absolute error ≤ 35 ms", 35.0),
    "contact": Goal("contact time at 60 fps, mean error ≤ 20 ms", 20.0),
    "fppa_stance": Goal(
        "FPPA of a stance ≤ 3° after each side's own mean is taken out", 3.0,
        why="a mean that settles while the camera's place is still being found counts as spread",
    ),
    "dive": Goal(
        "change between aligned and diving stances seen to ≥ 80 %", 0.8, at_least=True,
        why="the share differs with body and camera (Lightning 0.52 to 0.83 before the correction), so that no one "
        "factor fits all",
    ),
    "d_prime": Goal(
        "separation d′ of aligned and diving stances ≥ 4", 4.0, at_least=True,
        why="an oblique camera behind (12°, which the product calls approximate) spreads the aligned stances most",
    ),
    "fppa_mean": Goal(
        "FPPA, error of a side's mean ≤ 3° with a square-on camera", 3.0,
        why="the model puts a knee up to 4° beside its place, one side differently from the other, and differently on "
        "another body; the page shows that uncertainty",
    ),
    "drop_mean": Goal(
        "pelvic drop, error of a side's mean ≤ 2°", 2.0,
        why="the hip line is 42 px wide and its keypoints follow clothes and thighs",
    ),
    "angles": Goal(
        "session means of the other angles within a third of their SDD", 1.0,
        why="the far leg of a side view is hidden in part (its knee looks 5° straighter), a strike 4 ms early takes 1° "
        "off the knee's flexion, and where the model puts hips and knees differs from one side to the other",
    ),
}  # fmt: skip


class Found:
    """The worst of each goal, by who saw it, and where."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], list[tuple[float, str]]] = {}

    def add(self, goal: str, who: str, value: float, where: str) -> None:
        if math.isfinite(value):
            self._values.setdefault((goal, who), []).append((value, where))

    def table(self) -> str:
        rows: Table = []
        for (key, who), values in sorted(self._values.items(), key=lambda item: list(GOALS).index(item[0][0])):
            goal = GOALS[key]
            kept = [v >= goal.limit if goal.at_least else abs(v) <= goal.limit for v, _ in values]
            worst = min(values) if goal.at_least else max(values, key=lambda item: abs(item[0]))
            met = "yes" if all(kept) else f"**no**: {goal.why}" if goal.why else "**no**"
            rows.append([goal.text, who, f"{worst[0]:.2f}", worst[1], f"{sum(kept)} of {len(kept)}", met])
        return markdown(["goal", "seen by", "worst", "where", "kept in", "met"], rows)


# 1. Motion capture.


def validate_mocap(folder: Path, goals: Found) -> str:
    """Events and session means of a runner on force plates, through virtual cameras that stand square on."""
    path = folder / "run_s02.npz"
    motion = read_motion(path)
    with np.load(path) as archive:
        strikes = {side: archive[f"{side}_strike_s"] for side in Side}
        toe_offs = {side: archive[f"{side}_toe_off_s"] for side in Side}
    end_s = float(motion.t_s[-1])
    true_spm = _true_cadence(strikes, end_s)
    rows: Table = []
    errors: list[Error] = []
    for view in View:
        true = _mocap_truth(motion, view, strikes, toe_offs)
        for fps in (30.0, 60.0):
            noises: list[tuple[Noise, int]] = [("none", 0), *(("measured", seed) for seed in _SEEDS)]
            by_noise: dict[str, list[tuple[Events, Events, float]]] = {}
            for noise, seed in noises:
                poses = project_motion(motion, VirtualCamera(view), fps, noise, seed)
                settings = AnalysisSettings(view=view, model=f"mocap-{noise}")
                document = analyse(poses, settings, path.name)
                document = replace_edges(document, end_s)
                label = f"{fps:.0f} fps, {noise}"
                errors += mean_errors(document, true, f"{label} {seed}", label, view)
                by_noise.setdefault(noise, []).append(
                    (
                        _events(document, "strike_s", strikes, end_s),
                        _events(document, "toe_off_s", toe_offs, end_s),
                        document["summary"]["cadence_spm"] - true_spm,
                    )
                )
            for name, results in by_noise.items():
                cadence = max((r[2] for r in results), key=abs)
                if name == "measured":
                    where = f"{view}, {fps:.0f} fps"
                    goals.add("cadence", "motion capture", cadence, where)
                    _event_goals(goals, "motion capture", view, _sum([r[0] for r in results]), where)
                rows.append(
                    [
                        str(view), f"{fps:.0f}", name, *events_row(_sum([r[0] for r in results])),
                        *events_row(_sum([r[1] for r in results])), f"{cadence:+.2f}",
                    ]
                )  # fmt: skip
    header = [
        "view", "fps", "noise", "strikes missed / invented", "bias ms", "mean abs ms",
        "toe-offs missed / invented", "bias ms", "mean abs ms", "cadence, worst spm",
    ]  # fmt: skip
    models = [f"{fps} fps, {noise}" for fps in (30, 60) for noise in ("none", "measured")]
    measured = [e for e in errors if "measured" in e.model]
    _mean_goals(goals, measured, "motion capture")
    for e in measured:
        if e.key == "contact_s" and e.model.startswith("60"):
            goals.add("contact", "motion capture", e.value * 1e3, f"{e.side}, {e.model}")
    return markdown(header, rows) + "\n" + metric_table(errors, models)


def _event_goals(goals: Found, who: str, view: View, strikes: Events, where: str) -> None:
    goals.add("steps", who, 100 * (strikes.missed + strikes.invented) / max(strikes.true, 1), where)
    goals.add("strike_frontal" if view.frontal else "strike_side", who, strikes.mae_s * 1e3, where)


def _mean_goals(goals: Found, errors: Sequence[Error], who: str) -> None:
    """Means of the other angles as multiples of a third of their SDD."""
    for e in errors:
        sdd = METRICS[e.key].sdd
        if e.key not in _KNEE and e.key != "fppa_image_deg" and sdd is not None:
            goals.add("angles", who, e.value / (sdd / 3), f"`{e.key}`, {e.side}, {e.source}")


def _mocap_truth(
    motion: Motion, view: View, strikes: Mapping[Side, FloatArray], toe_offs: Mapping[Side, FloatArray]
) -> dict[Side, dict[str, float]]:
    return true_means(motion, list(project_motion(motion, VirtualCamera(view), 60.0)), strikes, toe_offs, view)


def _true_cadence(strikes: Mapping[Side, FloatArray], end_s: float) -> float:
    every = np.sort(np.concatenate(list(strikes.values())))
    every = every[(every >= EDGE_S) & (every <= end_s - EDGE_S)]
    return 60.0 * (len(every) - 1) / float(every[-1] - every[0])


def _events(document: Mapping[str, Any], key: str, true: Mapping[Side, FloatArray], end_s: float) -> Events:
    scored = (EDGE_S, end_s - EDGE_S)
    return _sum(
        [
            match_events([s[key] for s in document["stances"] if s["side"] == side], list(true[side]), scored)
            for side in Side
        ]
    )


def _sum(parts: Sequence[Events]) -> Events:
    return Events(
        sum(p.true for p in parts),
        sum(p.missed for p in parts),
        sum(p.invented for p in parts),
        tuple(e for p in parts for e in p.errors_s),
    )


def replace_edges(document: dict[str, Any], end_s: float) -> dict[str, Any]:
    """The document summarised without the stances at both ends, where the detector has not settled and truth is cut."""
    from model.result import summarise

    inside = [s for s in document["stances"] if EDGE_S <= s["strike_s"] <= end_s - EDGE_S]
    summary = summarise(inside, View(document["view"]))
    return document | {"summary": document["summary"] | summary}


# 2. Rendered clips.


def truth_poses(truth: Mapping[str, Any]) -> Iterator[Pose]:
    size = (truth["width"], truth["height"])
    for frame in truth["frames"]:
        yield Pose(frame["t"], np.array(frame["uv"], dtype=np.float64)[:, :2], np.ones(17), size)


def clip_truth(truth: Mapping[str, Any], view: View) -> dict[Side, dict[str, float]]:
    """True session means of a clip, whichever way its runner faces."""
    t_s = np.array([frame["t"] for frame in truth["frames"]])
    forward, left, up = np.moveaxis(np.array([frame["xyz"] for frame in truth["frames"]]), -1, 0)
    motion = Motion(t_s, np.stack([forward, up, -left], axis=-1))
    start_s, _ = truth.get("runner_interval_s") or (0.0, 0.0)
    strikes, toe_offs = (
        {side: np.array([t for t in truth[name][side] if t >= start_s]) for side in Side}
        for name in ("foot_strikes", "toe_offs")
    )
    picture = list(truth_poses(truth))
    across = np.array([np.diff(pose.xy_px[_ANKLES, 0]) for pose in picture])
    facing = float(np.sign((np.diff(forward[:, _ANKLES]) * across).sum()))
    return true_means(motion, picture, strikes, toe_offs, view, facing)


@dataclass(slots=True)
class Clips:
    """What the rendered clips gave."""

    goals: Found
    rows: Table = field(default_factory=list)
    knees: Table = field(default_factory=list)
    errors: list[Error] = field(default_factory=list)


def validate_clips(clips: Sequence[Path], models: Sequence[ModelName], goals: Found) -> Clips:
    """Every clip with running through every model."""
    result = Clips(goals)
    for clip in clips:
        truth = load_truth(clip.with_suffix(".json"))
        if not truth["stances"]:
            continue
        view = View(truth["view"])
        true = clip_truth(truth, view)
        for model in models:
            print(f"{clip.name}, {model}", file=sys.stderr)
            document, _ = replay_file(clip, Config(), ReplayOptions(model=model))
            comparison = compare(document, truth)
            result.rows.append(
                [
                    clip.stem, model, str(document["view"]), *events_row(comparison.strikes),
                    *events_row(comparison.toe_offs), f"{comparison.cadence_error_spm:+.2f}",
                    f"{comparison.cueing.cued} of {comparison.cueing.dives}, {comparison.cueing.false} false",
                ]
            )  # fmt: skip
            goals.add("cadence", model, comparison.cadence_error_spm, clip.stem)
            _event_goals(goals, model, view, comparison.strikes, clip.stem)
            others = [e for e in mean_errors(document, true, clip.stem, model, view) if e.key not in _KNEE]
            _mean_goals(goals, others, model)
            result.errors += others
            if view.frontal:
                _knees(result, clip.stem, model, view, document, truth)
    return result


def _knees(
    result: Clips, clip: str, model: str, view: View, document: Mapping[str, Any], truth: Mapping[str, Any]
) -> None:
    """Knee alignment and pelvic drop against the frontal plane of the body itself."""
    for side in Side:
        pairs = paired_stances(document, truth, side)
        row = [clip, model, str(side)]
        for key, true_key in (("fppa_deg", "fppa_frontal3d_mid_deg"), ("pelvic_drop_deg", "pelvic_drop_mid_deg")):
            both = [(f[key], t[true_key], t["valgus_added_deg"]) for f, t in pairs if f[key] is not None]
            if len(both) < 3:
                row += ["–"] * (4 if key == "fppa_deg" else 2)
                continue
            found, true, added = np.array(both, dtype=np.float64).T
            error = found - true
            mean, spread = float(error.mean()), float(np.abs(error - error.mean()).mean())
            result.errors.append(Error(clip, model, view, side, key, mean))
            row += [f"{mean:+.1f}", f"{spread:.1f}"]
            where = f"{clip}, {side}"
            if key == "pelvic_drop_deg":
                result.goals.add("drop_mean", model, mean, where)
                continue
            result.goals.add("fppa_stance", model, spread, where)
            if clip in _SQUARE:
                result.goals.add("fppa_mean", model, mean, where)
            share, d_prime = dive_seen(found, true, added)
            result.goals.add("dive", model, share, where)
            result.goals.add("d_prime", model, d_prime, where)
            row += [f"{x:.{n}f}" if math.isfinite(x) else "" for x, n in ((share, 2), (d_prime, 1))]
        result.knees.append(row)


def dive_seen(found: FloatArray, true: FloatArray, added: FloatArray) -> tuple[float, float]:
    """Seen share of the change between aligned and diving stances, and their separation in SDs; NaN without dives."""
    dive, aligned = added >= _DIVE_DEG, added < 1
    if dive.sum() < 3 or aligned.sum() < 3:
        return math.nan, math.nan
    change = found[dive].mean() - found[aligned].mean()
    spread = math.sqrt((found[dive].var(ddof=1) + found[aligned].var(ddof=1)) / 2)
    return float(change / (true[dive].mean() - true[aligned].mean())), float(change / spread)


# 3. A real runner.


def validate_real(folder: Path, models: Sequence[ModelName], goals: Found) -> Table:
    """A man on a treadmill whose cadence was counted in the video."""
    clip = folder / "male_side.mp4"
    rows: Table = []
    for model in models:
        print(f"{clip.name}, {model}", file=sys.stderr)
        document, _ = replay_file(clip, Config(), ReplayOptions(model=model))
        cadence = document["summary"]["cadence_spm"]
        left = summary_means(document, Side.LEFT)
        goals.add("cadence", model, cadence - MALE_SIDE_SPM, "male_side")
        rows.append(
            [
                model, str(document["view"]), f"{cadence:.1f}", f"{cadence - MALE_SIDE_SPM:+.1f}",
                *(f"{left[key]:.{METRICS[key].decimals}f}" if math.isfinite(left[key]) else "–" for key in _REAL),
            ]
        )  # fmt: skip
    return rows


_REAL = ("knee_flexion_deg", "hip_extension_deg", "trunk_forward_lean_deg", "overstride_leg", "contact_s")


def data_folder(given: Path | None) -> Path | None:
    folder = given or Path(os.environ.get("KNEELINE_SHARED", REPO.parent / "shared")) / "data"
    return folder if folder.is_dir() else None


def report(data: Path | None, models: Sequence[ModelName]) -> str:
    """The whole of ``validation.md``."""
    goals = Found()
    parts = []
    if data is not None and (data / "mocap" / "run_s02.npz").exists():
        parts += ["## Motion capture through virtual cameras\n", validate_mocap(data / "mocap", goals)]
    clips = sorted((data / "clips").glob("*.mp4")) if data is not None else []
    found = validate_clips(clips or [REPO / "device" / "demo" / "demo_front.mp4"], models, goals)
    parts += [
        "## Rendered clips through the real models\n",
        markdown(
            ["clip", "model", "view", "strikes missed / invented", "bias ms", "mean abs ms",
             "toe-offs missed / invented", "bias ms", "mean abs ms", "cadence spm", "dives cued"],
            found.rows,
        ),
        "Knee alignment and pelvic drop, degrees, against the body's own frontal plane: error of the side's mean, mean "
        "absolute error of a stance after that mean is taken out, seen share of a dive, its separation d′.\n",
        markdown(
            ["clip", "model", "side", "FPPA mean", "per stance", "dive seen", "d′", "drop mean", "per stance"],
            found.knees,
        ),
        "Session means of all metrics (knee, pelvis, hip adduction and trunk lean against the body's own frontal "
        "plane, the others against the true joints in the same picture):\n",
        metric_table(found.errors, models),
    ]  # fmt: skip
    if data is not None and (data / "real" / "male_side.mp4").exists():
        header = ["model", "view", "cadence", f"error to {MALE_SIDE_SPM}", *(f"left `{key}`" for key in _REAL)]
        parts += ["## A real runner from the side\n", markdown(header, validate_real(data / "real", models, goals))]
    intro = (REPO / "tests" / "validation" / "intro.md").read_text("utf-8")
    return "\n".join([intro, "## Goals\n", goals.table(), *parts])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="kneeline validate", description=__doc__)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="clips, mocap and real videos with their truth")
    parser.add_argument("--model", choices=MODELS, help="one pose model only")
    parser.add_argument("--out", type=Path, default=REPORT, metavar="FILE")
    args = parser.parse_args(argv)
    models = MODELS if args.model is None else (args.model,)
    if args.data is not None and not args.data.is_dir():
        print(f"--data {args.data}: no such folder: name one that holds clips, mocap or real", file=sys.stderr)
        return 2
    args.out.write_text(report(data_folder(args.data), models), "utf-8")
    print(f"{args.out}: written", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
