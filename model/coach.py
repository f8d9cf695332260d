"""When to tell the runner: one goal at a time, held against a target at mid-stance, decided within the stance.

**When.** A cue must name the side and come in time for the next step of that side, so it is decided from the strike and
the contact time that this side usually has, at the first frame at or after mid-stance: once in a stance, never in swing
(Noehren 2011 cues live; the projected angle explodes in swing), never before some steady steps of running.

**What is compared.** The frames of the last `_WINDOW_S`, at least two of them, each well seen, without those that lie
far from their median (a leg put on the other one for a frame). The mean of neighbours, because every second frame is
looked at in the mirror (`looks.py`) and each two hold both looks; of those the mean, the newest counted twice, because
a dive grows until mid-stance.

**Target.** The runner's own baseline on this installation: mean + max(k · SD, floor) over at least `MIN_BASELINE`
good stances. The floor is the smallest difference of one stance from a mean that is more than this device's own noise,
1.96 · σ · √(1 + 1/n) (Weir 2005), with σ of a single stance as measured on rendered runners (`STANCE_SD`, coach.md).
The SDD of Munro 2012 (7.5 to 8.9°) is one of two sessions with a goniometer; as a floor it would hide a dive of 8°.
Without a baseline the knee has a fixed threshold; the other goals, for which no limit is accepted, are measured in the
first stances of the session instead. The cadence is measured at each speed of the belt that is told, once it is
steady: Heiderscheit's 5 to 10 % are of one's own at the same speed. An angle in the picture is only ever held against
a baseline in the picture.

**How sure.** A stance over the target may be noise, and a fixed threshold knows nothing of what pose model and camera
add for as long as they stand there. So an alert begins when the stance is also clear of the runner's own level: 4 σ
for one stance, 4 σ / √2 for the mean of two in succession of which neither is near it. For normal noise that is one
false alert in about 16 000 stances, nine times rarer than one in ten minutes, which leaves room for noise that is not
normal; the first stance of a dive of 10° is taken in 19 of 20 cases as long as σ ≤ 1.75°. The level is the baseline's
mean; without one, that of this session's last stances of that side outside of alerts, in the picture, which no
estimate of the camera can shift: told by their lower quartile, because dives that came before there was a target are
among them; where a gap of 3 σ parts the lower ones from all others, by these: a session may begin with a long block
of dives. Where the camera's place is known the stance must be clear of their level with the camera taken out as well:
a runner who moves aside is seen from elsewhere. Then 3 σ are enough in the picture: both hold the same noise, and what
the picture guards against is an estimate that shifts. Where there is no level yet, and for who is always over the
target, more is asked where the pose model is hardly sure of the legs: noisy pictures shift its joints for a whole
session. σ grows with the spread from stance to stance (von Neumann 1941) and with the baseline's SD. While an alert
lasts every stance over the target is cued; it ends `HYSTERESIS_DEG` below the target, or back near the level. One that
began before there was a level is not held against its own stances until eight were judged, unless a gap parts them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import fmean, median, stdev
from types import MappingProxyType
from typing import Literal, get_args

from model.belt import is_same_speed
from model.goals import Goal
from model.own_level import STEADY_STANCES, OwnLevel, quartile_sds
from model.pose import Side
from model.programme import Adherence, FeedbackSchedule

Basis = Literal["baseline", "session", "fixed"]
#: Why cues are kept back: nobody is coached at all, a baseline is measured first, or a programme fades the feedback.
KeptBack = Literal["off", "measuring", "fading"]
KNEE, KNEE_IMAGE, PELVIS, CADENCE = "fppa_deg", "fppa_image_deg", "pelvic_drop_deg", "cadence_spm"
#: A knee is cued by either.
KNEE_KEYS = KNEE, KNEE_IMAGE
#: Of these a baseline holds for one place of the camera only: steps are seen wider or narrower from aside.
IN_PICTURE = KNEE_IMAGE, "step_width_leg"
#: What a baseline of the pelvis is kept as that was held against standing; under the metric's name, against strides.
PELVIS_STOOD = "pelvic_drop_stood_deg"
#: What a baseline of the cadence is kept as where the belt's speed was told, which follows in m/s.
_CADENCE_AT = f"{CADENCE}@"

#: Fewest good stances of a side for a baseline.
MIN_BASELINE = 20
#: Degrees below the target at which an alert ends; for other units in proportion to their σ.
HYSTERESIS_DEG = 1.5
#: Noise of one stance of the knee's angle, degrees, pose model and camera taken out: SD of aligned stances of rendered
#: runners, mean over the clips (coach.md). Without a pose model: the spread of a real runner's steps.
STANCE_SD: Mapping[str, float] = MappingProxyType({"lightning": 1.4, "thunder": 1.3, "mocap-measured": 2.0})
_STANCE_SD_OTHER = 1.0
#: The same of the other goals, in their unit. Pelvic drop: half the SDD of Dingenen 2018. Step width: rendered runners.
_GOAL_SD: Mapping[str, float] = MappingProxyType({PELVIS: 1.4, "step_width_leg": 0.015, "cadence_spm": 1.0})
#: An error that is shown at full strength (`Cue.severity`).
_FULL_ERROR: Mapping[str, float] = MappingProxyType(
    {KNEE: 10.0, KNEE_IMAGE: 10.0, PELVIS: 5.0, "step_width_leg": 0.06, "cadence_spm": 10.0}
)
#: +1 where too much is cued, −1 where too little is.
_SIGN: Mapping[str, float] = MappingProxyType({"step_width_leg": -1.0, "cadence_spm": -1.0})
#: Own cadence + 5 to 10 % lowers the knee's load (Heiderscheit 2011): cued below that, the metronome in between.
CADENCE_LEAST, CADENCE_BEAT = 1.05, 1.075
_CADENCE_REFRACTORY_S = 10.0

#: Frames of this long before the decision make its value.
_WINDOW_S = 0.12
_MIN_FRAMES = 2
#: Steps of running before the first decision.
_STEADY_STEPS = 4
#: See above: σ for one stance, for the floor, and the most that σ may grow with the spread.
_CLEAR, _FLOOR, _MAX_GROWTH = 4.0, 1.96, 1.6
#: The same of the picture's angle, where the other, without the camera, is clear, too.
_CLEAR_IN_PICTURE = 3.0
_KEPT = 30
#: Fewest stances for the own level.
_MIN_LEVEL = 3
#: What pose model and camera may be off for a whole session, degrees, straight ahead and for each degree of azimuth
#: (varied.md).
_OFF_DEG, _OFF_PER_DEG = 3.0, 0.2
#: So much more where the pose model is hardly sure of the legs, as in noisy pictures; from which mean confidence on it
#: grows, down to which (good pictures: 0.74 and more, through both models; noisy ones: 0.58 to 0.70).
_UNSURE_DEG, _SURE, _HARDLY_SURE = 1.0, 0.74, 0.64
#: What is left of each degree of azimuth, where there is no level yet: less than `frontal` states of a mean, because
#: one σ of noise comes on top of it, and with 0.1 a session's first dives were missed at 12° (coach.md).
_LEFT_OVER = 0.07


@dataclass(frozen=True, slots=True)
class Cue:
    """One cue: what was seen, at which frame, against which threshold."""

    t_s: float
    side: Side
    metric: str
    value: float
    threshold: float

    @property
    def severity(self) -> float:
        """How far beyond the threshold, 0 to 1."""
        return min(1.0, abs(self.value - self.threshold) / _FULL_ERROR[self.metric])


@dataclass(frozen=True, slots=True)
class Baseline:
    """How a side usually is: mean and SD over ``n`` stances, in the metric's unit."""

    mean: float
    sd: float
    n: int


