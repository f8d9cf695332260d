"""Square crops around a person: geometry, following a person through a film, and variations for training."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from model.errors import InputError
from model.quantize.sources import Subject

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]
#: A pose model: (S, S, 3) uint8 RGB to (17, 3) y, x, score in shares of the crop.
Predict = Callable[[Image], NDArray[np.float32]]
#: The square is this much larger than the box around the joints.
MARGIN = 1.3
MIN_SCORE = 0.15
LOST_SCORE = 0.3


@dataclass(frozen=True, slots=True)
class Square:
    """A square in a picture: centre and side in pixels, origin at the top left corner of the picture."""

    x_px: float
    y_px: float
    side_px: float

    def matrix(self, size_px: int, turn_deg: float = 0.0) -> FloatArray:
        """(2, 3) matrix from picture pixel indices to crop pixel indices, pixel centres kept in place.

        ``turn_deg`` > 0 turns the content anticlockwise on the screen about the centre of the square.
        """
        scale = size_px / self.side_px
        cos, sin = np.cos(np.radians(turn_deg)) * scale, np.sin(np.radians(turn_deg)) * scale
        # indices have their pixel's centre at +0.5: corner coordinates in, corner coordinates out
        x, y = self.x_px - 0.5, self.y_px - 0.5
        middle = size_px / 2 - 0.5
        return np.array([[cos, sin, middle - cos * x - sin * y], [-sin, cos, middle + sin * x - cos * y]])

    def to_picture(self, share: NDArray[np.floating[Any]]) -> FloatArray:
        """(..., 2) x, y in shares of the crop to picture pixels (corner coordinates)."""
        corner = np.array([self.x_px, self.y_px]) - self.side_px / 2
        picture: FloatArray = np.asarray(share, dtype=np.float64) * self.side_px + corner
        return picture


def cut(image: Image, square: Square, size_px: int, turn_deg: float = 0.0) -> Image:
    """(size, size, 3) crop of ``image``, black outside the picture."""
    flags = cv2.INTER_AREA if square.side_px > size_px else cv2.INTER_LINEAR
    crop = cv2.warpAffine(image, square.matrix(size_px, turn_deg), (size_px, size_px), flags=flags)
    return np.asarray(crop, dtype=np.uint8)


def frames(film: Path) -> Iterator[Image]:
    """(H, W, 3) uint8 RGB pictures of a film.

    Raises:
        InputError: the film cannot be read.
    """
    capture = cv2.VideoCapture(str(film))
    if not capture.isOpened():
        raise InputError(f"{film}: cannot be read as a film; fetch the package again")
    try:
        while True:
            there, bgr = capture.read()
            if not there:
                return
            yield np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    finally:
        capture.release()


def square_around(output: NDArray[np.float32], square: Square) -> Square | None:
    """The square for the next picture from the joints seen in this one, or None where too few are seen."""
    seen = output[:, 2] > MIN_SCORE
    if seen.sum() < 8:
        return None
    xy = square.to_picture(output[seen][:, [1, 0]])
    low, high = xy.min(axis=0), xy.max(axis=0)
    centre = (low + high) / 2
    return Square(float(centre[0]), float(centre[1]), float((high - low).max() * MARGIN))


def _blend(old: Square, new: Square, weight: float) -> Square:
    keep = 1 - weight
    return Square(
        keep * old.x_px + weight * new.x_px,
        keep * old.y_px + weight * new.y_px,
        keep * old.side_px + weight * new.side_px,
    )


def follow(subject: Subject, predict: Predict, size_px: int) -> dict[int, Square]:
    """Frame number to square, for one person from their first frame until they are lost."""
    squares: dict[int, Square] = {}
    square: Square | None = None
    for number, image in enumerate(frames(subject.film)):
        if number < subject.start_frame:
            continue
        if square is None:
            height, width = image.shape[:2]
            square = Square(subject.centre[0] * width, subject.centre[1] * height, subject.side * height)
            for _ in range(3):
                square = square_around(predict(cut(image, square, size_px)), square) or square
        output = predict(cut(image, square, size_px))
        if float(output[:, 2].mean()) < LOST_SCORE and subject.role == "held out":
            break
        squares[number] = square
        new = square_around(output, square)
        square = _blend(square, new, 0.4) if new else square
    return squares


def save_squares(squares: dict[str, dict[int, Square]], path: Path) -> None:
    rows = {name: {str(n): [s.x_px, s.y_px, s.side_px] for n, s in found.items()} for name, found in squares.items()}
    path.write_text(json.dumps(rows))


def load_squares(path: Path) -> dict[str, dict[int, Square]]:
    rows = json.loads(path.read_text())
    return {name: {int(n): Square(*s) for n, s in found.items()} for name, found in rows.items()}


def vary(image: Image, rng: np.random.Generator) -> Image:
    """A training variation of a crop, same shape: moved, turned, scaled, mirrored, recoloured, relit, noisy."""
    size = image.shape[0]
    zoom = float(rng.uniform(0.75, 1.25))
    move = rng.uniform(-0.1, 0.1, 2) * size
    square = Square(size / 2 + float(move[0]), size / 2 + float(move[1]), size / zoom)
    varied: NDArray[np.float64] = cut(image, square, size, float(rng.uniform(-15, 15))).astype(np.float64)
    if rng.random() < 0.5:
        varied = varied[:, ::-1]
    if rng.random() < 0.3:
        varied = varied[..., rng.permutation(3)]
    varied = 255 * (varied / 255) ** rng.uniform(0.6, 1.6)
    varied = varied * rng.uniform(0.7, 1.3) * rng.uniform(0.88, 1.12, 3) + rng.uniform(-25, 25)
    if rng.random() < 0.3:
        varied = np.asarray(cv2.GaussianBlur(varied, (0, 0), float(rng.uniform(0.4, 1.2))), np.float64)
    varied = varied + rng.normal(0, rng.uniform(0, 6), varied.shape)
    return np.ascontiguousarray(np.clip(varied, 0, 255).round().astype(np.uint8))
