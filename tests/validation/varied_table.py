"""The same runners under other conditions: writes the tables of model/varied.md.

    python tests/validation/varied_table.py [--keypoints DIR]

Every running clip with truth, from in front and behind, goes through both pose models as it is, mirrored, from a camera
that is turned on the spot, rolled, or stands further away (its picture made smaller), and in poor light; then with its
time stretched. The truth changes in a known way with each of them. What was fitted on the clips as they are must hold
for the others too, or it was a fit to the files. The clip that ships with the project is always there; the others are
in the shared data. Keypoints are kept in DIR, so that a second run is quick.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO))

from model.analysis import AnalysisSettings, RunAnalysis  # noqa: E402
from model.coach import Cue  # noqa: E402
from model.place import CameraPlace  # noqa: E402
from model.pose import FloatArray, Pose, Side, View  # noqa: E402
from model.quality import FrameQuality, leg_confidence  # noqa: E402
from model.runtime import ModelName  # noqa: E402
from model.stance import MIN_QUALITY, Stance  # noqa: E402
from tests.conftest import shared_data  # noqa: E402
from tests.validation.document import fill, spread  # noqa: E402
from tests.validation.keypoints import Image, kept, see  # noqa: E402

DOCUMENT = REPO / "model" / "varied.md"
DEMO = REPO / "device" / "demo" / "demo_front.json"
MODELS: tuple[ModelName, ...] = ("lightning", "thunder")
DIVE_DEG, _SAME_STANCE_S = 9.9, 0.15


@dataclass(frozen=True, slots=True)
class Variant:
    """What is done to the pictures, in this order.

    Attributes:
        yaw_deg, pitch_deg, roll_deg: how the camera is turned on the spot; signs as in `VirtualCamera`.
        scale: of the picture about its middle.
        light: what is left of it; with less than all of it comes noise of 4 grey levels.
        blur_px: SD of what blurs it then: a soft lens, or a camera that smooths its own noise away.
        mirrored: left and right exchanged.
        stretch: of time; 1.2: slower by a sixth.
    """

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    scale: float = 1.0
    light: float = 1.0
    blur_px: float = 0.0
    mirrored: bool = False
    stretch: float = 1.0

    def picture_key(self) -> str:
        """Names what the pose model gets to see."""
        turns = f"{self.yaw_deg:g}_{self.pitch_deg:g}_{self.roll_deg:g}"
        blur = f"_{self.blur_px:g}" if self.blur_px else ""
        return f"{turns}_{self.scale:g}_{self.light:g}{blur}_{'m' if self.mirrored else 'o'}"

    def homography(self, camera: Mapping[str, Any]) -> FloatArray:
        """(3, 3) from the clip's pixels to those of the turned camera: exact, as it stays in its place."""
        yaw, pitch, roll = (math.radians(v) for v in (self.yaw_deg, self.pitch_deg, self.roll_deg))
        about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
        about_x = np.array([[1, 0, 0], [0, math.cos(pitch), math.sin(pitch)], [0, -math.sin(pitch), math.cos(pitch)]])
        about_z = np.array([[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]])
        lens = np.array([[camera["fx"], 0, camera["cx"]], [0, camera["fy"], camera["cy"]], [0, 0, 1.0]])
        smaller = lens * np.array([[self.scale, 1, 1], [1, self.scale, 1], [1, 1, 1]])
        turned: FloatArray = smaller @ about_z @ about_x @ about_y @ np.linalg.inv(lens)
        return turned

    def picture(self, image: Image, camera: Mapping[str, Any], rng: np.random.Generator) -> Image:
        height, width = image.shape[:2]
        if (self.yaw_deg, self.pitch_deg, self.roll_deg, self.scale) != (0, 0, 0, 1):
            how = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_CUBIC
            turned = cv2.warpPerspective(
                image, self.homography(camera), (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE
            )
            image = np.asarray(turned, np.uint8)
        if self.light < 1:
            image = (image * self.light + rng.normal(0, 4, image.shape)).clip(0, 255).astype(np.uint8)
        if self.blur_px:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), self.blur_px), np.uint8)
        return np.ascontiguousarray(image[:, ::-1]) if self.mirrored else image

    def side(self, name: str) -> Side:
        return Side(name).other if self.mirrored else Side(name)

    def yaw_of(self, yaw_deg: float) -> float:
        """Of the varied camera, from the clip's."""
        return -(yaw_deg + self.yaw_deg) if self.mirrored else yaw_deg + self.yaw_deg


