"""Aiming help: what the last seconds of live frames say about the camera's place, in words for whoever mounts it.

What the last session showed is kept, for `kneeline doctor`. Only the keypoints are looked at. The crown and the soles
have no keypoint: they are put where they are on an average body (eyes at 0.936, ankles at 0.039 of the height;
Drillis & Contini 1966).
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Literal

from device.store import utc_now
from model.camera_pose import DEFAULT_HEIGHT_M, GOOD_AZIMUTH_DEG, TOLD_DOUBTED, focal_px, told_words
from model.pose import Joint, Side
from model.quality import CROWDED, MIN_LEG_SCORE, MIN_METRIC_FPS, MIN_SCORE, SOFT
from model.words import sentence

State = Literal["good", "warn", "bad", "unknown"]

#: The window holds several strides, so that the tallest one is in it.
WINDOW_S = 4.0
#: The store's name for what the last session showed.
SETTING = "aim"
_KEEP_EVERY_S = 10.0
_HEAD = (Joint.NOSE, Joint.LEFT_EYE, Joint.RIGHT_EYE, Joint.LEFT_EAR, Joint.RIGHT_EAR)
_SHOULDERS = (Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER)
_ANKLES = (Joint.LEFT_ANKLE, Joint.RIGHT_ANKLE)
_JUDGED = range(Joint.LEFT_SHOULDER, Joint.RIGHT_ANKLE + 1)
#: Share of the distance eyes to ankles (0.897 of the height) that the crown and the soles lie beyond them.
_CROWN, _SOLE = 0.064 / 0.897, 0.039 / 0.897
#: Eyes over shoulders, both from the ankles up (shoulders at 0.818 of the height).
_EYES_SHARE = 0.897 / 0.779
_MIN_MARGIN, _TIGHT_MARGIN = 0.0, 0.02
_MIN_HEIGHT = 0.45
#: Best are 2.5 to 3.5 m; by the height of an average runner this may be a tenth off.
_DISTANCE_M = (2.2, 4.0)
_GOOD_ROLL_DEG, _MAX_ROLL_DEG = 2.0, 4.0
_GOOD_SCORE, _MIN_MEAN_SCORE = 0.55, 0.4
#: Share of the frames with a person in which the picture was too poor to measure.
_FEW_POOR, _MANY_POOR = 0.1, 0.3
#: From here on sharpening does not make up for a soft lens.
_OUT_OF_FOCUS = 2.0


@dataclass(frozen=True, slots=True)
class Extent:
    """How far one person reaches in one picture, in shares of the picture; y down, may lie outside 0 to 1.

    ``score`` is the mean confidence of the joints below the neck.
    """

    left: float
    top: float
    right: float
    bottom: float
    score: float

    @property
    def height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the aiming help."""

    key: str
    label: str
    state: State
    value: str
    advice: str | None = None


def extent(keypoints: Sequence[Sequence[float | None]], image_size: Sequence[float]) -> Extent | None:
    """Reach of a person with crown and soles, from 17 keypoints (x px, y px, score).

    The head is put on the shoulders where it is not looked at. None where neither head nor shoulders, or no ankles, are
    seen: then nothing can be said about the whole runner.
    """
    width, height = image_size
    seen = {
        joint: (float(x), float(y))
        for joint, (x, y, score) in enumerate(keypoints)
        if x is not None and y is not None and (score or 0.0) >= MIN_SCORE
    }
    heads = [seen[j][1] for j in _HEAD if j in seen]
    shoulders = [seen[j][1] for j in _SHOULDERS if j in seen]
    ankles = [seen[j][1] for j in _ANKLES if j in seen]
    if not (heads or shoulders) or not ankles:
        return None
    soles = max(ankles)
    span = soles - min(heads) if heads else (soles - min(shoulders)) * _EYES_SHARE
    if span <= 0:  # the picture is upside down
        return None
    eyes = soles - span
    across = [x for x, _ in seen.values()]
    score = fmean(float(keypoints[j][2] or 0.0) for j in _JUDGED)
    return Extent(
        min(across) / width,
        (eyes - _CROWN * span) / height,
        max(across) / width,
        (soles + _SOLE * span) / height,
        score,
    )


