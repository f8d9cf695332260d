"""How far one picture can be trusted, 0 to 1, and in plain words why not.

What its pixels tell is in `picture_quality.py`; here is what can be said without OpenCV, which takes a second to load.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass

from model.pose import Joint, Pose

#: Below this mean confidence in hips, knees and ankles nothing is computed.
MIN_LEG_SCORE = 0.48
#: Google's model card: below this a joint is not to be trusted. The ankle on the ground has 0.1 to 0.3, mean over a
#: stance, where it is out of the picture or behind something; else 0.45 and more, in half the light, too.
MIN_SCORE = 0.3
#: A picture whose edges are so many times as blurred as a sharp one's is soft; see `focus.py`.
SOFT = 1.15
#: Shoulders are so much farther beside the ankles than above them where a picture lies on its side. Of a runner who
#: leans it is a fifth of that, of one who bends over half. It is told by the poses of some seconds.
_LYING, _SURE, _TURNED_S, _FEWEST = 1.2, 0.3, 2.0, 15
_LEGS = slice(Joint.LEFT_HIP, Joint.RIGHT_ANKLE + 1)


@dataclass(frozen=True, slots=True)
class FrameQuality:
    """0 to 1, and where it is too low to compute anything the reason in plain words."""

    value: float
    reason: str | None = None


NOBODY = FrameQuality(0.0, "nobody in view")
COVERED = FrameQuality(0.0, "the runner is covered by somebody or something")
OUTSIDE = FrameQuality(0.0, "somebody is in view, but not where the runner runs")
MOVING = FrameQuality(MIN_LEG_SCORE / 2, "the camera is being moved")
CROWDED = FrameQuality(0.2, "two people on the belt: nothing is counted")
#: From this share of lost pictures on it is said: with a tenth of them steps are found as well as with all.
MANY_LOST = 0.1
#: Below this rate a stance is two or three samples: cadence at best.
MIN_METRIC_FPS = 20.0
SHAKES = "the camera shakes: fix it to something that the belt does not move"
ON_ITS_SIDE = "the picture lies on its side: turn the camera by 90°"
_UPSIDE_DOWN = "the picture is upside down: set [camera] rotation = 180, or turn the camera"
TOO_DARK = "too dark: more light is needed"


class Upright:
    """Whether people stand upright in the picture: told by the poses of the last two seconds."""

    def __init__(self) -> None:
        self._votes: deque[tuple[float, str | None]] = deque()

    def step(self, pose: Pose) -> FrameQuality | None:
        """Takes one pose, in the order of time; one whose feet are hard to see tells nothing, and changes nothing.

        Returns:
            What to do about the camera, as a reason why nothing can be computed; None where most stand upright.
        """
        feet = _shoulders_to_ankles(pose)
        if feet is not None:
            across, down = abs(feet[0]), feet[1]
            turned = ON_ITS_SIDE if across > _LYING * abs(down) else _UPSIDE_DOWN if down < 0 else None
            self._votes.append((pose.t_s, turned))
        while self._votes and self._votes[0][0] < pose.t_s - _TURNED_S:
            self._votes.popleft()
        if not self._votes:
            return None
        said, count = Counter(vote for _, vote in self._votes).most_common(1)[0]
        enough = said is not None and count >= _FEWEST and 2 * count > len(self._votes)
        return FrameQuality(MIN_LEG_SCORE / 2, said) if enough else None


def _shoulders_to_ankles(pose: Pose) -> tuple[float, float] | None:
    """From the shoulders that are surely seen to the ankles: right and down, px."""
    ends = []
    for pair in ((Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER), (Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE)):
        sure = [joint for joint in pair if pose.score[joint] >= _SURE]
        if not sure:
            return None
        ends.append([sum(float(pose.xy_px[joint, axis]) for joint in sure) / len(sure) for axis in (0, 1)])
    return ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]


def leg_confidence(pose: Pose) -> float:
    """The pose model's mean confidence in hips, knees and ankles."""
    return float(sum(pose.score[_LEGS].tolist())) / 6


def slow_words(fps: float, film: bool = False) -> str | None:
    """That there are too few pictures, with the remedy; None where there are enough, or none yet.

    Args:
        fps: frames per second.
        film: whether they come from one.
    """
    if not 0 < fps < MIN_METRIC_FPS:
        return None
    remedy = "record at 30 or more" if film else "add light, or see the page Health"
    whole = min(round(fps), int(MIN_METRIC_FPS) - 1)  # 19.7 are not called 20
    return f"{whole} frames per second: running metrics are unreliable below {MIN_METRIC_FPS:.0f}; {remedy}"


def picture_words(unused: str | None, shaken: bool, lost_share: float, fps: float, film: bool = False) -> str | None:
    """What people are told of the pictures; None where all is well. One thing at a time, the one that helps most first:

    1. why nothing is computed from this picture;
    2. that the camera shakes: a hand mends it at once, and nothing else tells it;
    3. that pictures are lost, 4. that they are too few: it takes the box or the light to mend that, and the pages
       *Health* and *Set up* show both all the time.

    Args:
        unused: why nothing is computed from this picture.
        shaken: whether the camera shakes.
        lost_share: see `lost_words`.
        fps: see `slow_words`.
        film: whether they come from a film.
    """
    return unused or (SHAKES if shaken else None) or lost_words(lost_share, film=film) or slow_words(fps, film)


def many_lost(lost: int | None, seen: int) -> float | None:
    """Share of the pictures that were lost, 0 to 1, where results suffer from it; None where not, or not known.

    Args:
        lost: pictures that the camera took and nobody looked at; None: not known.
        seen: those that were looked at.
    """
    share = lost / (lost + seen) if lost else 0.0
    return share if share > MANY_LOST else None


def lost_words(share: float, past: bool = False, film: bool = False) -> str | None:
    """That so many pictures are lost that results suffer, with the remedy; None where it is not so.

    Args:
        share: of the pictures that the camera took, 0 to 1.
        past: whether it is said of a session that has ended.
        film: whether the pictures come from one, which plays at a rate of its own.
    """
    if share <= MANY_LOST:
        return None
    if past:
        lost = f"{100 * share:.0f} % of the pictures were lost, for the board was too busy"
    else:  # in steps: what changes every second is read aloud every second
        lost = f"more than {10 * (math.ceil(10 * share) - 1)} % of the pictures are lost, for the board is too busy"
    slower = "take a film with fewer frames per second" if film else "lower [camera] fps"
    return f"{lost}: steps and angles are less certain; end what else runs on it, keep it cool, or {slower}"
