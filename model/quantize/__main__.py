"""``python -m model.quantize build``: the one command that rebuilds and measures the weights."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import KneelineError
from model.quantize import crops, manifest, sources
from model.quantize.crops import Image
from model.quantize.evaluate import clip_subject, evaluate
from model.quantize.runtime import Reader

WEIGHTS = sources.REPO / "model" / "weights"
README = Path(__file__).with_name("README.md")
REFERENCE = Path(__file__).with_name("demo_reference.npz")
OUTPUT = (
    "float32 [1,1,17,3] y, x, score as shares of the picture; "
    "then the maps [1,G,G,17] confidence and [1,G,G,34] offset in cells"
)
#: Every so many frames of the demo clip go into the reference.
REFERENCE_STEP = 20
#: Tuning crops are this much wider than the square around the person, so that variations have room.
ROOM = 1.2


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one model is tuned.

    ``long_stem``: how much of the backbone stays float. ``steps`` updates of ``batch`` pictures at ``rate``;
    ``power`` as in ``equalise``; ``calibration`` pictures.
    """

    long_stem: bool
    steps: int
    batch: int
    rate: float
    power: float
    seed: int
    calibration: int = 400


RECIPES = {
    "lightning": Recipe(long_stem=True, steps=1200, batch=8, rate=6e-5, power=0.75, seed=4),
    "thunder": Recipe(long_stem=False, steps=200, batch=8, rate=5e-5, power=0.75, seed=4),
}


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _default_extra() -> Path | None:
    folder = Path(os.environ.get("KNEELINE_SHARED", sources.REPO.parent / "shared")) / "data"
    return folder if folder.is_dir() else None


def _float_files(work: Path) -> dict[str, Path]:
    """The published models as ``.tflite`` files in float, made once."""
    files = {name: work / f"movenet-{name}-float.tflite" for name in RECIPES}
    for name, file in files.items():
        if not file.exists():
            from model.quantize.graph import MoveNet
            from model.quantize.integer import export_float

            _log(f"{name}: the published model as a float file")
            file.write_bytes(export_float(MoveNet(name, sources.model_folder(work))))
    return files


def _squares(work: Path, extra: Path | None, thunder: Path) -> dict[str, dict[int, crops.Square]]:
    """Where everyone is, frame by frame, followed with the float Thunder; kept in ``work``."""
    kept = work / "squares.json"
    found = crops.load_squares(kept) if kept.exists() else {}
    people = sources.tuning_subjects(work) + sources.held_out_subjects(work, extra)
    reader = Reader(thunder)
    for subject in people + [clip_subject(clip) for clip in sources.running_clips(extra)]:
        if subject.name not in found:
            _log(f"following {subject.name}")
            found[subject.name] = crops.follow(subject, reader, reader.size_px)
    crops.save_squares(found, kept)
    return found


def _tuning_pictures(work: Path, squares: dict[str, dict[int, crops.Square]], size_px: int) -> list[Image]:
    pictures = []
    for subject in sources.tuning_subjects(work):
        for number, image in enumerate(crops.frames(subject.film)):
            square = squares[subject.name][number]
            wide = crops.Square(square.x_px, square.y_px, square.side_px * ROOM)
            pictures.append(crops.cut(image, wide, size_px))
    return pictures


def _tune(name: str, recipe: Recipe, work: Path, squares: dict[str, dict[int, crops.Square]]) -> bytes:
    """Calibrates, equalises, distils and exports one model."""
    import tensorflow as tf

    from model.quantize import graph, integer, maps

    tf.keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    rng = np.random.default_rng(recipe.seed)
    teacher = graph.MoveNet(name, sources.model_folder(work))
    net = graph.MoveNet(name, sources.model_folder(work))
    pictures = _tuning_pictures(work, squares, net.size_px)

    def sample(count: int) -> NDArray[np.uint8]:
        return np.array([crops.vary(pictures[i], rng) for i in rng.integers(0, len(pictures), count)])

    layers = integer.plan(net, integer.LONG_STEM if recipe.long_stem else integer.SHORT_STEM)
    calibration = sample(recipe.calibration)
    integer.equalise(net, calibration, layers.rounded, recipe.power)
    ranges = integer.calibrate(net, calibration, sorted(layers.rounded))
    student = integer.make_student(net, layers, ranges)
    integer.distil(student, teacher, sample, recipe.steps, recipe.batch, recipe.rate, _log)
    return maps.with_maps(integer.export_int8(net, layers, *student.freeze()))


