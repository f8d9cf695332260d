"""Everything after the pose, for one session: view, gait, stances, camera, cue. Deterministic, by the frames' times.

Live, replay and tests run exactly this code and get the same numbers.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

import numpy as np

from model import kinematics as k
from model.bias import bias_of
from model.camera_pose import SLOW_MOTION, CameraPose
from model.coach import KNEE_KEYS, Coach, CoachSettings, CoachState, Cue, Instrument, Look
from model.cuts import Cut
from model.doubts import Doubts, Lost
from model.gait import GaitDetector, GaitEvent
from model.looks import MAX_GAP_S, evened
from model.place import CameraPlace
from model.pose import LEGS, Pose, Side, View
from model.quality import NOBODY, FrameQuality, leg_confidence, picture_words
from model.stance import (
    MIN_QUALITY,
    STANCE_LEG,
    Stance,
    StanceContext,
    bounce_range,
    measure_stance,
    mid_x_px,
    pose_quality,
)
from model.standing import StandingCalibration, StandingCalibrator
from model.strides import Stride, measure_stride
from model.view import ViewEstimator

_MEMORY_S = 2.5
_FPS_MEMORY = 31
#: Where half of the time lies in gaps that are so many times the mean one, the pictures come in bursts.
_BURST_GAP = 1.25
#: A frame's share in the pose model's confidence of late: about a second's mean.
_NEW_SHARE = 0.03
_LEVEL_STRIDES = 3
#: Why nothing is computed from a film in which a run is slower than anybody runs.
SLOWED = f"the steps are those of a run, but fewer than anybody's: {SLOW_MOTION}"
#: A longer time between two strikes of a foot is a pause. Where the other foot did not land about amid it, steps were
#: not seen, and it is two strides and no stride. (Limpers land at 0.4 and 0.6 of it.)
_LONGEST_STRIDE_S, _OTHER_LANDS = 1.5, (0.3, 0.7)


@dataclass(frozen=True, slots=True)
class AnalysisSettings:
    """What the analysis must be told.

    Attributes:
        view: the camera's view where it is known, else None.
        coach: what is cued, and when.
        model: name of the pose model, whose own errors are taken out; None for joints that no model saw.
        film: the pictures come from a film, whose rate nobody can set.
    """

    view: View | None = None
    coach: CoachSettings = field(default_factory=CoachSettings)
    model: str | None = None
    film: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one frame brought.

    Attributes:
        t_s: the frame's time.
        pose: who was seen, or None.
        state: "waiting" before anyone was seen, "lost" after, else what the runner does.
        view: the camera's view as far as decided.
        fppa_deg: knee alignment of this frame for the sides that stand; NaN for the others.
        stances: stances that ended with this frame.
        strides: strides that ended with this frame, as curves.
        standing: the newest standing calibration of this session, None before the first.
        cues: cues decided in this frame.
        coach: how the coaching stands.
        camera: where the camera stands, as far as known.
        moved_since_s: in the frame in which it is found to have been moved: stances with a strike since then, this
            frame's among them, were measured for its old place.
        doubted_since_s: in the frame in which somebody else is seen on the belt first: stances with a strike since
            then may hold their legs, for they have come a moment before, and are not to be counted. So are those of the
            run that a film is found to show slower than life, and the last ones before the runner is found to stand.
        cadence_spm: rolling, None where unknown.
        quality: 0 to 1.
        unused: why nothing is computed from this frame, for people; None where it counts.
        message: the same, or why what is computed is less certain (`picture_words`); None where all is well.
        shaken: whether the camera shakes, which is taken out.
        lost: pictures that the camera took since the frame before, and that nobody looked at.
        cut: whether the film was cut before this frame.
    """

    t_s: float
    pose: Pose | None
    state: str
    view: View | None
    fppa_deg: Mapping[Side, float]
    stances: tuple[Stance, ...]
    strides: tuple[Stride, ...]
    standing: StandingCalibration | None
    cues: tuple[Cue, ...]
    coach: CoachState
    camera: CameraPose
    moved_since_s: float | None
    doubted_since_s: float | None
    cadence_spm: float | None
    quality: float
    unused: str | None
    message: str | None
    shaken: bool
    lost: int
    cut: bool