VARIANTS: Mapping[str, Variant] = {
    "as it is": Variant(),
    "mirrored": Variant(mirrored=True),
    "turned by 4°": Variant(yaw_deg=4),
    "turned by −4°, mirrored": Variant(yaw_deg=-4, mirrored=True),
    "rolled by 3°": Variant(roll_deg=3),
    "rolled by −3°, mirrored": Variant(roll_deg=-3, mirrored=True),
    "1.25 times as far": Variant(scale=0.8),
    "half the light, noise": Variant(pitch_deg=-2, scale=0.9, light=0.5),
    "half the light, 1.4 times as far, mirrored": Variant(scale=0.7, light=0.5, mirrored=True),
    "a soft lens": Variant(blur_px=1.3),
    "half the light, noise smoothed away": Variant(pitch_deg=-2, scale=0.9, light=0.5, blur_px=0.8),
    "faster by 18 %": Variant(stretch=0.85),
    "slower by 17 %, mirrored": Variant(stretch=1.2, mirrored=True),
}


@dataclass(frozen=True, slots=True)
class TrueStance:
    """One stance of a rendered runner. FPPA is in the frontal plane, ``dive_deg`` of it was put in."""

    side: Side
    strike_s: float
    toe_off_s: float
    fppa_deg: float
    drop_deg: float
    dive_deg: float

    def holds(self, side: Side, t_s: float) -> bool:
        """Whether a cue or verdict of this time is of this stance."""
        return side is self.side and self.strike_s <= t_s <= self.toe_off_s + 0.1


@dataclass(frozen=True, slots=True)
class Found:
    """What the analysis made of one clip in one variant; the belt's speed was not told.

    Attributes:
        yaw_deg: true one.
        camera_yaw_deg: found one, None where there is none.
        truth: all stances.
        pairs: counted stances with the true one.
        cues: all.
        judged: sides and times at which a stance was judged.
        cadence_off_spm: found minus true.
    """

    yaw_deg: float
    camera_yaw_deg: float | None
    truth: Sequence[TrueStance]
    pairs: Sequence[tuple[Stance, TrueStance]]
    cues: Sequence[Cue]
    judged: Sequence[tuple[Side, float]]
    cadence_off_spm: float

    def off_deg(self, key: str, side: Side, dives: bool = False) -> FloatArray:
        """(n, 2) of a side's stances with or without a dive: measured, true."""
        rows = [
            (stance.values[key], true.fppa_deg if key == "fppa_deg" else true.drop_deg)
            for stance, true in self.pairs
            if stance.side is side and (true.dive_deg >= DIVE_DEG if dives else true.dive_deg == 0)
        ]
        found = np.array(rows, dtype=np.float64).reshape(-1, 2)
        known: FloatArray = found[np.isfinite(found[:, 0])]
        return known

    def cued(self, dives: bool) -> tuple[int, int]:
        """Stances cued, and judged: of dives, or of those without."""
        some = [true for true in self.truth if (true.dive_deg >= DIVE_DEG if dives else true.dive_deg == 0)]
        some = [true for true in some if any(true.holds(side, t_s) for side, t_s in self.judged)]
        return sum(any(true.holds(cue.side, cue.t_s) for cue in self.cues) for true in some), len(some)


def truths(data: Path | None) -> list[Path]:
    """Of all running clips from in front and behind; without shared data, of the project's own."""
    paths = [DEMO] if data is None else sorted((data / "clips").glob("*.json"))
    held = [(path, json.loads(path.read_text("utf-8"))) for path in paths]
    return [path for path, truth in held if truth["stances"] and View(truth["view"]).frontal]


def poses_of(path: Path, variant: Variant, model: ModelName, keypoints: Path) -> list[Pose]:
    """What the pose model sees of a clip, from the cache where it is there; times not yet stretched."""
    camera = json.loads(path.read_text("utf-8"))["camera"]
    rng = np.random.default_rng(1)
    return kept(
        keypoints / f"{path.stem}_{variant.picture_key()}_{model}.npz",
        lambda: see(path.with_suffix(".mp4"), model, lambda image: variant.picture(image, camera, rng)),
    )


def analyse(path: Path, variant: Variant, model: ModelName, keypoints: Path) -> Found:
    """One clip in one variant as one session."""
    document = json.loads(path.read_text("utf-8"))
    truth = [
        TrueStance(
            variant.side(s["side"]), variant.stretch * s["strike_s"], variant.stretch * s["toeoff_s"],
            s["fppa_frontal3d_mid_deg"], s["pelvic_drop_mid_deg"], s["valgus_added_deg"],
        )
        for s in document["stances"]
    ]  # fmt: skip
    place = CameraPlace(model)
    analysis = RunAnalysis(AnalysisSettings(model=model), place)
    stances: list[Stance] = []
    cues: list[Cue] = []
    judged: list[tuple[Side, float]] = []
    before: dict[Side, object] = dict.fromkeys(Side)
    for seen in poses_of(path, variant, model, keypoints):
        t_s = variant.stretch * seen.t_s
        pose = Pose(t_s, seen.xy_px, seen.score, seen.image_size_px)
        outcome = analysis.step(t_s, pose, FrameQuality(leg_confidence(pose)))
        stances += outcome.stances
        cues += outcome.cues
        new = {side: verdict for side, verdict in outcome.coach.verdicts.items() if verdict is not before[side]}
        judged += [(side, t_s) for side, verdict in new.items() if verdict is not None]
        before |= new
    return Found(
        variant.yaw_of(float(document["camera"].get("yaw_deg", 0.0))), place.camera.yaw_deg, truth,
        list(_pairs(stances, truth)), cues, judged, _cadence_spm(stances) - _cadence_spm(truth),
    )  # fmt: skip


