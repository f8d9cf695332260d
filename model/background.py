"""Whether the camera itself is moved or shaken, told by what stands still behind the runner.

How a shaken camera sways is told for each picture, so that it can be taken out of what is seen there: a camera on the
belt's own rail sways with the steps, and what is in step with them is in every stance alike.

The runner's feet tell a move, too, but only after some steps (`camera_pose`). The background tells it at once, and
while nobody is there. Corners of it are followed from picture to picture (Shi & Tomasi 1994; pyramidal Lucas & Kanade,
Bouguet 2001; RANSAC, Fischler & Bolles 1981). Where there are too few of them, as before a bare wall, nothing is told.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from model.person import weight_of_newest
from model.pose import FloatArray, Pose

Image = NDArray[np.uint8]
Corners = NDArray[np.float32]
#: Rows and columns of a picture.
Box = tuple[slice, slice]

#: A look so often, at a picture whose longer side is made so small.
_EVERY_S, _SIDE_PX = 0.25, 160
#: At most and at least so many corners, so far apart, and how clear each is beside the clearest.
_MOST, _FEWEST, _APART_PX, _CLEAR = 80, 16, 5, 0.02
#: The window around each, of how many reductions, and how far it may be from where all of them go.
_WINDOW_PX, _LEVELS, _FIT_PX = (13, 13), 3, 1.0
#: A move is told by so many corners, this share of those that were followed, spread over so much of the picture's
#: sides, as far from each other as before but for so much; somebody before the camera moves few, or leaves more at rest
#: than this share of those that move.
_AGREE, _SHARE, _SPREAD, _GROWN, _AT_REST = 10, 0.4, (0.45, 0.3), 0.1, 0.25
#: Where so many corners, as a share, are within so much of where they were, the camera is, too.
_MOST_AT_REST, _AT_REST_PX = 0.6, 0.15
#: Moved: by this share of the longer side (3° where that is 53° wide, as far as the feet tell it, too) or turned so far
#: about the lens's axis.
_MOVED_SHARE, _ROLLED_DEG = 0.055, 2.5
#: It stands where it stood: within this, px and degrees.
_STILL_PX, _STILL_DEG = 0.5, 0.4
#: A move is believed after so many looks in the same place. What is compared with is made new so often while it is
#: found where it was, and so often while it trembles; where for so long nothing of it is found again, or for so long it
#: is found in ever other places.
_LOOKS, _RENEWED_S, _TREMBLED_S, _FORGOTTEN_S, _ASTRAY_S = 4, 10.0, 30.0, 60.0, 4.0
#: Shaken: from side to side by so much, px (1 px of 640), rms over so many looks.
_SHAKEN_PX, _SHAKEN_LOOKS = 0.25, 20
#: Moves from which it came back so many times are swings.
_RETURNS = 3
#: A first look after the other so long, so that trembling is known before the runner's first steps are.
_SOON_S = 0.1
#: Where a shaken camera looks in the mean is known over so long.
_SWAYS_ABOUT_S = 3.0
#: A body is wider than its joints, by this share of their height.
_BODY_BEYOND = 0.15


@dataclass(frozen=True, slots=True)
class _Shift:
    """Where the middle of the picture went, px of the small one, and how far it turned."""

    right_px: float
    down_px: float
    roll_deg: float

    def __sub__(self, other: _Shift) -> _Shift:
        return _Shift(
            self.right_px - other.right_px, self.down_px - other.down_px, self.roll_deg - other.roll_deg
        )

    def times(self, share: float) -> _Shift:
        return _Shift(share * self.right_px, share * self.down_px, share * self.roll_deg)

    def near(self, other: _Shift) -> bool:
        away = self - other
        return math.hypot(away.right_px, away.down_px) < _STILL_PX and abs(away.roll_deg) < _STILL_DEG

    @property
    def is_a_move(self) -> bool:
        moved_px = math.hypot(self.right_px, self.down_px)
        return moved_px > _MOVED_SHARE * _SIDE_PX or abs(self.roll_deg) > _ROLLED_DEG


_NONE = _Shift(0.0, 0.0, 0.0)


class Background:
    """Looks at the pictures of one camera now and then. Deterministic, by the pictures' times.

    Attributes:
        shaken: whether the camera has trembled of late, as on a rail of the belt.
    """

    def __init__(self) -> None:
        self.shaken = False
        self._size_px: tuple[int, ...] | None = None
        self._looked_s = -math.inf
        self._last: Image | None = None
        self._shifts: deque[_Shift] = deque(maxlen=_SHAKEN_LOOKS)
        self._forget()

    def begin_anew(self) -> None:
        """Another set-up is seen from now on."""
        self._last = None
        self._shifts.clear()
        self._forget()

    def _forget(self) -> None:
        """There is nothing to compare with any more, until the next look."""
        self._before: Image | None = None
        self._corners = np.empty((0, 1, 2), np.float32)
        self._found_s = self._renewed_s = self._still_s = self._swayed_s = -math.inf
        self._sways = 0
        self._swung: list[_Shift] = []  # how far it has been away since it was last at its place
        self._returns = 0
        self._about = self._sway = _NONE  # where a shaken camera looks in the mean, and now beside that
        self._back()

    def _back(self) -> None:
        """The camera is not known to be elsewhere."""
        self._there: _Shift | None = None
        self._there_s = math.inf
        self._looks = 0

    @property
    def moving(self) -> bool:
        """Whether the camera seems to be elsewhere, and it is not yet known whether it stays there."""
        return self._there is not None

    def _trembles(self) -> bool:
        if len(self._shifts) < _SHAKEN_LOOKS:
            return False
        places = np.array([(shift.right_px, shift.down_px) for shift in self._shifts])
        return float(np.linalg.norm(places.std(axis=0))) > _SHAKEN_PX

    def step(self, image: Image, t_s: float, pose: Pose | None) -> float | None:
        """Takes every picture, in order of time; a time before the last one is that of a film that begins anew.

        Args:
            image: (H, W, 3) RGB.
            t_s: when it was taken.
            pose: who is in it, and no part of the background.

        Returns:
            In the picture that tells that the camera was moved and stands still again: how many seconds ago it was last
            seen where it stood before. None otherwise.
        """
        every_s = _EVERY_S if len(self._shifts) == _SHAKEN_LOOKS else _SOON_S
        if abs(t_s - self._looked_s) < every_s:  # a driver may stamp a picture a little before the last one
            if self.shaken and self._before is not None:
                self._note_sway(_shift(self._before, self._corners, small(image)), t_s)
            return None
        if image.shape != self._size_px or t_s < self._looked_s:
            self._size_px = image.shape
            self.begin_anew()
        self._looked_s = t_s
        now = small(image)
        ago_s = self._compare(now, t_s, pose)
        self._last = now
        self.shaken = self._trembles()
        return ago_s

    def steadied(self, pose: Pose) -> Pose:
        """What was seen in the last picture, as the camera would have shown it had it not been shaken."""
        if not self.shaken:
            return pose
        scale = max(pose.image_size_px) / _SIDE_PX
        middle = np.array(pose.image_size_px) / 2
        swayed = middle + scale * np.array([self._sway.right_px, self._sway.down_px])
        turn = math.radians(self._sway.roll_deg)
        back = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
        return replace(pose, xy_px=(pose.xy_px - swayed) @ back + middle)

    def _note_sway(self, shift: _Shift | None, t_s: float) -> None:
        if shift is None or shift.is_a_move:
            self._sway = _NONE
            return
        share = weight_of_newest(max(0.0, t_s - self._swayed_s), _SWAYS_ABOUT_S, self._sways)
        self._sway = (shift - self._about).times(1 - share)
        self._about = shift - self._sway
        self._sways += 1
        self._swayed_s = t_s

    def _compare(self, now: Image, t_s: float, pose: Pose | None) -> float | None:
        if self._before is None:
            self._renew(now, t_s, pose)
            return None
        shift = _shift(self._before, self._corners, now)
        self._note_sway(shift, t_s)
        if shift is not None:
            self._found_s = t_s
            return self._take(shift, now, t_s, pose)
        self._back()
        if t_s - self._found_s > _FORGOTTEN_S:
            self._renew(now, t_s, pose)
        return None

    def _take(self, shift: _Shift, now: Image, t_s: float, pose: Pose | None) -> float | None:
        if not shift.is_a_move:
            self._back()
            self._note_return()
            self._shifts.append(shift)
            self._still_s = t_s
            due_s = self._renewed_s + (_RENEWED_S if shift.near(_NONE) else _TREMBLED_S)
            if t_s > due_s and self._renew(now, t_s, pose):
                self._about -= shift
            return None
        self._swung.append(shift)
        self._looks = self._looks + 1 if self._there is not None and shift.near(self._there) else 1
        self._there, self._there_s = shift, min(self._there_s, t_s)
        ago_s = t_s - self._still_s if self._looks == _LOOKS else None
        if ago_s is not None or t_s - self._there_s > _ASTRAY_S:
            self._forget()
            self._shifts.clear()
            self._renew(now, t_s, pose)
        return ago_s

    def _note_return(self) -> None:
        """A camera that was far away and is back, again and again, was not moved: it swings."""
        if self._swung:
            self._returns += 1
            if self._returns >= _RETURNS:
                self._shifts.extend(self._swung)
            self._swung.clear()

    def _renew(self, now: Image, t_s: float, pose: Pose | None) -> bool:
        """Compares with this picture from now on, if enough is seen in it that was at rest since the last one.

        Where hardly anything was, as in the hand of somebody, what has gone as one is what stands still.

        Returns:
            Whether it does.
        """
        corners = _corners(now, pose)
        if self._last is None or len(corners) < _FEWEST:
            return False
        came, went, found = _followed(now, corners, self._last)
        still = np.linalg.norm(went - came, axis=1) < _STILL_PX
        if still.sum() < _FEWEST and (as_one := _as_one(came, went, now.shape)) is not None:
            still = as_one[1]
        corners = corners[found][still]
        if len(corners) < _FEWEST:
            return False
        self._before, self._corners = now, corners
        self._found_s = self._renewed_s = self._still_s = t_s
        return True


def small(image: Image) -> Image:
    """The picture made small: its green, which is nearest to grey, of every second pixel and fewer of large ones."""
    every = max(1, max(image.shape[:2]) // (2 * _SIDE_PX))
    green = np.ascontiguousarray(image[::every, ::every, 1])
    scale = _SIDE_PX / max(green.shape)
    return np.asarray(cv2.resize(green, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def body_box(pose: Pose | None) -> Box | None:
    """Rows and columns of the small picture in which the runner's body is; None where nobody is."""
    if pose is None:
        return None
    xy: FloatArray = pose.xy_px[np.isfinite(pose.xy_px).all(axis=1)] * (_SIDE_PX / max(pose.image_size_px))
    if not len(xy):
        return None
    (left, top), (right, bottom) = xy.min(axis=0), xy.max(axis=0)
    beyond = _BODY_BEYOND * (bottom - top)
    rows = slice(max(0, round(top - beyond)), max(0, round(bottom + beyond)))
    return rows, slice(max(0, round(left - beyond)), max(0, round(right + beyond)))