@dataclass(slots=True)
class _SideState:
    """What is kept of one side between frames."""

    strike_s: float | None = None
    last_strike_s: float = math.nan
    toe_off_s: float = math.nan
    stride_s: float = math.nan
    mid_ankle_x_px: float = math.nan


@dataclass(slots=True)
class RunAnalysis:
    """One session of running, pose by pose. ``place`` outlives it."""

    settings: AnalysisSettings
    place: CameraPlace = field(default_factory=CameraPlace)
    gait: GaitDetector = field(default_factory=GaitDetector)
    view_estimator: ViewEstimator = field(init=False)
    coach: Coach = field(init=False)
    standing: StandingCalibrator = field(default_factory=StandingCalibrator)
    _poses: deque[Pose] = field(default_factory=deque)
    _frame_s: deque[float] = field(default_factory=lambda: deque(maxlen=_FPS_MEMORY))
    _leg_px: deque[float] = field(default_factory=lambda: deque(maxlen=21))
    _sides: dict[Side, _SideState] = field(init=False)
    _seen: bool = False
    _moved_since_s: float | None = None
    _lost: Lost = field(default_factory=Lost)
    _shaken: bool = False
    _doubts: Doubts = field(default_factory=Doubts)
    _confidence: float = 1.0

    def __post_init__(self) -> None:
        self.view_estimator = ViewEstimator(self.settings.view)
        self.coach = Coach(self.settings.coach)
        self._sides = {side: _SideState() for side in Side}
        self.place.begin_times()

    @property
    def fps(self) -> float:
        """Frames per second by the frames' own times; 0 before the second frame."""
        if len(self._frame_s) < 2:
            return 0.0
        return 1.0 / median(b - a for a, b in pairwise(self._frame_s))

    @property
    def _looks_fps(self) -> float:
        """The rate of evenly spread pictures between which as much time passes unseen.

        Of pictures that come in bursts those of one burst show one moment, and half of all time lies in gaps at least
        as long as this. A single one that is lost changes nothing.
        """
        gaps_s = np.sort(np.diff(self._frame_s))
        if not gaps_s.size:
            return 0.0
        half_s = float(gaps_s[np.searchsorted(np.cumsum(gaps_s), gaps_s.sum() / 2)])
        return 1.0 / half_s if half_s > _BURST_GAP * gaps_s.mean() else self.fps

    def step(
        self,
        t_s: float,
        pose: Pose | None,
        quality: FrameQuality | None = None,
        lost: int = 0,
        moved_since_s: float | None = None,
        shaken: bool = False,
        cut: Cut | None = None,
    ) -> Outcome:
        """Takes one frame.

        Args:
            t_s: the frame's time, seconds from the first frame, increasing.
            pose: the runner, or None when nobody is seen.
            quality: of the picture, where it comes from one; with a reason, nothing is computed from this frame.
            lost: pictures that were taken since the frame before, and that nobody looked at.
            moved_since_s: in the frame in which the background tells that the camera was moved: since when at most.
            shaken: whether the background trembles.
            cut: whether a film was cut before this frame, and to what: no step goes on from there to here.
        """
        if cut is not None:
            self._begin_steps(cut)
        self._frame_s.append(t_s)
        self._lost.add(t_s, lost)
        self._shaken = shaken
        doubted_since_s = self._doubt(t_s, pose, quality)
        if pose is not None:
            self._remember(pose)
            if quality is not None and quality.reason is None:
                self._confidence += _NEW_SHARE * (leg_confidence(pose) - self._confidence)
        view = self.view_estimator.step(pose) if pose is not None else self.view_estimator.view
        self.place.look(view, pose)
        self._moved_since_s = moved_since_s
        if moved_since_s is not None:
            self.place.camera_moved()
            self._forget_place()
        events = self.gait.step(pose, t_s, view)
        since_s = [one for one in (doubted_since_s, self.gait.stopped_since_s) if one is not None]
        done = [] if view is None else [one for event in events if (one := self._on_event(event, view))]
        self.standing.step(pose, view, self.gait.state != "standing")
        self.coach.stands_level(math.isfinite(self._standing_hips_deg()))
        self.coach.runs_at(self.place.belt_speed_m_s)
        fppa = {side: self._live_fppa(t_s, pose, side) for side in Side}
        return Outcome(
            t_s=t_s,
            pose=pose,
            state=self._state(pose),
            view=view,
            fppa_deg=fppa,
            stances=tuple(one for one in done if isinstance(one, Stance)),
            strides=tuple(one for one in done if isinstance(one, Stride)),
            standing=self.standing.calibration,
            cues=self._cues(t_s, pose, view, fppa),
            coach=self.coach.state(),
            camera=self.place.camera,
            moved_since_s=self._moved_since_s,
            doubted_since_s=min(since_s, default=None),
            cadence_spm=self.gait.cadence_spm(),
            quality=self._frame_quality(pose, quality),
            unused=self._doubts.why,
            message=picture_words(self._doubts.why, shaken, self._lost.share, self.fps, self.settings.film),
            shaken=shaken,
            lost=lost,
            cut=cut is not None,
        )

    def _begin_steps(self, cut: Cut) -> None:
        """Nothing that was seen so far goes on; in another set-up the runner is seen from elsewhere, too."""
        self.gait.begin_anew()
        self.place.begin_steps()
        self._sides = {side: _SideState() for side in Side}
        self._poses.clear()
        self._leg_px.clear()
        if cut == "scene":
            self.view_estimator = ViewEstimator(self.settings.view)
            self.standing = StandingCalibrator()

    def _remember(self, pose: Pose) -> None:
        self._seen = True
        self._poses.append(pose)
        while self._poses[0].t_s < pose.t_s - _MEMORY_S:
            self._poses.popleft()

    def _state(self, pose: Pose | None) -> str:
        if pose is None:
            return "lost" if self._seen else "waiting"
        return self.gait.state

    def _frame_quality(self, pose: Pose | None, quality: FrameQuality | None) -> float:
        if quality is not None:
            return quality.value
        return 0.0 if pose is None else min(pose_quality(pose, side) for side in Side)

    def _doubt(self, t_s: float, pose: Pose | None, quality: FrameQuality | None) -> float | None:
        """Whether this frame counts; where it is noticed late that none does, since when none has."""
        why = quality.reason if quality is not None else None if pose is not None else NOBODY.reason
        if why is None and self.settings.film and self.gait.slowed:
            return self._doubts.step(t_s, SLOWED, self.gait.slowed_since_s)
        return self._doubts.step(t_s, why)

    def _live_fppa(self, t_s: float, pose: Pose | None, side: Side) -> float:
        elapsed_s = self.gait.stance_elapsed_s(side, t_s)
        contact_s = self._contact_s(side)
        if pose is None or elapsed_s is None or contact_s is None:
            return math.nan
        if not self._sees_leg(pose, side):
            return math.nan
        return float(self.place.fppa_deg(pose.xy_px, side, elapsed_s / contact_s))

    def _sees_leg(self, pose: Pose, side: Side) -> bool:
        """Whether a leg is seen well enough to judge it by this picture alone."""
        if self._doubts.why is not None or pose_quality(pose, side) < MIN_QUALITY:
            return False
        return not k.is_no_knee(pose.xy_px, side)

    def _cues(self, t_s: float, pose: Pose | None, view: View | None, fppa: Mapping[Side, float]) -> tuple[Cue, ...]:
        if view is None or not view.frontal:
            self.coach.pause(t_s)
            return ()
        model = self.settings.model
        instrument = Instrument(model, bias_of(model, view).knee_gain, self._azimuth_deg, self._confidence)
        looks: dict[Side, Look] = {}
        for side in Side:
            contact_s = self._contact_s(side)
            elapsed_s = self.gait.stance_elapsed_s(side, t_s)
            if pose is not None and contact_s is not None and elapsed_s is not None:
                looks[side] = Look(elapsed_s, contact_s, self._goal_values(t_s, pose, side, view, fppa[side]))
        return self.coach.step(t_s, self.gait.running, looks, instrument)

    @property
    def _azimuth_deg(self) -> float:
        """From where the camera looks at the runner; 0 where that is not known."""
        camera = self.place.camera
        angles = [angle for angle in (camera.azimuth_left_deg, camera.azimuth_right_deg) if angle is not None]
        return sum(angles) / max(len(angles), 1)

    @property
    def _across(self) -> float:
        """See `StanceContext`."""
        return math.cos(math.radians(self._azimuth_deg))

    def _contact_s(self, side: Side) -> float | None:
        """How long this side usually stands, in the first steps the other one; None before either has stood twice."""
        own_s = self.gait.expected_contact_s(side)
        return own_s if own_s is not None else self.gait.expected_contact_s(side.other)

    def _goal_values(self, t_s: float, pose: Pose, side: Side, view: View, fppa_deg: float) -> dict[str, float]:
        """What the coach's goal needs of this frame; NaN where too little of the leg is seen."""
        metric = self.coach.metric
        seen = self._sees_leg(pose, side) and _in_picture(pose, side)
        if metric == "fppa_deg":
            image_deg = float(k.fppa_image_deg(pose.xy_px, side))
            return {"fppa_deg": fppa_deg, "fppa_image_deg": image_deg} if seen else dict.fromkeys(KNEE_KEYS, math.nan)
        if not seen:
            return {metric: math.nan}
        if metric == "cadence_spm":
            return {metric: self.gait.cadence_spm() or math.nan}
        add = bias_of(self.settings.model, view).add.get(metric, 0.0)
        if metric == "pelvic_drop_deg":
            drop_deg = float(k.pelvic_drop_deg(pose.xy_px, side, self._level_hips_deg(t_s)))
            return {metric: k.seen_across_deg(drop_deg, self._across) + add}
        leg, other = LEGS[side], self._sides[side.other]
        hips_x = pose.xy_px[[leg.hip, LEGS[side.other].hip], 0]
        apart_px = self._mid_ankle_x_px(t_s, side) - other.mid_ankle_x_px
        return {metric: float(np.sign(hips_x[0] - hips_x[1]) * apart_px) / self._leg_length_px(view) + add}

    def _mid_ankle_x_px(self, t_s: float, side: Side) -> float:
        """Where the ankle that stands will be across the picture at mid-stance, by its way since the strike."""
        strike_s, contact_s = self._sides[side].strike_s, self._contact_s(side)
        if strike_s is None or contact_s is None:
            return math.nan
        stands = [pose for pose in self._poses if strike_s <= pose.t_s <= t_s]
        ankle_x_px = np.array([pose.xy_px[LEGS[side].ankle, 0] for pose in stands])
        return mid_x_px(np.array([pose.t_s for pose in stands]), ankle_x_px, strike_s + contact_s / 2)

    def _on_event(self, event: GaitEvent, view: View) -> Stance | Stride | None:
        return self._on_strike(event, view) if event.kind == "strike" else self._on_toe_off(event, view)

    def _on_strike(self, event: GaitEvent, view: View) -> Stride | None:
        state = self._sides[event.side]
        before_s = state.last_strike_s
        state.stride_s = event.t_s - before_s
        state.strike_s = state.last_strike_s = event.t_s
        self.coach.strike(event.side)
        other = self._sides[event.side.other]
        if not event.t_s - other.last_strike_s <= _LONGEST_STRIDE_S:
            other.mid_ankle_x_px = math.nan  # of before a pause: no step from there to here
        other_lands = (other.last_strike_s - before_s) / state.stride_s
        if not (state.stride_s <= _LONGEST_STRIDE_S and _OTHER_LANDS[0] < other_lands < _OTHER_LANDS[1]):
            state.stride_s = math.nan
            return None
        if self.gait.state == "walking":
            return None
        poses = [p for p in self._poses if before_s - MAX_GAP_S <= p.t_s]
        return measure_stride(event.side, before_s, state.toe_off_s, event.t_s, poses, view, self.view_estimator.facing)

    def _on_toe_off(self, event: GaitEvent, view: View) -> Stance | None:
        state = self._sides[event.side]
        state.toe_off_s = event.t_s
        strike_s, state.strike_s = state.strike_s, None
        if strike_s is None:
            return None
        poses = [p for p in self._poses if strike_s - MAX_GAP_S <= p.t_s]
        even = evened(poses) if view.frontal else poses
        mid_s = (strike_s + event.t_s) / 2
        middle = min(even, key=lambda pose: abs(pose.t_s - mid_s), default=None)
        if middle is None or not strike_s <= middle.t_s <= event.t_s:
            return None
        leg_px = float(k.leg_length_px(middle.xy_px, event.side))
        if leg_px > 0:
            self._leg_px.append(leg_px)
        context = StanceContext(
            view=view,
            facing=self.view_estimator.facing,
            fps=self._looks_fps,
            frontal_fppa=self.place.fppa_deg,
            rectify=self.place.rectify,
            other_ankle_x_px=self._sides[event.side.other].mid_ankle_x_px,
            leg_px=self._leg_length_px(view),
            oscillation_px=self._oscillation_px(event.t_s),
            stride_s=state.stride_s,
            level_hips_deg=self._level_hips_deg(event.t_s),
            across=self._across,
            bias=bias_of(self.settings.model, view),
        )
        ankle_x_px = np.array([pose.xy_px[LEGS[event.side].ankle, 0] for pose in even])
        state.mid_ankle_x_px = mid_x_px(np.array([pose.t_s for pose in even]), ankle_x_px, mid_s)
        stance = self._doubts.lower(measure_stance(event.side, strike_s, event.t_s, poses, context), self.fps)
        if self.gait.running and stance.quality >= MIN_QUALITY:
            since_s = self.place.add_stance(event.side, strike_s, event.t_s, even)
            if since_s is not None:
                self._moved_since_s = since_s
                self._forget_place()
        return stance

    def _forget_place(self) -> None:
        """What was learnt so far in this session was learnt for another place of the camera."""
        self.coach.forget_place()
        self.standing = StandingCalibrator()

    def _leg_length_px(self, view: View) -> float:
        """Straight leg: of standing still where seen from the same distance, else from the last mid-stances."""
        running_px = float(np.median(self._leg_px)) / STANCE_LEG[view] if self._leg_px else math.nan
        standing = self.standing.calibration
        if standing is None or standing.view is not view or not 0.85 < standing.leg_px / running_px < 1.15:
            return running_px
        return standing.leg_px

    def _level_hips_deg(self, t_s: float) -> float:
        """Tilt of a level pelvis: of standing on both legs, else the mean over the last whole strides, at least one.

        NaN where the cadence is not known either.
        """
        standing_deg = self._standing_hips_deg()
        if math.isfinite(standing_deg):
            return standing_deg
        cadence = self.gait.cadence_spm()
        if not cadence:
            return math.nan
        stride_s = 120.0 / cadence
        strides = min(_LEVEL_STRIDES, int((t_s - self._poses[0].t_s) / stride_s))
        xy = [p.xy_px for p in self._poses if t_s - strides * stride_s < p.t_s <= t_s]
        tilt_deg = k.hip_tilt_deg(np.stack(xy)) if xy else np.empty(0)
        tilt_deg = tilt_deg[np.isfinite(tilt_deg)]
        return float(tilt_deg.mean()) if tilt_deg.size else math.nan

    def _standing_hips_deg(self) -> float:
        """The same of standing on both legs; NaN where nobody has stood so, seen from this view."""
        standing, view = self.standing.calibration, self.view_estimator.view
        if standing is None or standing.view is not view or not standing.hips_level:
            return math.nan
        return standing.hip_line_deg if view is View.FRONT else -standing.hip_line_deg

    def _oscillation_px(self, t_s: float) -> float:
        """Range of mid-hip height over the stride before ``t_s``, px; NaN where the cadence is not known.

        And where the camera shakes: what is left of that when it has been taken out is as much as the runner's own.

        At low frame rates one stride is too few pictures: two, then.
        """
        cadence = self.gait.cadence_spm()
        if not cadence or self._shaken:
            return math.nan
        for strides in (1, 2):
            seen = [p for p in self._poses if t_s - strides * 120.0 / cadence <= p.t_s <= t_s]
            if not seen:
                continue
            height_px = k.mid_hip_height_px(np.stack([p.xy_px for p in seen]))
            oscillation_px = bounce_range(np.array([p.t_s for p in seen]), height_px, 60.0 / cadence)
            if math.isfinite(oscillation_px):
                return oscillation_px
        return math.nan


def _in_picture(pose: Pose, side: Side) -> bool:
    """Whether both hips and the knee and ankle of ``side`` lie within the picture."""
    xy = pose.xy_px[[LEGS[side].hip, LEGS[side.other].hip, LEGS[side].knee, LEGS[side].ankle]]
    return bool(((xy >= 0.0) & (xy <= np.array(pose.image_size_px))).all())
