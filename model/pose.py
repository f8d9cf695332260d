"""What every part speaks of: joints, sides, views, and one pose in one picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Joint(IntEnum):
    """COCO-17 keypoints in MoveNet's order. Left and right are the runner's own."""

    NOSE = 0
    LEFT_EYE = 1
    RIGHT_EYE = 2
    LEFT_EAR = 3
    RIGHT_EAR = 4
    LEFT_SHOULDER = 5
    RIGHT_SHOULDER = 6
    LEFT_ELBOW = 7
    RIGHT_ELBOW = 8
    LEFT_WRIST = 9
    RIGHT_WRIST = 10
    LEFT_HIP = 11
    RIGHT_HIP = 12
    LEFT_KNEE = 13
    RIGHT_KNEE = 14
    LEFT_ANKLE = 15
    RIGHT_ANKLE = 16


KEYPOINT_NAMES: tuple[str, ...] = tuple(j.name.lower() for j in Joint)
#: Index of the joint of the other side, for every joint (the nose is its own).
MIRROR_INDEX: tuple[int, ...] = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)


class Side(StrEnum):
    """The runner's own side."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> Side:
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


class View(StrEnum):
    """Where the camera looks from. Front and rear show the frontal plane, side the sagittal plane."""

    FRONT = "front"
    REAR = "rear"
    SIDE = "side"

    @property
    def frontal(self) -> bool:
        return self is not View.SIDE


@dataclass(frozen=True, slots=True)
class Leg:
    """Indices of the joints of one leg and of its trunk side."""

    hip: int
    knee: int
    ankle: int
    shoulder: int


LEGS: dict[Side, Leg] = {
    Side.LEFT: Leg(Joint.LEFT_HIP, Joint.LEFT_KNEE, Joint.LEFT_ANKLE, Joint.LEFT_SHOULDER),
    Side.RIGHT: Leg(Joint.RIGHT_HIP, Joint.RIGHT_KNEE, Joint.RIGHT_ANKLE, Joint.RIGHT_SHOULDER),
}


@dataclass(frozen=True, slots=True)
class Pose:
    """One person in one picture.

    Attributes:
        t_s: time of the picture in seconds from the first frame of the source.
        xy_px: (17, 2) joint positions in pixels of the full picture, origin top left, x right, y down, sub-pixel.
            NaN where a joint is missing; never 0 for missing.
        score: (17,) the model's confidence, 0 to 1; 0 where the joint is missing.
        image_size_px: (width, height) of the full picture.

    Both arrays are copied, checked for their shape and made read-only at construction.

    Raises:
        ValueError: an array has the wrong shape.
    """

    t_s: float
    xy_px: FloatArray
    score: FloatArray
    image_size_px: tuple[int, int]

    def __post_init__(self) -> None:
        for name, shape in (("xy_px", (17, 2)), ("score", (17,))):
            array = np.array(getattr(self, name), dtype=np.float64)
            if array.shape != shape:
                raise ValueError(f"Pose.{name} has shape {array.shape}: must be {shape}")
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def mid(self, a: int, b: int) -> FloatArray:
        """Midpoint of joints ``a`` and ``b``, (2,) px; NaN if either is missing."""
        mid: FloatArray = (self.xy_px[a] + self.xy_px[b]) / 2
        return mid