def _corners(grey: Image, pose: Pose | None) -> Corners:
    """(n, 1, 2) px: what can be found again and is no part of the runner."""
    mask = np.full_like(grey, 255)
    if (box := body_box(pose)) is not None:
        mask[box] = 0
    found = cv2.goodFeaturesToTrack(grey, _MOST, _CLEAR, _APART_PX, mask=mask, blockSize=5)
    return np.empty((0, 1, 2), np.float32) if found is None else np.asarray(found, np.float32)


def _followed(before: Image, corners: Corners, now: Image) -> tuple[Corners, Corners, NDArray[np.bool_]]:
    """Where those of the corners that are found again were and are, (n, 2) px each, and which those are."""
    nothing = np.empty_like(corners)
    there, followed, _ = cv2.calcOpticalFlowPyrLK(before, now, corners, nothing, winSize=_WINDOW_PX, maxLevel=_LEVELS)
    good = followed[:, 0] == 1
    return corners[good, 0], np.asarray(there[good, 0], np.float32), good


def _as_one(
    came: Corners, went: Corners, size_px: tuple[int, ...]
) -> tuple[FloatArray, NDArray[np.bool_]] | None:
    """How the picture has gone from ``came`` to ``went``, (2, 3), and which corners agree; None where too few do."""
    if len(came) < _AGREE:
        return None
    found, agree = cv2.estimateAffinePartial2D(came, went, method=cv2.RANSAC, ransacReprojThreshold=_FIT_PX)
    if found is None:
        return None
    agreeing = agree[:, 0] == 1
    if agreeing.sum() < max(_AGREE, _SHARE * len(came)):
        return None
    if abs(math.hypot(found[0, 0], found[1, 0]) - 1) > _GROWN:
        return None
    if (np.ptp(came[agreeing], axis=0) < np.array(_SPREAD) * size_px[::-1]).any():
        return None
    return np.asarray(found, np.float64), agreeing


def _shift(before: Image, corners: Corners, now: Image) -> _Shift | None:
    """How the whole picture has shifted; None where too few corners agree on that."""
    came, went, _ = _followed(before, corners, now)
    if len(came) >= _AGREE and (np.linalg.norm(went - came, axis=1) < _AT_REST_PX).mean() > _MOST_AT_REST:
        return _NONE  # few others, as of the runner's arms, would tilt what all of them together tell
    as_one = _as_one(came, went, before.shape)
    if as_one is None:
        return None
    found, agreeing = as_one
    middle = np.array(before.shape[::-1]) / 2
    right_px, down_px = found[:, :2] @ middle + found[:, 2] - middle
    shift = _Shift(float(right_px), float(down_px), math.degrees(math.atan2(found[1, 0], found[0, 0])))
    at_rest = np.linalg.norm(went - came, axis=1) < _STILL_PX
    return None if shift.is_a_move and at_rest.sum() > _AT_REST * agreeing.sum() else shift