Baselines = Mapping[tuple[Side, str], Baseline]


@dataclass(frozen=True, slots=True)
class CoachSettings:
    """What the coach must be told.

    Attributes:
        enabled: whether anything is cued at all.
        metric: the goal.
        fppa_threshold_deg: for the knee where there is no baseline.
        baseline_k: standard deviations above the baseline's mean.
        refractory_s: least time between two cues of a side.
    """

    enabled: bool = True
    metric: Goal = "fppa_deg"
    fppa_threshold_deg: float = 8.0
    baseline_k: float = 1.0
    refractory_s: float = 0.4


@dataclass(frozen=True, slots=True)
class Look:
    """One side in one frame of its stance.

    Attributes:
        elapsed_s: since the strike.
        contact_s: how long this side usually stands.
        values: by metric key; NaN where it is not to be trusted.
    """

    elapsed_s: float
    contact_s: float
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Instrument:
    """What measures.

    Attributes:
        model: name of the pose model; None for joints that no model saw.
        knee_gain: share of a knee's motion that is seen in the picture.
        azimuth_deg: from where the camera looks at the runner; 0 where that is not known.
        confidence: of the pose model in the legs of late, 0 to 1.
    """

    model: str | None = None
    knee_gain: float = 1.0
    azimuth_deg: float = 0.0
    confidence: float = 1.0

    @property
    def stance_sd_deg(self) -> float:
        """σ of one stance of the knee's angle."""
        known = (sd for name, sd in STANCE_SD.items() if self.model is not None and name in self.model)
        return next(known, _STANCE_SD_OTHER)

    @property
    def unsure_deg(self) -> float:
        """What the knee's angle may be off for a whole session beyond what it is off in good pictures."""
        share = (_SURE - self.confidence) / (_SURE - _HARDLY_SURE)
        return _UNSURE_DEG * min(max(share, 0.0), 1.0)

    @property
    def off_deg(self) -> float:
        """What the knee's angle may be off for a whole session."""
        return _OFF_DEG + _OFF_PER_DEG * abs(self.azimuth_deg) + self.unsure_deg