class AimWindow:
    """The last seconds of frames. Not safe from several threads; its owner locks."""

    def __init__(self) -> None:
        self._extents: deque[tuple[float, Extent]] = deque()
        #: Of every frame with a person: why its picture was too poor to measure, None where it was not.
        self._poor: deque[tuple[float, str | None]] = deque()
        self._frame: Mapping[str, Any] = {}

    def add(self, frame: Mapping[str, Any], now_s: float) -> None:
        """Takes one live ``frame`` message that came at ``now_s``."""
        self._frame = frame
        keypoints = frame.get("keypoints")
        reach = extent(keypoints, frame["image_size"]) if keypoints else None
        if reach is not None:
            self._extents.append((now_s, reach))
        quality, message = frame.get("quality") or 0.0, frame.get("message")
        if keypoints and quality > CROWDED.value:
            self._poor.append((now_s, message if quality < MIN_LEG_SCORE else None))
        for window in (self._extents, self._poor):
            while window and window[0][0] < now_s - WINDOW_S:
                window.popleft()

    def report(self, health: Mapping[str, Any] | None, live: bool) -> dict[str, Any]:
        """All checks, and whether a runner is seen. With a silent device every check is unknown."""
        frame: Mapping[str, Any] = self._frame if live else {}
        reaches = [reach for _, reach in self._extents] if frame.get("keypoints") else []
        camera = frame.get("camera") or {}
        checks = [
            *_framing(reaches, frame, health or {}),
            _light(reaches, [why for _, why in self._poor]),
            _focus(reaches, (health or {}).get("softness") if live else None),
            *_position(camera, frame.get("view")),
            *_told(health if live else None, frame.get("view"), camera),
            _rate(health if live else None, frame.get("state") == "testing"),
        ]
        return {
            "seen": bool(reaches),
            "view": frame.get("view"),
            "advice": camera.get("advice"),
            "checks": [asdict(check) for check in checks],
        }


def _framing(reaches: Sequence[Extent], frame: Mapping[str, Any], health: Mapping[str, Any]) -> list[Check]:
    if not reaches:
        why = frame.get("message") if frame.get("keypoints") else None
        advice = sentence(why) if why else "Let someone stand on the belt, whole in the picture from head to feet."
        return [
            Check("whole", "Whole runner in the picture", "unknown", "nobody seen whole", advice),
            Check("size", "Size in the picture", "unknown", "—"),
            Check("distance", "Distance", "unknown", "—"),
        ]
    height = max(reach.height for reach in reaches)
    return [_whole(reaches, height), _size(height), _distance(height, frame["image_size"], health)]


def _whole(reaches: Sequence[Extent], height: float) -> Check:
    margins = {
        "head": min(reach.top for reach in reaches),
        "feet": 1.0 - max(reach.bottom for reach in reaches),
        "left edge": min(reach.left for reach in reaches),
        "right edge": 1.0 - max(reach.right for reach in reaches),
    }
    edge, margin = min(margins.items(), key=lambda item: item[1])
    state: State = "good" if margin >= _TIGHT_MARGIN else "warn" if margin >= _MIN_MARGIN else "bad"
    value = f"least margin {margin:.0%} ({edge})" if margin >= 0 else f"cut off ({edge})"
    if state == "good":
        return Check("whole", "Whole runner in the picture", state, value)
    other = margins["feet"] if edge == "head" else margins["head"]
    advice = {
        "head": "Tilt the camera up a little.",
        "feet": "Tilt the camera down a little.",
        "left edge": "Turn the camera to the left a little.",
        "right edge": "Turn the camera to the right a little.",
    }[edge]
    if edge in ("head", "feet") and (height > 0.95 or other < _TIGHT_MARGIN):
        advice = "Move the camera further away: head and feet do not both fit."
    return Check("whole", "Whole runner in the picture", state, value, advice)


def _size(height: float) -> Check:
    value = f"{height:.0%} of the picture's height"
    if height >= _MIN_HEIGHT:
        return Check("size", "Size in the picture", "good", value)
    return Check("size", "Size in the picture", "warn", value, "Move the camera nearer: small legs are coarse angles.")


def _distance(height: float, image_size: tuple[int, int], health: Mapping[str, Any]) -> Check:
    """How far the camera is from the runner, by their height in the picture and the field of view."""
    height_cm = health.get("height_cm")
    metres = height_cm / 100 if height_cm else DEFAULT_HEIGHT_M
    distance_m = metres * focal_px(image_size, health.get("vfov_deg")) / (height * image_size[1])
    value = f"about {distance_m:.1f} m" + ("" if height_cm else f", for a runner of {100 * metres:.0f} cm")
    if _DISTANCE_M[0] <= distance_m <= _DISTANCE_M[1]:
        return Check("distance", "Distance", "good", value)
    where = "further away" if distance_m < _DISTANCE_M[0] else "nearer"
    return Check("distance", "Distance", "warn", value, f"Move the camera {where}: 2.5 to 3.5 m are best.")


def _light(reaches: Sequence[Extent], poor: Sequence[str | None]) -> Check:
    """``poor``: of every frame with a person why it was too poor to measure, None where it was not."""
    label = "Light, contrast"
    if not reaches:
        return Check("light", label, "unknown", "—")
    reasons = [why for why in poor if why is not None]
    share = len(reasons) / max(len(poor), 1)
    if share >= _FEW_POOR:
        why = Counter(reasons).most_common(1)[0][0]
        state: State = "warn" if share < _MANY_POOR else "bad"
        return Check("light", label, state, f"{share:.0%} of the pictures are too poor", sentence(why))
    score = fmean(reach.score for reach in reaches)
    value = f"joints seen with confidence {score:.2f}"
    if score >= _GOOD_SCORE:
        return Check("light", label, "good", value)
    state = "warn" if score >= _MIN_MEAN_SCORE else "bad"
    return Check(
        "light", label, state, value, "More light from the front, no window behind the runner, clothes that stand out."
    )


