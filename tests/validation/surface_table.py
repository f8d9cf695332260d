"""Where on the body the pose models put the joints, by body: writes the middle tables of model/other_bodies.md.

    python tests/validation/surface_table.py DIR [DIR ...]

Each DIR holds films and truths that `bodies/render.py` or `bodies/chance.py` made; the project's clips are looked at,
too, where the shared data is there. A joint that is put in front of its centre is seen the further aside the more the
camera looks from aside: how much per sine of the azimuth is how far in front, in legs. `Surface` in `model/bias.py` is
taken from here.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))

from device.truth import load_truth  # noqa: E402
from model.pose import LEGS, FloatArray, Pose, Side, View  # noqa: E402
from tests.conftest import shared_data  # noqa: E402
from tests.validation.bodies_table import DOCUMENT, MODELS, azimuth_of  # noqa: E402
from tests.validation.document import fill  # noqa: E402
from tests.validation.keypoints import kept, see  # noqa: E402

#: The clips' bodies are not told apart.
_CLIPS = "clips"
_JOINTS = ("hip", "knee", "ankle")
#: From how far aside a camera is still in range; around mid-stance; fewest pictures of a side.
_RANGE_DEG, _MIDDLE_S, _MIN_PICTURES = 14.0, 0.05, 6
#: Bodies seen from places of less spread (square sum of the sines) tell nothing.
_MIN_SPREAD = 0.05


def aside_leg(truth: Mapping[str, Any], poses: Sequence[Pose], side: Side) -> FloatArray | None:
    """How far to the runner's left of the true ones hip, knee and ankle are seen, in legs: (3,), mean at mid-stance.

    Of stances without a dive; None from too few pictures.
    """
    joints = [getattr(LEGS[side], part) for part in _JOINTS]
    facing = 1 if truth["view"] == View.FRONT else -1
    true_px = {round(frame["t"] * truth["fps"]): np.array(frame["uv"], dtype=np.float64) for frame in truth["frames"]}
    middles_s = [one["mid_s"] for one in truth["stances"] if one["side"] == side and one["valgus_added_deg"] == 0]
    seen = []
    for pose in poses:
        uv = true_px.get(round(pose.t_s * truth["fps"]))
        if uv is not None and any(abs(pose.t_s - mid_s) <= _MIDDLE_S for mid_s in middles_s):
            leg_px = math.dist(uv[joints[0]], uv[joints[2]])
            seen.append(facing * (pose.xy_px[joints, 0] - uv[joints, 0]) / leg_px)
    return np.nanmean(seen, axis=0) if len(seen) >= _MIN_PICTURES else None


def rows(films: Sequence[tuple[str, Path, Path]]) -> dict[tuple[str, str, str], list[FloatArray]]:
    """By view, model and body: of each side the sine of the azimuth, +1 for the left, and `aside_leg`, (5,)."""
    found: dict[tuple[str, str, str], list[FloatArray]] = defaultdict(list)
    for body, film, cache in films:
        truth = load_truth(film.with_suffix(".json"))
        if not truth["stances"] or truth["view"] == View.SIDE:
            continue
        azimuth_deg = azimuth_of(truth)
        if abs(azimuth_deg) > _RANGE_DEG:
            continue
        for model in MODELS:
            poses = kept(cache / f"{film.stem}_{model}.npz", lambda: see(film, model))  # noqa: B023
            for side, sign in ((Side.LEFT, 1.0), (Side.RIGHT, -1.0)):
                aside = aside_leg(truth, poses, side)
                if aside is not None:
                    row = np.array([math.sin(math.radians(azimuth_deg)), sign, *aside])
                    found[truth["view"], model, body or truth["body"]].append(row)
    return found


def table(found: Mapping[tuple[str, str, str], list[FloatArray]]) -> list[str]:
    lines = [
        "| view, model | body | cameras | hip in front of its centre | knee | ankle | knee against the line between "
        "hip and ankle |",
        "|---|---|---|---|---|---|---|",
    ]
    mean: dict[tuple[str, str], list[FloatArray]] = defaultdict(list)
    for (view, model, body), sides in sorted(found.items()):
        sine, sign, *aside = np.array(sides).T
        if (sine**2).sum() < _MIN_SPREAD:
            continue
        hip, knee, ankle = aside
        ahead = []
        for values in (*aside, knee - (hip + ankle) / 2):
            slope, _ = np.linalg.lstsq(np.stack([sine, sign], axis=1), values, rcond=None)[0]
            ahead.append(-slope)
        mean[view, model].append(np.array(ahead))
        told = " | ".join(f"{value:+.3f}" for value in ahead)
        lines.append(f"| {view}, {model} | {body} | {(len(sides) + 1) // 2} | {told} |")
    for (view, model), bodies in sorted(mean.items()):
        told = " | ".join(f"{value:+.3f} ± {sd:.3f}" for value, sd in zip(*_spread(bodies), strict=True))
        lines.append(f"| **{view}, {model}** | {len(bodies)} bodies: mean ± SD | | {told} |")
    return lines


def _spread(bodies: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
    return np.mean(bodies, axis=0), np.std(bodies, axis=0, ddof=1)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", type=Path, metavar="DIR", nargs="+")
    parser.add_argument("--keypoints", type=Path, help="keeps what the models see in the clips there")
    args = parser.parse_args(argv)
    films = [("", path.with_suffix(".mp4"), folder) for folder in args.films for path in sorted(folder.glob("*.json"))]
    data = shared_data()
    clips = sorted((data / "clips").glob("*.json")) if data is not None and args.keypoints is not None else []
    films += [(_CLIPS, path.with_suffix(".mp4"), args.keypoints) for path in clips]
    fill(DOCUMENT, __file__, "\n" + "\n".join(table(rows(films))) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