@dataclass(frozen=True, slots=True)
class Target:
    """What a side is held against.

    Attributes:
        metric: its key.
        limit: beyond it a stance is not within the target.
        level: how the side usually is; NaN where only a fixed threshold is known.
        basis: where the limit comes from.
        sd: the baseline's SD; 0 without one.
    """

    metric: str
    limit: float
    level: float
    basis: Basis
    sd: float = 0.0

    @property
    def sign(self) -> float:
        return _SIGN.get(self.metric, 1.0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the last stance of a side was like.

    Attributes:
        value: in the target's metric.
        target: what it was held against.
        within: whether the value is within the target.
        alert: whether the side is in alert.
    """

    value: float
    target: Target
    within: bool
    alert: bool


@dataclass(frozen=True, slots=True)
class CoachState:
    """How the coaching stands, for those who show it.

    Attributes:
        metric: the goal.
        kept_back: why the runner is given no feedback now; None where they are.
        measured: stances of the baseline that is being measured, of the side with fewer; None when none is.
        verdicts: by side, of its last stance; None before the first, and when nobody runs.
        targets: by side; None while there is none.
        run_s: time of running so far.
        adherence: stances within the target.
        metronome_spm: the pace to beat; None for no metronome, as where the runner is quicker by themselves.
        kept_back_s: time of running in this session in which cues were kept back, whoever ran, by the reason.
    """

    metric: Goal
    kept_back: KeptBack | None
    measured: int | None
    verdicts: Mapping[Side, Verdict | None]
    targets: Mapping[Side, Target | None]
    run_s: float
    adherence: Adherence
    metronome_spm: float | None
    kept_back_s: Mapping[KeptBack, float]

    @property
    def feedback(self) -> bool:
        """Whether the runner is given feedback now."""
        return self.kept_back is None


@dataclass(slots=True)
class _Side:
    """One side's frames of this stance, and its stances of this session."""

    frames: deque[tuple[float, Mapping[str, float]]] = field(default_factory=deque)
    decided: bool = True
    last_cue_s: float = -math.inf
    verdict: Verdict | None = None
    target: Target | None = None
    alert: bool = False
    #: Whether the alert began before there was a level. Its own stances tell that then, or what began by chance, of a
    #: runner whom the camera shows over the threshold all the time, would never end; but not before they tell, too,
    #: whether it is too far over to be the camera.
    blind: bool = False
    #: Of all last stances, and of those outside of alerts: the knee in the picture, in true degrees; or the value.
    anchors: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    level: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    #: The same with the camera taken out, where its place was known; of stances outside of alerts only.
    corrected: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    #: How far over the target the last stances outside of alerts were.
    overs: deque[float] = field(default_factory=lambda: deque(maxlen=STEADY_STANCES))
    excess_before: float = math.nan
    learning: dict[str, list[float]] = field(default_factory=dict)

    def strike(self) -> None:
        self.decided = False
        self.frames.clear()

    def look(self, t_s: float, look: Look) -> Mapping[str, float] | None:
        """Takes a frame; the values of this stance when it is the one to decide at, NaN where too little was seen."""
        self.frames.append((t_s, look.values))
        while self.frames[0][0] < t_s - _WINDOW_S:
            self.frames.popleft()
        if self.decided or look.elapsed_s < look.contact_s / 2:
            return None
        self.decided = True
        if look.elapsed_s > look.contact_s:
            return None
        return {key: _of_frames([values[key] for _, values in self.frames], _FULL_ERROR[key]) for key in look.values}

    def unseen(self) -> None:
        """A stance could not be judged: what was said of the one before no longer holds."""
        self.verdict, self.alert, self.excess_before = None, False, math.nan
        self.overs.clear()

    def begin_anew(self) -> None:
        """What was learnt so far is of another runner, another goal or another speed."""
        self.learning.clear()
        self.level.clear()
        self.corrected.clear()
        self.unseen()
        self.target = None

    def pause(self) -> None:
        """Nobody runs."""
        self.decided = True
        self.frames.clear()
        self.unseen()

    def far_over(self, off_deg: float) -> bool:
        """Whether the side is usually so far over the target that it cannot be pose model and camera."""
        return len(self.overs) == STEADY_STANCES and median(self.overs) > off_deg

    def spread(self) -> float:
        """SD from stance to stance, by the median of successive differences, which blocks of dives hardly move."""
        steps = [abs(b - a) for a, b in pairwise(self.anchors)]
        return 1.048 * median(steps) if len(steps) >= STEADY_STANCES else 0.0


class Coach:
    """Decides the cues of one session, by the frames' times. Deterministic.

    Args:
        settings: what to watch.
        baselines: the runner's own, by side and metric.
        measure: take the knee's baseline first, in the first stances, without feedback, where there is none.
        schedule: of a session in a programme; None: feedback all the time.
    """

    def __init__(
        self,
        settings: CoachSettings,
        baselines: Baselines = MappingProxyType({}),
        measure: bool = False,
        schedule: FeedbackSchedule | None = None,
    ) -> None:
        self._settings = settings
        self._sides = {side: _Side() for side in Side}
        self._stood = False
        self._belt_m_s: float | None = None
        #: Whether the runner takes more steps than the metronome would beat: it would hold them back.
        self._ahead = False
        self._steps = 0
        self._before_s = math.nan
        self.run_s, self.adherence = 0.0, Adherence()
        self._kept_back_s: dict[KeptBack, float] = dict.fromkeys(get_args(KeptBack), 0.0)
        self.know(baselines, measure, schedule)

    @property
    def metric(self) -> Goal:
        """The goal."""
        return self._settings.metric

    def know(
        self,
        baselines: Baselines,
        measure: bool,
        schedule: FeedbackSchedule | None,
        metric: Goal | None = None,
        goes_on: bool = False,
    ) -> None:
        """Whose session this is from now on, and what their goal is; see the class.

        What was learnt of another runner, or for another goal, is forgotten. Without ``metric`` the goal stays.
        ``goes_on``: it is the same runner's as before, and so is what was run and how much of it was on target.
        """
        if metric is not None and metric != self.metric:
            self._settings = replace(self._settings, metric=metric)
            self._sides = {side: _Side() for side in Side}
        if not goes_on:
            self.run_s, self.adherence = 0.0, Adherence()
        self._stored = dict(baselines)
        self._measure = measure or self._settings.metric != KNEE
        self._schedule = schedule
        self.learnt: dict[tuple[Side, str], Baseline] = {}
        self._begin_anew()

    def _begin_anew(self) -> None:
        for side in self._sides.values():
            side.begin_anew()
        self._ahead = False

    def forget_place(self) -> None:
        """The camera has been moved: what was learnt of knee and step width in this session was for its old place.

        The knee's stored baseline had its own place taken out, and holds; those in the picture do not.
        """
        for side, state in self._sides.items():
            for key in IN_PICTURE:
                self._stored.pop((side, key), None)
            for key in (KNEE, *IN_PICTURE):
                self.learnt.pop((side, key), None)
                state.learning.pop(key, None)
            state.level.clear()
            state.corrected.clear()
            state.overs.clear()

    def stands_level(self, stood: bool) -> None:
        """Whether the pelvis is held against standing, else against the mean over whole strides.

        A drop of one side shows about half as large against the latter: each has a baseline of its own.
        """
        if stood is self._stood:
            return
        self._stood = stood
        if self.metric != PELVIS:
            return
        for state in self._sides.values():
            state.level.clear()
            state.unseen()

    def runs_at(self, belt_m_s: float | None) -> None:
        """How fast the belt runs; None where that is not told.

        One's own cadence is that at one and the same speed: each has a baseline of its own.
        """
        before_m_s = self._belt_m_s
        if before_m_s == belt_m_s or (before_m_s and belt_m_s and is_same_speed(before_m_s, belt_m_s)):
            return
        self._belt_m_s = belt_m_s
        if self.metric == CADENCE:
            self._begin_anew()

    @property
    def feedback(self) -> bool:
        """Whether the runner is given feedback now."""
        return self.kept_back is None

    @property
    def kept_back(self) -> KeptBack | None:
        """Why the runner is given no feedback now; None where they are."""
        if not self._settings.enabled:
            return "off"
        if self.measured is not None:
            return "measuring"
        return None if self._schedule is None or self._schedule.is_on(self.run_s) else "fading"

    @property
    def measured(self) -> int | None:
        """Stances so far of a baseline that is being measured, of the side with fewer; None when none is."""
        if not self._measure:
            return None
        keys = (KNEE, KNEE_IMAGE) if self._settings.metric == KNEE else (self._settings.metric,)
        most = {
            side: max(
                MIN_BASELINE
                if self._baseline(side, key)
                else len(self._sides[side].learning.get(self._kept_as(key), ()))
                for key in keys
            )
            for side in Side
        }
        fewest = min(most.values())
        return None if fewest >= MIN_BASELINE else fewest

    def strike(self, side: Side) -> None:
        """A foot has landed: one decision is due."""
        self._sides[side].strike()
        self._steps += 1

    def step(self, t_s: float, running: bool, looks: Mapping[Side, Look], instrument: Instrument) -> tuple[Cue, ...]:
        """One frame.

        Args:
            t_s: the frame's time.
            running: whether the runner runs.
            looks: the sides that stand and are well seen.
            instrument: what measures.
        """
        if not running:
            self.pause(t_s)
            return ()
        if t_s - self._before_s < 0.5:
            self.run_s += t_s - self._before_s
            if (why := self.kept_back) is not None:
                self._kept_back_s[why] += t_s - self._before_s
        self._before_s = t_s
        cues = []
        for side, look in looks.items():
            seen = self._sides[side].look(t_s, look)
            if seen is not None and self._steps > _STEADY_STEPS:
                cue = self._decide(t_s, side, seen, instrument)
                cues += [] if cue is None else [cue]
        return tuple(cues)

    def pause(self, t_s: float) -> None:
        """A frame in which nobody runs, or not as is judged here: no side is in the red any more, and nothing beats."""
        self._before_s = t_s
        self._steps, self._ahead = 0, False
        for state in self._sides.values():
            state.pause()

    def state(self) -> CoachState:
        """How things stand now."""
        return CoachState(
            metric=self._settings.metric,
            kept_back=self.kept_back,
            measured=self.measured,
            verdicts={side: state.verdict for side, state in self._sides.items()},
            targets={side: state.target for side, state in self._sides.items()},
            run_s=self.run_s,
            adherence=self.adherence,
            metronome_spm=self._metronome_spm(),
            kept_back_s=MappingProxyType(dict(self._kept_back_s)),
        )

    def _metronome_spm(self) -> float | None:
        if self._settings.metric != CADENCE or not self.feedback or self._steps == 0 or self._ahead:
            return None
        return self._pace_spm()

    def _pace_spm(self) -> float | None:
        """A little above one's own cadence; None where that is not known."""
        own = [b.mean for side in Side if (b := self._baseline(side, CADENCE)) is not None]
        return CADENCE_BEAT * fmean(own) if own else None

    def _baseline(self, side: Side, metric: str) -> Baseline | None:
        key = side, self._kept_as(metric)
        return self._stored.get(key) or self.learnt.get(key)

    def _kept_as(self, metric: str) -> str:
        """Under which name a baseline is kept, and stances for it."""
        if metric == CADENCE and self._belt_m_s is not None:
            return self._cadence_at(self._belt_m_s)
        return PELVIS_STOOD if metric == PELVIS and self._stood else metric

    def _cadence_at(self, belt_m_s: float) -> str:
        """The same of the cadence at a speed: that of the nearest one that is the same and known, if any is."""
        known = {key for _, key in (*self._stored, *self.learnt) if key.startswith(_CADENCE_AT)}
        speeds_m_s = [float(key.removeprefix(_CADENCE_AT)) for key in known]
        same_m_s = [speed_m_s for speed_m_s in speeds_m_s if is_same_speed(speed_m_s, belt_m_s)]
        nearest_m_s = min(same_m_s, key=lambda speed_m_s: abs(speed_m_s - belt_m_s), default=belt_m_s)
        return f"{_CADENCE_AT}{nearest_m_s:.4f}"

    def _decide(self, t_s: float, side: Side, seen: Mapping[str, float], instrument: Instrument) -> Cue | None:
        """Judges one stance."""
        state = self._sides[side]
        knee = self._settings.metric == KNEE
        metric = KNEE_IMAGE if knee and not math.isfinite(seen[KNEE]) else self._settings.metric
        anchor = seen[KNEE_IMAGE] / instrument.knee_gain if knee else seen[metric]
        self._learn(side, seen)
        target = state.target = self._target(side, metric, instrument)
        if not math.isfinite(anchor):
            state.unseen()
            return None
        state.anchors.append(anchor)
        if target is None:
            state.unseen()
            state.level.append(anchor)
            return None
        value = seen[metric]
        if metric == CADENCE and (pace_spm := self._pace_spm()) is not None:
            # Who keeps to the pace is now a little above it, now below: that is noise, and no reason to stop it.
            self._ahead = value > pace_spm + (0.0 if self._ahead else _FLOOR * self._sd(metric, instrument))
        over = target.sign * (value - target.limit)
        sd = self._session_sd(state, target, instrument)
        excess, parted = self._excess(state, target, value, anchor, sd, instrument)
        far_over = state.far_over(instrument.off_deg) and not parted
        back = over < -self._hysteresis(metric, instrument) or (excess < _CLEAR / 2 and not far_over)
        state.alert = state.alert and not back
        clear = over > 0 and (state.alert or self._is_clear(state, target, over, excess, sd, far_over, instrument))
        state.excess_before = excess if over > 0 else math.nan
        if clear and not state.alert:
            state.blind = not math.isfinite(excess)
        state.alert = state.alert or clear
        if not state.alert or not math.isfinite(excess):
            state.level.append(anchor)
            state.overs.append(over)
        if not state.alert and metric == KNEE:
            state.corrected.append(value)
        state.verdict = Verdict(value, target, over <= 0, state.alert)
        if self.measured is None:
            self.adherence = self.adherence.with_stance(self.feedback, over <= 0)
        if not (clear and self.feedback) or t_s - state.last_cue_s < self._refractory_s():
            return None
        for told in self._sides.values() if metric == "cadence_spm" else (state,):
            told.last_cue_s = t_s
        return Cue(t_s, side, metric, value, target.limit)

    def _refractory_s(self) -> float:
        wait_s = _CADENCE_REFRACTORY_S if self._settings.metric == "cadence_spm" else 0.0
        return max(wait_s, self._settings.refractory_s)

    def _learn(self, side: Side, seen: Mapping[str, float]) -> None:
        """Takes a stance for the baselines that are missing."""
        if not self._measure:
            return
        state = self._sides[side]
        for metric, value in seen.items():
            if not math.isfinite(value) or self._baseline(side, metric) is not None:
                continue
            key = self._kept_as(metric)
            kept = state.learning.setdefault(key, [])
            kept.append(value)
            if metric == CADENCE and len(kept) >= MIN_BASELINE and not _steady(kept):
                del kept[0]
            if len(kept) >= MIN_BASELINE:
                self.learnt[side, key] = Baseline(fmean(kept), stdev(kept), len(kept))

    def _target(self, side: Side, metric: str, instrument: Instrument) -> Target | None:
        baseline = self._baseline(side, metric)
        if baseline is not None:
            kept = (side, self._kept_as(metric)) in self._stored
            basis: Basis = "baseline" if kept or metric in (KNEE, KNEE_IMAGE) else "session"
            if metric == "cadence_spm":
                return Target(metric, CADENCE_LEAST * baseline.mean, baseline.mean, basis)
            floor = _FLOOR * self._sd(metric, instrument) * math.sqrt(1 + 1 / baseline.n)
            away = max(self._settings.baseline_k * baseline.sd, floor)
            limit = baseline.mean + _SIGN.get(metric, 1.0) * away
            return Target(metric, limit, baseline.mean, basis, baseline.sd)
        if metric != KNEE or self._measure:
            return None
        return Target(metric, self._settings.fppa_threshold_deg, math.nan, "fixed")

    def _sd(self, metric: str, instrument: Instrument) -> float:
        """σ of one stance in the metric's unit."""
        if metric in (KNEE, KNEE_IMAGE):
            return instrument.stance_sd_deg * (instrument.knee_gain if metric == KNEE_IMAGE else 1.0)
        return _GOAL_SD[metric]

    def _hysteresis(self, metric: str, instrument: Instrument) -> float:
        return HYSTERESIS_DEG if metric.endswith("_deg") else self._sd(metric, instrument) / 2

    def _session_sd(self, state: _Side, target: Target, instrument: Instrument) -> float:
        """σ of one stance in the target's unit, grown with the spread of this session."""
        sd = self._sd(target.metric, instrument)
        scale = instrument.knee_gain if target.metric in (KNEE, KNEE_IMAGE) else 1.0
        return _grown(sd, max(state.spread() * scale, target.sd))

    def _excess(
        self, state: _Side, target: Target, value: float, anchor: float, sd: float, instrument: Instrument
    ) -> tuple[float, bool]:
        """By how many σ beyond the own level, NaN where that is not known; and whether a gap tells the level.

        A baseline's mean is counted as known.
        """
        if math.isfinite(target.level):
            return target.sign * (value - target.level) / sd, False
        if len(state.level) < _MIN_LEVEL:
            return math.nan, False
        picture = OwnLevel.of(state.level, anchor, _grown(instrument.stance_sd_deg, state.spread()))
        if state.alert and state.blind and len(state.overs) < STEADY_STANCES and not picture.parted:
            return math.nan, False
        if len(state.corrected) < _MIN_LEVEL:
            return picture.beyond(anchor), picture.parted
        own = OwnLevel.of(state.corrected, value, sd)
        return min(_CLEAR / _CLEAR_IN_PICTURE * picture.beyond(anchor), own.beyond(value)), picture.parted

    def _is_clear(
        self,
        state: _Side,
        target: Target,
        over: float,
        excess: float,
        sd: float,
        far_over: bool,
        instrument: Instrument,
    ) -> bool:
        """Whether a stance over the target is more than noise."""
        if target.metric == "cadence_spm":
            return True
        if not math.isfinite(excess):
            left_deg = _LEFT_OVER / instrument.knee_gain * abs(instrument.azimuth_deg)
            # The second and third stance are asked for more: as little as of the first cued an aligned runner.
            noise = sd * (quartile_sds(len(state.level)) if state.level else 1.0)
            return over > noise + left_deg + instrument.unsure_deg
        if far_over and target.basis == "fixed":
            return True
        if excess > _CLEAR:
            return True
        before = state.excess_before
        return min(before, excess) > _CLEAR / 2 and (before + excess) / 2 > _CLEAR / math.sqrt(2)


def _grown(sd: float, spread: float) -> float:
    """σ of one stance as it is measured, and as it was stated."""
    return min(max(sd, spread), _MAX_GROWTH * sd)


def _steady(cadences_spm: list[float]) -> bool:
    """Whether the cadence neither rose nor fell beyond noise, as while the belt is brought to another speed."""
    half = len(cadences_spm) // 2
    return abs(fmean(cadences_spm[half:]) - fmean(cadences_spm[:half])) <= _FLOOR * _GOAL_SD[CADENCE]


def _of_frames(values: list[float], reach: float) -> float:
    """One value of those of successive frames (see above); NaN from fewer than `_MIN_FRAMES`.

    Args:
        values: NaN are left out.
        reach: further from the median is no other look, but a fault.
    """
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < _MIN_FRAMES:
        return math.nan
    middle = median(finite)
    steady = [value for value in finite if abs(value - middle) <= reach]
    pairs = [(a + b) / 2 for a, b in pairwise(steady)]
    return fmean([*pairs, pairs[-1]]) if pairs else middle
