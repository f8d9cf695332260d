"""A runner and a second person near them, rendered, through the whole pipeline: writes the tables of model/pairs.md.

    python tests/validation/pairs_table.py DIR

DIR holds the films and truths that `bodies/pairs.py` made.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))

from device.cameras.video import VideoSource  # noqa: E402
from device.config import Config  # noqa: E402
from device.pipeline import Pipeline, analysis_settings, camera_place, open_model_for_file  # noqa: E402
from device.replay import Recorder  # noqa: E402
from device.truth import load_truth  # noqa: E402
from model.pose import FloatArray, Joint, Pose  # noqa: E402
from model.quality import MIN_SCORE  # noqa: E402
from model.runtime import ModelName  # noqa: E402
from model.stance import MIN_QUALITY  # noqa: E402
from tests.model.bystanders import body_mask, off_px, torso_px  # noqa: E402
from tests.validation.document import fill, rendered  # noqa: E402
from tests.validation.tracking_accuracy import FPS, table  # noqa: E402

DOCUMENT = REPO / "model" / "pairs.md"
MODELS: tuple[ModelName, ...] = ("lightning", "thunder")
#: A runner of whom more is hidden cannot be asked for.
_COVERED = 0.3
#: A pose is another's where it is nearer to them and so far from the runner, a joint so far from the runner's; torsos.
_POSE_OFF, _LEG_OFF = 0.25, 0.35
_LEGS = range(Joint.LEFT_KNEE, Joint.RIGHT_ANKLE + 1)
#: Half the belt's length and width, with the rails, m.
_BELT_M = (0.95, 0.38)


@dataclass(slots=True)
class Seen:
    """One film through one model.

    Attributes:
        trusted: by picture, how many knees and ankles are not where the runner's are; all four if it is another's pose.
        nobody: pictures without a pose.
        counted: strike and toe-off of the stances that are, s.
        covered: (n,) share of the runner that the second one hides.
    """

    truth: Mapping[str, Any]
    trusted: dict[int, int] = field(default_factory=dict)
    nobody: set[int] = field(default_factory=set)
    counted: list[tuple[float, float]] = field(default_factory=list)
    covered: FloatArray = field(default_factory=lambda: np.zeros(0))

    @property
    def missed_s(self) -> float:
        """The longest time in one go without a pose of a runner who is not covered."""
        longest = now = 0
        for i, covered in enumerate(self.covered):
            now = now + 1 if i in self.nobody and covered <= _COVERED else 0
            longest = max(longest, now)
        return longest / FPS

    def wrong(self, pictures: Sequence[int]) -> int:
        """In how many of these pictures two and more of knees and ankles are not the runner's and yet trusted."""
        return sum(self.trusted.get(i, 0) >= 2 for i in pictures)

    def crowded(self, strike_s: float, toe_off_s: float) -> bool:
        """Whether the second one is on the belt throughout."""
        hips = np.array([self.truth["second"]["xyz"][i] for i in _pictures(strike_s, toe_off_s)])[:, 11:13].mean(1)
        return bool((np.abs(hips[:, :2]) < _BELT_M).all())


def _pictures(strike_s: float, toe_off_s: float) -> range:
    return range(math.ceil(strike_s * FPS), math.floor(toe_off_s * FPS) + 1)


def not_the_runners(pose: Pose, runner: FloatArray, second: FloatArray) -> int:
    """How many of the knees and ankles that are believed are not the runner's; all of them if it is another's pose."""
    torso = torso_px(runner)
    seen = [joint for joint in range(Joint.LEFT_SHOULDER, len(runner)) if pose.score[joint] > 0]
    mine, theirs = (float(np.median([off_px(pose, joint, xy) for joint in seen])) for xy in (runner, second))
    if (theirs < mine and mine > _POSE_OFF * torso) or mine > torso / 2:
        return len(_LEGS)
    return sum(pose.score[joint] > MIN_SCORE and off_px(pose, joint, runner) > _LEG_OFF * torso for joint in _LEGS)


def see(path: Path, model: ModelName) -> Seen:
    truth, config = load_truth(path.with_suffix(".json")), Config()
    seen, covered, recorder = Seen(truth), [], Recorder()
    with VideoSource(path, vfov_deg=truth["camera"]["vfov_deg"]) as source:
        net = open_model_for_file(config, source.fps, model)
        place = camera_place(config, net.name, source.vfov_deg, None)
        pipeline = Pipeline(net, analysis_settings(config, film=True), place)
        for i, frame in enumerate(source.frames(threading.Event())):
            outcome = pipeline.step(frame)
            runner, second = np.array(truth["frames"][i]["uv"]), np.array(truth["second"]["uv"][i])
            covered.append(_covered(frame.image.shape, truth, i, runner, second))
            recorder.add(outcome)
            if outcome.pose is None:
                seen.nobody.add(i)
            elif outcome.unused is None:
                seen.trusted[i] = not_the_runners(outcome.pose, runner, second)
    seen.covered = np.array(covered)
    seen.counted = [(one["strike_s"], one["toe_off_s"]) for one in recorder.stances if one["quality"] >= MIN_QUALITY]
    return seen


def _covered(
    shape: tuple[int, ...], truth: Mapping[str, Any], i: int, runner: FloatArray, second: FloatArray
) -> float:
    """Share of the runner that the second one hides."""
    eye = np.array(truth["camera"]["position"])
    both = (truth["frames"][i]["xyz"], truth["second"]["xyz"][i])
    here, there = (float(np.linalg.norm(np.array(xyz)[11:13].mean(0) - eye)) for xyz in both)
    if there > here:
        return 0.0
    body = body_mask(shape, runner)
    return float((body * body_mask(shape, second)).sum() / body.sum())


def row(name: str, model: ModelName, seen: Seen) -> list[object]:
    n = len(seen.covered)
    true = [(stance["strike_s"], stance["toeoff_s"]) for stance in seen.truth["stances"]]
    crowded = [seen.crowded(*moments) for moments in true]
    alone = [seen.crowded(*moments) for moments in seen.counted].count(False)
    spoilt = sum(seen.wrong(_pictures(*moments)) > 0 for moments in seen.counted)
    shares = (
        float((seen.covered > _COVERED).mean()),
        *(count / n for count in (len(seen.trusted), n - len(seen.trusted) - len(seen.nobody), len(seen.nobody))),
    )
    return [
        f"{name}, {model}", *(f"{share:.0%}".replace("%", " %") for share in shares),
        seen.wrong(sorted(seen.trusted)), f"{seen.missed_s:.2f}", f"{alone} of {crowded.count(False)}",
        f"{len(seen.counted) - alone} of {crowded.count(True)}" if any(crowded) else "–", spoilt,
    ]  # fmt: skip


HEADS = [
    "film, model", "covered", "trusted", "doubtful", "nobody", "**wrong, trusted**", "missed for, s",
    "stances counted, runner alone on the belt", "two on it", "counted with wrong pictures",
]  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    rows = []
    for film in rendered(argv, __doc__, "pairs.py"):
        for model in MODELS:
            print(f"{film.name}, {model}", file=sys.stderr)
            rows.append(row(film.stem, model, see(film, model)))
    fill(DOCUMENT, __file__, f"\n{table(HEADS, rows)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