def _entry(name: str, recipe: Recipe, file: Path) -> dict[str, Any]:
    data = file.read_bytes()
    size = {"lightning": 192, "thunder": 256}[name]
    tuning = f"{sources.POSE2SIM.label}: two people in eight demo films ({sources.POSE2SIM.licence})"
    return {
        "file": file.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "input": {"size_px": size, "dtype": "uint8", "order": "RGB"},
        "output": OUTPUT,
        "origin": f"{sources.MOVENET.label} models/movenet-{name}.json",
        "origin_sha256": sources.MOVENET.sha256,
        "licence": f"Apache-2.0 (MoveNet SinglePose {name.title()} v4, Google)",
        "recipe": (
            f"python -m model.quantize build: backbone int8 after the {'long' if recipe.long_stem else 'short'} stem; "
            "stem, feature pyramid, heads and post-processing float; "
            f"channels equalised to the power {recipe.power}; {recipe.calibration} pictures for calibration; "
            f"self-distilled, {recipe.steps} steps of {recipe.batch} pictures at {recipe.rate:g}"
        ),
        "seed": recipe.seed,
        "calibration": [tuning],
    }


def _write_reference(files: dict[str, Path], squares: dict[int, crops.Square]) -> None:
    """What the float models see in some frames of the demo clip: lets tests check the weights without them."""
    clip = sources.running_clips(None)[0]
    numbers = [n for n in sorted(squares) if n % REFERENCE_STEP == 0]
    places = np.array([[squares[n].x_px, squares[n].y_px, squares[n].side_px] for n in numbers], np.float32)
    images = [image for n, image in enumerate(crops.frames(clip)) if n in numbers]
    outputs = {}
    for name, file in files.items():
        reader = Reader(file)
        cut = [crops.cut(i, crops.Square(*map(float, p)), reader.size_px) for i, p in zip(images, places, strict=True)]
        outputs[name] = np.array([reader(crop) for crop in cut], np.float32)
    np.savez_compressed(REFERENCE, frames=np.array(numbers), squares=places, **outputs)


def _publish(name: str, built: Path, entry: dict[str, Any], work: Path, extra: Path | None) -> None:
    """Measures ``built``, and only then puts file, manifest and table in their places."""
    floats = _float_files(work)
    squares = _squares(work, extra, floats["thunder"])
    _log(f"{name}: measuring")
    report = evaluate(built, floats[name], squares, work, extra)
    entries = manifest.read(WEIGHTS / "manifest.toml")
    entries[f"movenet-{name}-int8"] = {**entry, **manifest.measured(report)}
    _write_reference(floats, squares[clip_subject(sources.running_clips(None)[0]).name])
    target = WEIGHTS / str(entry["file"])
    if built != target:
        target.unlink(missing_ok=True)
        target.write_bytes(built.read_bytes())
    manifest.write(WEIGHTS / "manifest.toml", entries)
    manifest.update_readme(README, entries)
    _log(manifest.figures(entries))


def build(names: Sequence[str], work: Path, extra: Path | None) -> None:
    """Rebuilds, measures and writes the weights called ``names``."""
    squares = _squares(work, extra, _float_files(work)["thunder"])
    for name in names:
        built = work / f"movenet-{name}-int8.tflite"
        built.write_bytes(_tune(name, RECIPES[name], work, squares))
        _publish(name, built, _entry(name, RECIPES[name], built), work, extra)


def remeasure(names: Sequence[str], work: Path, extra: Path | None) -> None:
    """Measures the weights as they are; origin and recipe in the manifest stay."""
    for name in names:
        entry = manifest.read(WEIGHTS / "manifest.toml")[f"movenet-{name}-int8"]
        _publish(name, WEIGHTS / entry["file"], entry, work, extra)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m model.quantize", description=__doc__)
    parser.add_argument("task", choices=("build", "evaluate"), help="rebuild and measure, or only measure")
    parser.add_argument("--models", nargs="+", choices=tuple(RECIPES), default=list(RECIPES))
    parser.add_argument("--work", type=Path, default=sources.REPO / "build" / "quantize", help="folder for downloads")
    parser.add_argument("--extra", type=Path, default=_default_extra(), help="folder with more films to measure on")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        (build if options.task == "build" else remeasure)(options.models, options.work, options.extra)
    except KneelineError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
