"""What the tracker brings and costs, and whom it follows: ``python tests/validation/tracking_table.py``.

Writes ``model/tracking.md``. The clip that ships with the project is always there; the others are in ``--data`` (or
$KNEELINE_SHARED/data), and without them the tables are shorter. Takes about twenty minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))

from model.runtime import ModelName  # noqa: E402
from tests.validation import tracking_accuracy as accuracy  # noqa: E402
from tests.validation import tracking_scenes as scenes  # noqa: E402

REPORT = REPO / "model" / "tracking.md"
INTRO = Path(__file__).with_name("tracking.md")
DEMO = REPO / "device" / "demo" / "demo_front.mp4"
MODELS: tuple[ModelName, ...] = ("lightning", "thunder")
#: Bad pictures are made of the first seconds of these.
_SPOILT, _SPOILT_S = ("demo_front", "demo_rear", "dev_front_yaw6"), 8.0
#: In these the runner moves on the belt.
_MOVING = ("demo_front", "dev_rear_yaw12")


#: Place marks in the intro.
PARTS = ("WHAT_PAYS", "BY_CLIP", "SMOOTHING", "JOINTS", "GEOMETRY", "SCENES", "MOVES", "REAL", "QUALITY")


def tables(data: Path) -> Mapping[str, str]:
    """The parts of the report."""
    running = [clip for clip in accuracy.clips(DEMO, data) if clip.stances]
    frontal = [clip for clip in running if clip.view.frontal]
    spoilt = [replace(clip, seconds=_SPOILT_S) for clip in frontal if clip.name in _SPOILT]
    demo = next(clip for clip in running if clip.path == DEMO)
    poses = {name: accuracy.follow(accuracy.open_net(name), running) for name in MODELS}
    followed = {name: accuracy.follow_all_ways(name, frontal) for name in MODELS}
    made = (
        *accuracy.what_pays(frontal, MODELS),
        accuracy.smoothing_table(followed, frontal),
        accuracy.joints_table(poses, running),
        accuracy.geometry_table(demo, MODELS),
        scenes.scenes_table(demo, scenes.second_people(demo, data), MODELS),
        scenes.moves_table([clip for clip in frontal if clip.name in _MOVING], MODELS),
        scenes.real_table(data, MODELS),
        scenes.quality_table(spoilt, MODELS),
    )
    return dict(zip(PARTS, made, strict=True))


def filled(intro: str, parts: Mapping[str, str]) -> str:
    """The report: the intro with its place marks filled."""
    for name, lines in parts.items():
        intro = intro.replace(f"<!-- {name} -->", lines)
    return intro


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("KNEELINE_SHARED", REPO.parent / "shared"))
    parser.add_argument("--data", type=Path, default=shared / "data")
    arguments = parser.parse_args(argv)
    cv2.setNumThreads(1)
    REPORT.write_text(filled(INTRO.read_text("utf-8"), tables(arguments.data)), "utf-8")
    print(REPORT)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