def _focus(reaches: Sequence[Extent], soft: float | None) -> Check:
    """``soft``: how much wider edges are than in a sharp picture. No picture is shown by which to turn a lens."""
    if not reaches or soft is None:
        return Check("focus", "Focus", "unknown", "—")
    value = f"edges {soft:.2f} times as wide as sharp ones"
    if soft <= SOFT:
        return Check("focus", "Focus", "good", value)
    state: State = "warn" if soft < _OUT_OF_FOCUS else "bad"
    advice = "Clean the lens; with somebody on the belt, turn its ring to where this number is smallest."
    return Check("focus", "Focus", state, value, advice)


def _position(camera: Mapping[str, Any], view: str | None) -> list[Check]:
    """Where the camera stands around the runner, from the device's own estimate."""
    if view == "side":
        return []
    # How far it is taken out depends on the pose model; the device has judged that of both legs together.
    most_deg = GOOD_AZIMUTH_DEG if camera.get("state") == "refused" else math.inf
    azimuths = [
        _tilt(f"azimuth_{side}", f"Angle to the {side} leg", camera.get(f"azimuth_{side}_deg"),
              GOOD_AZIMUTH_DEG, most_deg, camera.get("advice"))
        for side in Side
    ]  # fmt: skip
    level = "Level the camera: its lower edge parallel to the floor."
    found = [*azimuths, _tilt("roll", "Level", camera.get("roll_deg"), _GOOD_ROLL_DEG, _MAX_ROLL_DEG, level)]
    if camera.get("moved"):
        advice = "Its place is found anew. If the lens is higher or lower now, tell its height below."
        found.insert(0, Check("moved", "Camera", "warn", "was moved", advice))
    return found


def _tilt(key: str, label: str, angle_deg: float | None, good_deg: float, most_deg: float, advice: str | None) -> Check:
    if angle_deg is None:
        return Check(key, label, "unknown", "found out from the runner's steps")
    value = f"{angle_deg:+.1f}°".replace("-", "−")
    if abs(angle_deg) <= good_deg:
        return Check(key, label, "good", value)
    return Check(key, label, "warn" if abs(angle_deg) <= most_deg else "bad", value, advice)


def _told(health: Mapping[str, Any] | None, view: str | None, camera: Mapping[str, Any]) -> list[Check]:
    """What makes the camera's place more certain, and was told or not. From the side nothing is taken out by it."""
    if view == "side" or health is None:
        return []
    told = told_words(health.get("belt_speed_m_s"), health.get("camera_height_m"))
    label = "Belt speed, lens height"
    if told and (said := camera.get("advice") or "").startswith(TOLD_DOUBTED):
        return [Check("told", label, "bad", told, said)]
    if told:
        return [Check("told", label, "good", told)]
    advice = (
        "The camera's position may be 4° off at an unusual belt speed: type below how high the lens is above the belt "
        "(then 3°), or the belt's speed (2°)."
    )
    return [Check("told", label, "warn", "not told", advice)]


def _rate(health: Mapping[str, Any] | None, testing: bool) -> Check:
    """``testing``: each picture is looked at twice, for a squat or step-down test, for which fewer of them do."""
    fps = (health or {}).get("fps")
    if testing:
        return Check("rate", "Pictures per second", "unknown", "told when the test is over")
    if fps is None:
        return Check("rate", "Pictures per second", "unknown", "—")
    if fps >= MIN_METRIC_FPS:
        return Check("rate", "Pictures per second", "good", f"{fps:.0f}")
    film = health is not None and health.get("film")  # its rate is its own, whatever is asked of a camera
    remedy = "add light, or lower [camera] fps"
    if film:
        remedy = "take a film that has more, and end what else runs on the board"
    advice = f"Below {MIN_METRIC_FPS:.0f} running cannot be measured: {remedy}."
    return Check("rate", "Pictures per second", "bad", f"{fps:.0f}", advice)


class LastAim:
    """What a session shows of the camera's place, kept for later: early in it, and again at its end.

    Args:
        keep: stores it: ``utc``, and ``checks`` as in the report.
    """

    def __init__(self, keep: Callable[[dict[str, Any]], None]) -> None:
        self._keep = keep
        self._window = AimWindow()
        self._looked_s: float | None = None
        self._newest: dict[str, Any] | None = None

    def step(self, frame: Mapping[str, Any], health: Callable[[], Mapping[str, Any]], now_s: float) -> None:
        """Takes a ``frame`` message of a session; asks for the ``health`` message now and then."""
        self._window.add(frame, now_s)
        if self._looked_s is None:
            self._looked_s = now_s
        if now_s - self._looked_s < _KEEP_EVERY_S:
            return
        self._looked_s = now_s
        report = self._window.report(health(), live=True)
        if report["seen"]:
            first, self._newest = self._newest is None, {"utc": utc_now(), "checks": report["checks"]}
            if first:
                self._keep(self._newest)

    def end(self) -> None:
        """The session has ended."""
        if self._newest is not None:
            self._keep(self._newest)
        self._window, self._looked_s, self._newest = AimWindow(), None, None
