"""From a whole picture to one runner's pose: where to look, and what MoveNet sees there.

The crop is a square in float picture coordinates that follows the runner. It widens at once when a joint nears its edge
and narrows slowly, so that it does not tremble with every step (a trembling crop is noise on every joint) and the legs
are always inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from model.pose import FloatArray, Joint, Pose

#: Google's model card: below this a joint is not to be trusted.
MIN_SCORE = 0.3
_TORSO = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.LEFT_HIP, Joint.RIGHT_HIP]
_BODY_MARGIN = 1.25  # the body's extent is this share of the crop's side
_TORSO_MARGIN = 3.8  # the torso's length times this is the smallest crop (1.9 to each side)
_SHRINK_TAU_S = 1.0


class Net(Protocol):
    """What the tracker needs of a network; see `model.runtime.PoseNet`."""

    def invoke(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of the picture: its centre and its side, in px, not bound to whole pixels or to the picture."""

    x_px: float
    y_px: float
    side_px: float

    def cut(self, image: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
        """The square resampled to (size_px, size_px, 3); black where it leaves the picture."""
        scale = size_px / self.side_px
        left, top = self.x_px - self.side_px / 2, self.y_px - self.side_px / 2
        # The centre of a pixel is at its index + 0.5 on both sides.
        to_crop = np.array(
            [[scale, 0.0, (0.5 - left) * scale - 0.5], [0.0, scale, (0.5 - top) * scale - 0.5]]
        )
        cut = cv2.warpAffine(image, to_crop, (size_px, size_px), flags=cv2.INTER_LINEAR)
        return np.asarray(cut, dtype=np.uint8)

    def to_picture(self, joints: NDArray[np.float32]) -> FloatArray:
        """(17, 2) px x, y in the picture, from (17, ≥ 2) y, x shares of the crop."""
        corner = np.array([self.x_px, self.y_px]) - self.side_px / 2
        xy: FloatArray = corner + joints[:, 1::-1].astype(np.float64) * self.side_px
        return xy


def whole_picture(image_size_px: tuple[int, int]) -> Crop:
    """The smallest square that holds the whole picture."""
    width, height = image_size_px
    return Crop(width / 2, height / 2, float(max(width, height)))


class RunnerTracker:
    """Follows one runner from picture to picture.

    Args:
        net: the network.
        size_px: the side of the network's input.
    """

    def __init__(self, net: Net, size_px: int) -> None:
        self._net = net
        self._size_px = size_px
        self._box: FloatArray | None = None  # left, top, right, bottom of the runner's recent extent
        self._t_s = 0.0
        self._side_px = 0.0

    def step(self, image: NDArray[np.uint8], t_s: float) -> Pose | None:
        """The runner's pose in this picture, or None when nobody is seen.

        Args:
            image: (H, W, 3) uint8 RGB.
            t_s: the picture's time in seconds, increasing.
        """
        size = (image.shape[1], image.shape[0])
        crop = whole_picture(size) if self._box is None else self._follow(self._box)
        joints = self._net.invoke(crop.cut(image, self._size_px))
        pose = Pose(t_s, crop.to_picture(joints), joints[:, 2].astype(np.float64), size)
        if not is_person(pose):
            self._box = None
            return None
        self._remember(pose, t_s)
        return pose

    def _follow(self, box: FloatArray) -> Crop:
        left, top, right, bottom = (float(v) for v in box)
        return Crop((left + right) / 2, (top + bottom) / 2, self._side_px)

    def _remember(self, pose: Pose, t_s: float) -> None:
        seen = pose.xy_px[pose.score > MIN_SCORE]
        now = np.concatenate([seen.min(axis=0), seen.max(axis=0)])
        if self._box is None:
            self._box = now
        else:
            keep = float(np.exp(-(t_s - self._t_s) / _SHRINK_TAU_S))
            slow = keep * self._box + (1 - keep) * now
            self._box = np.concatenate([np.minimum(slow[:2], now[:2]), np.maximum(slow[2:], now[2:])])
        self._t_s = t_s
        torso = np.linalg.norm(
            pose.mid(Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER) - pose.mid(Joint.LEFT_HIP, Joint.RIGHT_HIP)
        )
        extent = float(max(self._box[2] - self._box[0], self._box[3] - self._box[1]))
        self._side_px = max(extent * _BODY_MARGIN, float(torso) * _TORSO_MARGIN * 0.7)


def is_person(pose: Pose) -> bool:
    """Whether enough of a person is seen to follow: a shoulder, a hip, and half of the torso's and legs' joints."""
    ok = pose.score > MIN_SCORE
    shoulders = ok[Joint.LEFT_SHOULDER] or ok[Joint.RIGHT_SHOULDER]
    hips = ok[Joint.LEFT_HIP] or ok[Joint.RIGHT_HIP]
    return bool(shoulders and hips and ok[[*_TORSO, *range(Joint.LEFT_KNEE, Joint.RIGHT_ANKLE + 1)]].sum() >= 5)