def _pairs(stances: Sequence[Stance], truth: Sequence[TrueStance]) -> Iterator[tuple[Stance, TrueStance]]:
    for stance in stances:
        true = min(truth, key=lambda one: (one.side is not stance.side, abs(one.strike_s - stance.strike_s)))
        if stance.quality >= MIN_QUALITY and abs(true.strike_s - stance.strike_s) < _SAME_STANCE_S:
            yield stance, true


def _cadence_spm(stances: Sequence[Stance] | Sequence[TrueStance]) -> float:
    steps = np.diff(sorted(stance.strike_s for stance in stances))
    return 60.0 / float(steps[steps < 1.6 * np.median(steps)].mean())


def row(name: str, found: Sequence[Found]) -> str:
    """One line of a table, over some clips."""
    yaws = [one.camera_yaw_deg - one.yaw_deg for one in found if one.camera_yaw_deg is not None]
    errors, drops, apart, gains, separations = [], [], [], [], []
    for one in found:
        aligned = {side: one.off_deg("fppa_deg", side) for side in Side}
        means = [float((a[:, 0] - a[:, 1]).mean()) if len(a) else math.nan for a in aligned.values()]
        errors += means
        apart.append(means[0] - means[1])
        both = [np.concatenate([one.off_deg("pelvic_drop_deg", side, d) for d in (True, False)]) for side in Side]
        drops += [float((a[:, 0] - a[:, 1]).mean()) for a in both]
        for side in Side:
            dive, rest = one.off_deg("fppa_deg", side, dives=True), aligned[side]
            if min(len(dive), len(rest)) >= 3:
                change = dive.mean(axis=0) - rest.mean(axis=0)
                gains.append(float(change[0] / change[1]))
                separations.append(
                    float(change[0] / math.sqrt((dive[:, 0].var(ddof=1) + rest[:, 0].var(ddof=1)) / 2))
                )
    dives, aligned_cued = (np.sum([one.cued(d) for one in found], axis=0) for d in (True, False))
    gain = f"{np.mean(gains):.2f} ({min(gains):.2f} to {max(gains):.2f})" if gains else "–"
    separation = f"{np.mean(separations):.1f} / {min(separations):.1f}" if separations else "–"
    cadence = max((one.cadence_off_spm for one in found), key=abs)
    return (
        f"| {name} | {spread(yaws)} | {spread(errors)} | {spread(apart)} | {spread(drops)} | {gain} | "
        f"{separation} | {dives[0]} of {dives[1]} | {aligned_cued[0]} of {aligned_cued[1]} | {cadence:+.1f} |"
    )


def table(paths: Sequence[Path], model: ModelName, view: View, keypoints: Path) -> list[str]:
    """Of one model and view: a row for each variant, and one for all."""
    mine = [path for path in paths if json.loads(path.read_text("utf-8"))["view"] == view]
    lines = [
        "| variant | yaw, ° | FPPA aligned, mean of a side, ° | left − right, ° | pelvic drop, mean of a side, ° | "
        "dive seen | d′ mean / least | dives cued | aligned cued | cadence, worst, spm |",
        "|" + "---|" * 10,
    ]
    every: list[Found] = []
    for name, variant in VARIANTS.items():
        found = [analyse(path, variant, model, keypoints) for path in mine]
        every += found
        lines.append(row(name, found))
    return [*lines, row("**all**", every)]


def tables(paths: Sequence[Path], keypoints: Path) -> str:
    text = []
    views = sorted({View(json.loads(path.read_text("utf-8"))["view"]) for path in paths})
    for model in MODELS:
        for view in views:
            text += [f"\n### {model.capitalize()}, {view}\n", *table(paths, model, view, keypoints)]
    return "\n".join(text).lstrip()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keypoints", type=Path, default=Path(tempfile.gettempdir()) / "kneeline-varied")
    arguments = parser.parse_args(argv)
    arguments.keypoints.mkdir(parents=True, exist_ok=True)
    text = tables(truths(shared_data()), arguments.keypoints)
    fill(DOCUMENT, __file__, f"\n{text}\n")
    sys.stdout.write(f"{text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
