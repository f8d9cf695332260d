"""What int8 costs: a built file against the published float model, on people and clips that tuning never saw."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.pose import Side, View
from model.quantize import crops, sources
from model.quantize.crops import Square
from model.quantize.measure import Errors, Shift, compare, mid_stance_shift
from model.quantize.runtime import Reader

Squares = Mapping[str, Mapping[int, Square]]
Output = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Report:
    """One file's distance from its float model.

    Attributes:
        people: real people, held out.
        clips: rendered runners, held out, all frames of all clips.
        shifts: by clip name, for running clips seen from front or rear.
        time_ratio: processor time of one inference as a share of the float model's, LiteRT, one thread.
    """

    people: Errors
    clips: Errors
    shifts: dict[str, Shift]
    time_ratio: float

    @property
    def worst_shift_deg(self) -> float:
        return max(shift.worst_deg for shift in self.shifts.values())


def clip_subject(clip: Path) -> sources.Subject:
    """The runner of a rendered clip, who fills the middle of the picture."""
    return sources.Subject(f"clip {clip.stem}", clip, (0.5, 0.5), 0.9, "held out")


def _crops(subject: sources.Subject, squares: Squares, size_px: int) -> Iterator[crops.Image]:
    found = squares[subject.name]
    for number, image in enumerate(crops.frames(subject.film)):
        if number in found:
            yield crops.cut(image, found[number], size_px)


def _both(subject: sources.Subject, squares: Squares, reference: Reader, built: Reader) -> tuple[Output, Output]:
    pairs = [(reference(crop), built(crop)) for crop in _crops(subject, squares, built.size_px)]
    return np.array([a for a, _ in pairs], np.float64), np.array([b for _, b in pairs], np.float64)


def _in_picture(output: Output, squares: Mapping[int, Square]) -> Output:
    return np.array([squares[n].to_picture(output[i][:, [1, 0]]) for i, n in enumerate(sorted(squares))])


def _shift(clip: Path, reference: Output, built: Output, squares: Mapping[int, Square]) -> Shift | None:
    """Shift of the mean mid-stance FPPA, or None for a clip without stances in a frontal view."""
    truth = json.loads(clip.with_suffix(".json").read_text())
    stances = [(Side(stance["side"]), float(stance["mid_s"])) for stance in truth["stances"]]
    if not stances or not View(truth["view"]).frontal:
        return None
    t_s = np.array(sorted(squares)) / truth["fps"]
    return mid_stance_shift(_in_picture(reference, squares), _in_picture(built, squares), t_s, stances)


def _compare(pairs: Sequence[tuple[Output, Output]], size_px: int) -> Errors:
    reference, built = (np.concatenate(outputs) for outputs in zip(*pairs, strict=True))
    return compare(reference, built, size_px)


def evaluate(built: Path, reference: Path, squares: Squares, work: Path, extra: Path | None) -> Report:
    """Measures ``built`` against ``reference``, the float file of the same model.

    Args:
        built: the int8 file.
        reference: the float file.
        squares: where each held-out person and each clip's runner is, by subject name and frame number.
        work: folder with the fetched packages.
        extra: folder with more films, or None.
    """
    float_model, int8_model = Reader(reference), Reader(built)
    people = [_both(s, squares, float_model, int8_model) for s in sources.held_out_subjects(work, extra)]
    clips, shifts = [], {}
    for clip in sources.running_clips(extra):
        subject = clip_subject(clip)
        pair = _both(subject, squares, float_model, int8_model)
        clips.append(pair)
        shift = _shift(clip, *pair, squares[subject.name])
        if shift:
            shifts[clip.stem] = shift
    size = int8_model.size_px
    return Report(
        people=_compare(people, size),
        clips=_compare(clips, size),
        shifts=shifts,
        time_ratio=int8_model.cpu_milliseconds() / float_model.cpu_milliseconds(),
    )
