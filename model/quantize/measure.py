"""How far one model's keypoints are from another's: pure arithmetic on arrays, no model, no picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.pose import LEGS, Joint, Side

FloatArray = NDArray[np.float64]
LEG_JOINTS: tuple[int, ...] = (
    Joint.LEFT_HIP,
    Joint.RIGHT_HIP,
    Joint.LEFT_KNEE,
    Joint.RIGHT_KNEE,
    Joint.LEFT_ANKLE,
    Joint.RIGHT_ANKLE,
)
#: A joint counts where the float model itself is this sure of it.
MIN_SCORE = 0.3
#: A leg's angle counts where thigh and shank are at least this share of the torso long in the picture.
MIN_SEGMENT_TORSO = 0.35


@dataclass(frozen=True, slots=True)
class Errors:
    """Distance of a model from its float reference over many crops.

    ``leg_px_*`` are in pixels of the model's own input; ``leg_torso_pct_*`` in percent of the torso's length;
    ``knee_deg_*`` is the hip-knee-ankle angle in the picture plane, each leg that the reference sees counted once.
    """

    crops: int
    legs: int
    leg_px_mean: float
    leg_px_median: float
    leg_px_p95: float
    leg_torso_pct_mean: float
    leg_torso_pct_p95: float
    knee_deg_mean: float
    knee_deg_median: float
    knee_deg_p95: float


def knee_angle_deg(xy: FloatArray, side: Side) -> FloatArray:
    """Signed angle from the thigh's direction to the shank's, in the picture plane.

    Args:
        xy: (..., 17, 2) x to the right and y down, any unit.
        side: the runner's own side.

    Returns:
        (...) degrees in (-180, 180]; 0 = straight; the sign follows the picture (+ = shank turned clockwise as
        drawn on the screen). NaN where a joint is NaN.
    """
    leg = LEGS[side]
    thigh = xy[..., leg.knee, :] - xy[..., leg.hip, :]
    shank = xy[..., leg.ankle, :] - xy[..., leg.knee, :]
    cross = thigh[..., 0] * shank[..., 1] - thigh[..., 1] * shank[..., 0]
    dot = np.sum(thigh * shank, axis=-1)
    angle: FloatArray = np.degrees(np.arctan2(cross, dot))
    return angle


def angle_difference_deg(a: FloatArray, b: FloatArray) -> FloatArray:
    """``a - b`` on the circle, in [-180, 180)."""
    difference: FloatArray = (np.asarray(a) - np.asarray(b) + 180.0) % 360.0 - 180.0
    return difference


def torso_length(xy: FloatArray) -> FloatArray:
    """(N,) distance from the middle of the shoulders to the middle of the hips, in the unit of ``xy`` (N, 17, 2)."""
    shoulders = xy[:, [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER]].mean(axis=1)
    hips = xy[:, [Joint.LEFT_HIP, Joint.RIGHT_HIP]].mean(axis=1)
    length: FloatArray = np.linalg.norm(shoulders - hips, axis=1)
    return length


def _leg_is_seen(xy: FloatArray, score: FloatArray, side: Side) -> NDArray[np.bool_]:
    leg = LEGS[side]
    torso = torso_length(xy)
    thigh = np.linalg.norm(xy[:, leg.knee] - xy[:, leg.hip], axis=1)
    shank = np.linalg.norm(xy[:, leg.ankle] - xy[:, leg.knee], axis=1)
    sure = (score[:, [leg.hip, leg.knee, leg.ankle]] > MIN_SCORE).all(axis=1)
    seen: NDArray[np.bool_] = sure & (np.minimum(thigh, shank) > MIN_SEGMENT_TORSO * torso)
    return seen


def split_output(output: FloatArray, size_px: int) -> tuple[FloatArray, FloatArray]:
    """MoveNet's (N, 17, 3) y, x, score to (N, 17, 2) x, y in input pixels and (N, 17) scores."""
    output = np.asarray(output, dtype=np.float64)
    return output[..., [1, 0]] * size_px, output[..., 2]


def compare(reference: FloatArray, output: FloatArray, size_px: int) -> Errors:
    """Errors of ``output`` against ``reference``, both MoveNet's (N, 17, 3) y, x, score in shares of the picture.

    Raises:
        ValueError: the shapes differ, or the reference sees no leg at all.
    """
    if reference.shape != output.shape or reference.shape[1:] != (17, 3):
        raise ValueError(f"outputs have shapes {reference.shape} and {output.shape}: must be (N, 17, 3) both")
    ref_xy, ref_score = split_output(reference, size_px)
    out_xy, _ = split_output(output, size_px)
    sure = ref_score[:, LEG_JOINTS] > MIN_SCORE
    distance = np.linalg.norm(ref_xy - out_xy, axis=2)[:, LEG_JOINTS]
    share = distance / torso_length(ref_xy)[:, None] * 100
    angles = []
    for side in Side:
        seen = _leg_is_seen(ref_xy, ref_score, side)
        difference = angle_difference_deg(knee_angle_deg(out_xy, side), knee_angle_deg(ref_xy, side))
        angles.append(np.abs(difference[seen]))
    angle = np.concatenate(angles)
    if not sure.any() or angle.size == 0:
        raise ValueError("the reference sees no leg in these crops")
    leg_px, leg_pct = distance[sure], share[sure]
    return Errors(
        crops=len(reference),
        legs=int(angle.size),
        leg_px_mean=float(leg_px.mean()),
        leg_px_median=float(np.median(leg_px)),
        leg_px_p95=float(np.percentile(leg_px, 95)),
        leg_torso_pct_mean=float(leg_pct.mean()),
        leg_torso_pct_p95=float(np.percentile(leg_pct, 95)),
        knee_deg_mean=float(angle.mean()),
        knee_deg_median=float(np.median(angle)),
        knee_deg_p95=float(np.percentile(angle, 95)),
    )


@dataclass(frozen=True, slots=True)
class Shift:
    """FPPA at mid-stance in one running clip, against the float model: + or - as in :func:`knee_angle_deg`.

    ``mean_deg`` is the shift of the mean per side, ``stance_deg`` the mean absolute difference of single stances.
    """

    stances: dict[Side, int]
    mean_deg: dict[Side, float]
    stance_deg: float

    @property
    def worst_deg(self) -> float:
        return max(abs(value) for value in self.mean_deg.values())


def mid_stance_shift(
    reference_xy: FloatArray, output_xy: FloatArray, t_s: FloatArray, stances: Sequence[tuple[Side, float]]
) -> Shift:
    """Shift of the knee's projection angle at mid-stance.

    Args:
        reference_xy: (T, 17, 2) the float model's joints in the full picture.
        output_xy: (T, 17, 2) the other model's.
        t_s: (T,) time of each frame.
        stances: side and mid-stance time of each stance. The angle is interpolated between the two frames around it.

    Raises:
        ValueError: a side has no stance.
    """
    differences: dict[Side, list[float]] = {side: [] for side in Side}
    angle = {side: (knee_angle_deg(reference_xy, side), knee_angle_deg(output_xy, side)) for side in Side}
    for side, mid_s in stances:
        reference, output = angle[side]
        difference = angle_difference_deg(output, reference)
        differences[side].append(float(np.interp(mid_s, t_s, difference)))
    if not all(differences.values()):
        raise ValueError("a side has no stance in this clip")
    everything = np.concatenate([np.abs(values) for values in differences.values()])
    return Shift(
        stances={side: len(values) for side, values in differences.items()},
        mean_deg={side: float(np.mean(values)) for side, values in differences.items()},
        stance_deg=float(everything.mean()),
    )
