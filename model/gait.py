"""Foot strike and toe-off in real time, from any side.

* **Period**: the frequency that explains most of the trunk's height (a wave per step) and of the difference between
  left and right leg (a wave per stride) over the last steps. What is slower than walking (squats, shifting weight) or
  not periodic is no gait.
* **Clock**: a wave of this period, fitted up to the newest frame. From the front and the rear it is the trunk's
  bounce, which cameras see alike wherever they stand, as they do not the ankles' path. From the side it is the
  ankles' distance, the largest and cleanest motion in the picture.
* **Strike**: a fixed share of the step from the clock's extreme; from the side mostly a fixed time after the ankle was
  furthest ahead, as it was in that foot's last stances.
* **Side**: the leg that is lower while the other swings past it (from behind later: see `_FROM_BEHIND`), with the
  alternation of the steps before. Of a walker seen from the front or behind the hips, which are over the standing foot,
  tell more than the legs: a camera that is high or near may see the other leg lower.
* **Toe-off**: a fixed share of the step after the strike; from the side mostly as long after it as the ankle went with
  the belt in the last stances: until it goes only half as fast.
* **Running or walking**: whether the bounce takes accelerations near g, without which nobody leaves the ground, and
  whether the trunk is lowest amid stance, while the hips are furthest aside, over the standing foot, and the legs pass
  one another; in walking, however brisk, it is highest then. From the front and behind, who is in a runner's phase runs
  even if they hardly leave the ground: by a walker's instants mid-stance would be half a step off. (From behind the
  hips' sway alone tells; who hardly sways is told by the bounce there.)
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.filters import Wave, explained_power, fit_line, fit_wave
from model.pose import LEGS, FloatArray, Joint, Pose, Side, View

Moving = Literal["standing", "walking", "running"]

#: Steps per minute that are sought; a best one at the lower end means that whatever moves is slower than that.
_SLOWEST_SPM, _FASTEST_SPM, _FINENESS = 70.0, 245.0, 0.05
_OMEGAS = 2 * math.pi / 60 * np.exp(np.arange(math.log(_SLOWEST_SPM), math.log(_FASTEST_SPM), _FINENESS))
#: The search looks back this far, forgets within this many steps (before the start, and after) or frames, runs this
#: often (half as often in steady gait), and takes samples about this far apart.
_MEMORY_S, _MEMORY_FRAMES, _SEARCH_EVERY_S, _SEARCH_SAMPLE_S = 3.0, 5, 0.06, 0.03
_MEMORY_STEPS = {"standing": 0.8, "walking": 2.0, "running": 2.0}
_MIN_SPAN_S = 0.4
#: Samples that are kept: at 120 per second, no fewer than the search looks back to.
_ROOM = 1024
#: When gait is recognised, so many steps of it have been seen.
_START_STEPS = 1.5
#: By whether the view is frontal: a stop is noticed within so long. What the clock has struck since then was no step.
_STOP_S = {True: 1.0, False: 1.4}
#: The clock's wave is fitted over this many of its periods; at low frame rates over at least this many frames.
_CLOCK_PERIODS, _CLOCK_FRAMES = {True: 1.1, False: 0.9}, 5.5
#: Mid-shoulder to mid-hip of an adult, 0.29 of the body's height, to turn the bounce into m/s².
_TORSO_M = 0.5
_RUNNING_M_S2, _HYSTERESIS_M_S2 = 4.5, 0.5
#: In steps, when the trunk of a runner is lowest, and how far from it that is walking. After the hips were furthest
#: aside, which they are over the standing foot: a walker's trunk is highest then. Motion capture, cameras 0.4 to 2 m
#: high, in front and behind, turned by up to 15°: runners are at most 0.13 off, walkers 0.32 to 0.5; 81 films of
#: rendered runners as the pose models see them: 0.20 in all but 0.3 % of the looks. Hips that sway by less, in torsos,
#: tell nothing.
_LOWEST_AFTER_ASIDE, _MIN_SWAY, _SWAY_STEPS = -0.05, 0.02, 3.0
#: After the knees and ankles differ most in height in the picture. Motion capture and synthetic walkers, cameras 0.4 to
#: 2 m high, turned by up to 15°: runners are at most 0.18 (front; 0.27 by a camera 0.4 m high) and 0.23 (side) off,
#: walkers 0.32 to 0.5 in front (0.18 by one 2 m high and 2 m away), beside 0.4 to 0.5 by a square camera. From behind a
#: low camera sees the ankles' heights exchanged: there the sway alone tells.
_LOWEST_AFTER = {View.FRONT: 0.30, View.SIDE: 0.05}
_WALKING_OFF = {View.FRONT: 0.26, View.REAR: 0.26, View.SIDE: 0.30}
_HYSTERESIS_OFF, _PHASE_STEPS = 0.02, 2.2
#: Nobody runs with so few steps a minute (joggers make 140 and more): in the phase of running they are those of a film
#: that is slower than life. So many searches of late, as a share, must have seen it; each counts so much.
SLOWEST_RUN_SPM, _RUNNING_OFF, _SLOWED_SHARE, _NEW_SEARCH = 130.0, 0.2, 0.8, 0.06
#: A runner may be out of that phase for so long (a stumble, a step aside).
_STUMBLE_S = 1.0
#: Who hardly leaves the ground runs all the same, seen from the front or behind, if in that phase for so long. (By half
#: sines of force a bounce below 4.5 m/s² goes with a duty factor of more than 0.56.)
_GROUNDED_S = 0.5
#: What makes it gait: least swing of the legs against each other and least bounce, and least shares of the motion of
#: legs and trunk that are such waves, to begin with and to go on. From the side the legs alone tell enough.
_MIN_SWING = {True: 0.08, False: 0.4}
_MIN_BOUNCE_M_S2 = 1.5
_MIN_PERIODIC = {True: ((0.5, 0.4), (0.35, 0.25)), False: ((0.7, 0.1), (0.35, 0.0))}
#: The clock's last period must keep this share of its usual size, or the runner has stopped.
_MIN_SHARE = 0.6
#: In steps, from the strike: the trunk's lowest point, the ankles' largest distance, the swinging leg's passing of the
#: standing one, and toe-off. Running: mean of rendered runners (0.34, -0.05, 0.30, 0.68) and of a real one on force
#: plates (0.30, -0.07, 0.29, 0.73). Walking: motion capture; the trunk is lowest amid double support.
_LOWEST = {"running": 0.32, "walking": 0.13}
_WIDEST = {"running": -0.06, "walking": 0.12}
_LEGS_PASS = {"running": 0.30, "walking": 0.60}
#: The same from behind a runner, where the swinging leg is nearer the camera and so lower in the picture: the legs'
#: heights differ most 0.21 steps after the strike for a camera 0.4 m high, 0.87 for one 1.9 m high and 2 m away (motion
#: capture, rendered runners).
_FROM_BEHIND = 0.55
_CONTACT = {"running": 0.70, "walking": 1.20}
#: A walker's sway counts so much against the legs' heights, times its share of the hips' way: a step aside is no sway.
#: Motion capture, cameras 0.5 to 2 m high and 2 to 3.5 m away, turned by up to 15°: a walker's hips are furthest aside
#: 0.07 to 0.22 steps after mid-stance, when the legs' heights may tell the other leg with up to 0.3 of their swing. (In
#: films of rendered runners as the pose models see them, sway that is plain tells the own foot in all of 2882 stances.)
_SWAY_WEIGHT = 2.0
#: Seen from the side, in steps: the ankle goes with the belt in this part after the strike, and lags behind it so long
#: after toe-off (0.04 and 0.08, both sources as above, whatever share of the step the stance takes); looked for in this
#: part, by speeds over so many seconds. A stance of running takes these shares of the step; what was seen has so much
#: weight against the usual one.
_BELT_STEPS, _LEAVES_STEPS, _LEFT_SHARE, _LEFT_AFTER_STEPS, _SPEED_S = (0.1, 0.5), (0.4, 1.35), 0.5, 0.062, 0.066
_CONTACT_RANGE, _SEEN_WEIGHT = (0.4, 1.0), 0.7
#: Seen from the side: the ankle is furthest ahead of the hips so long before the strike (rendered runners 0.037, seen
#: by the pose models 0.034 to 0.044, on force plates, which count more, 0.028); sought in this part of the step. Where
#: the belt takes the foot would be plainer, but the ankle goes half as fast as it 0.018 before the strike of a rendered
#: runner and 0.009 after that of a real one.
_AHEAD_S, _AHEAD_STEPS = 0.030, (-0.5, 0.35)
#: Of so many stances, at least and at most, the median is taken; it has this weight against the clock, which is up to
#: 0.04 s off where this is 0.01 to 0.02, and moves a strike by at most this share of the step.
_LATE_STANCES, _LATE_KEPT, _LATE_WEIGHT, _LATE_STEPS = 3, 11, 0.75, 0.15
#: Without a pose for this long nothing is decided, and for this long the past is forgotten.
_BLIND_S, _LOST_S = 0.15, 0.5
_CADENCE_STEPS, _CONTACTS_KEPT = 12, 7
#: The pose model's exchange of left and right leg is undone for this long; what lasts longer is believed.
_EXCHANGED_S = 0.09
_LEG_JOINTS = np.array([[LEGS[side].knee, LEGS[side].ankle] for side in Side])
_TRUNK = [Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.LEFT_HIP, Joint.RIGHT_HIP]


@dataclass(frozen=True, slots=True)
class GaitEvent:
    """A foot came down or left the ground.

    Attributes:
        kind: strike or toe_off.
        side: the runner's own.
        t_s: when, interpolated between frames.
        decided_t_s: time of the frame at which it was decided.
    """

    kind: Literal["strike", "toe_off"]
    side: Side
    t_s: float
    decided_t_s: float


@dataclass(frozen=True, slots=True)
class _Gait:
    """What the last steps were like: rad/s of the steps, and amplitudes in torsos."""

    omega: float
    bounce: float
    swing: float
    ankles: float

    @property
    def bounce_m_s2(self) -> float:
        return self.bounce * _TORSO_M * self.omega**2

    @property
    def step_s(self) -> float:
        return 2 * math.pi / self.omega


class _Samples:
    """The last seconds of the signals, a row each; NaN where not seen."""

    TRUNK, LEGS, ANKLES, LEFT, RIGHT, HIPS, LEFT_HIP = range(7)

    def __init__(self) -> None:
        self._torso_px: deque[float] = deque(maxlen=31)
        self._trunk_px: FloatArray | None = None
        self._legs: deque[tuple[float, FloatArray]] = deque(maxlen=2)
        self._straight_s = -math.inf
        self._t_s = np.empty(_ROOM)
        self._rows = np.empty((_ROOM, 7))
        self._count = 0

    def add(self, pose: Pose, t_s: float) -> None:
        shoulder = pose.mid(Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER)
        hip = pose.mid(Joint.LEFT_HIP, Joint.RIGHT_HIP)
        torso_px = math.hypot(*(hip - shoulder))
        if math.isfinite(torso_px) and torso_px > 0:
            self._torso_px.append(torso_px)
        trunk_px = self._trunk_height(pose.xy_px[_TRUNK, 1])
        if trunk_px is None or not self._torso_px:
            return
        left, right = self._untangled(pose.xy_px[_LEG_JOINTS], t_s)
        apart = left - right
        if self._count == _ROOM:
            self._make_room()
        self._t_s[self._count] = t_s
        apart_px = (apart[0, 1] + apart[1, 1]) / 2
        left_px, right_px = left[1, 0] - hip[0], right[1, 0] - hip[0]
        left_hip_px = pose.xy_px[Joint.LEFT_HIP, 0] - hip[0]
        self._rows[self._count] = trunk_px, apart_px, apart[1, 0], left_px, right_px, hip[0], left_hip_px
        self._count += 1

    def _make_room(self) -> None:
        """Forgets the older half."""
        kept = _ROOM // 2
        self._t_s[:kept], self._rows[:kept] = self._t_s[-kept:], self._rows[-kept:]
        self._count = kept

    def _untangled(self, legs: FloatArray, t_s: float) -> FloatArray:
        """(2 sides, knee and ankle, 2) px, with sides that the pose model exchanged for a moment put back."""
        exchanged = False
        if len(self._legs) == 2 and t_s - self._straight_s < _EXCHANGED_S:
            (before_s, before), (last_s, last) = self._legs
            expected = last + (last - before) * ((t_s - last_s) / (last_s - before_s))
            off = float(np.linalg.norm(legs - expected))
            exchanged = bool(np.linalg.norm(legs[::-1] - expected) < off / 2)
        if exchanged:
            legs = legs[::-1]
        else:
            self._straight_s = t_s
        self._legs.append((t_s, legs))
        return legs

    def _trunk_height(self, y: FloatArray) -> float | None:
        """Mean of shoulders and hips, down; a missing one is put where it last was against the others."""
        seen = np.isfinite(y)
        if not seen.all():
            if self._trunk_px is None or not seen.any():
                return None
            y = np.where(seen, y, self._trunk_px + (y - self._trunk_px)[seen].mean())
        self._trunk_px = y
        return float(y.mean())

    def age_s(self, t_s: float) -> float:
        return t_s - float(self._t_s[self._count - 1]) if self._count else math.inf

    def since(self, start_s: float) -> tuple[FloatArray, FloatArray]:
        """Times (n,) and signals (7, n), in torsos."""
        first = int(np.searchsorted(self._t_s[: self._count], start_s, "right"))
        t, rows = self._t_s[first : self._count], self._rows[first : self._count]
        return t, rows.T / (median(self._torso_px) if self._torso_px else math.nan)


class GaitDetector:
    """Events of one session, pose by pose: deterministic, decided within two frames after they happened.

    Attributes:
        stopped_since_s: in the frame in which it is noticed that the runner stands, since when at most; else None.
    """

    def __init__(self) -> None:
        self.stopped_since_s: float | None = None
        self._frame_s: deque[float] = deque(maxlen=16)
        self._frame_interval_s = 0.0
        self._forget()

    def begin_anew(self) -> None:
        """The poses that come do not go on from those before."""
        self._forget()

    def _forget(self) -> None:
        self._samples = _Samples()
        self._searched_s = -math.inf
        self._strikes_s: deque[float] = deque(maxlen=_CADENCE_STEPS + 1)
        self._step_numbers: deque[int] = deque(maxlen=_CADENCE_STEPS + 1)  # of the same strikes; a missed one counts
        self._gait: _Gait | None
        self._state: Moving
        self._begun_s: float
        self._springs_s: float
        self._like_run_s: float
        self._unlike_run_s: float
        self._slowed, self._slow_from_s = 0.0, -math.inf
        self._cadence_spm: float | None
        self._belief_left: float
        self._stances: dict[Side, float] = {}
        self._stand()
        self._contact_s = dict.fromkeys(Side, math.nan)
        self._landed: dict[Side, tuple[float, float]] = {}  # strike by the clock, and as told
        self._seen_late_s: dict[Side, deque[float]] = {side: deque(maxlen=_LATE_KEPT) for side in Side}
        self._seen_off_s: dict[Side, deque[float]] = {side: deque(maxlen=_CONTACTS_KEPT) for side in Side}
        self._contacts_s: dict[Side, deque[float]] = {side: deque(maxlen=_CONTACTS_KEPT) for side in Side}

    @property
    def state(self) -> Moving:
        """What the runner does."""
        return self._state

    @property
    def running(self) -> bool:
        return self._state == "running"

    @property
    def slowed(self) -> bool:
        """Whether what is seen is running, but slower than anybody runs, as in slow motion.

        Unknown from behind where the hips hardly sway.
        """
        return self._slowed > _SLOWED_SHARE

    @property
    def slowed_since_s(self) -> float:
        """Since when that may have been so, at most; minus infinity: always."""
        return self._slow_from_s - _MEMORY_S

    def stance_elapsed_s(self, side: Side, t_s: float) -> float | None:
        """Time since the foot of ``side`` came down, None when it is not on the ground."""
        return t_s - self._stances[side] if side in self._stances else None

    def expected_contact_s(self, side: Side) -> float | None:
        """Running median of the contact time, None before two contacts."""
        contacts = self._contacts_s[side]
        return median(contacts) if len(contacts) >= 2 else None

    def cadence_spm(self) -> float | None:
        """Steps per minute over the last twelve steps, None before three and while standing."""
        if len(self._strikes_s) < 4 or self._gait is None:
            return None
        if self._cadence_spm is None:
            line = fit_line(np.array(self._step_numbers, dtype=np.float64), np.array(self._strikes_s))
            self._cadence_spm = 60.0 / line[0] if line else None
        return self._cadence_spm

    def step(self, pose: Pose | None, t_s: float, view: View | None) -> list[GaitEvent]:
        """Takes one frame.

        Args:
            pose: the runner, None when nobody was seen.
            t_s: time of the frame, seconds, increasing.
            view: from where the camera looks; None while it is not known, then poses are kept and nothing is decided.

        Returns:
            The events decided in this frame, in the order of their times.
        """
        self._frame_s.append(t_s)
        if len(self._frame_s) > 1:
            self._frame_interval_s = median(b - a for a, b in pairwise(self._frame_s))
        if pose is not None:
            self._samples.add(pose, t_s)
        age_s = self._samples.age_s(t_s)
        if age_s > _LOST_S and math.isfinite(age_s):
            self._forget()
        self.stopped_since_s = None
        if age_s > _BLIND_S or view is None:
            return []
        moved = self._gait is not None
        steady = moved and t_s - self._begun_s > _MEMORY_S
        if t_s - self._searched_s >= _SEARCH_EVERY_S * (1 + steady):
            self._searched_s = t_s
            self._search(t_s, view)
        if moved and self._gait is None:
            self.stopped_since_s = t_s - _STOP_S[view.frontal]
        events = self._end_stances(t_s)
        if self._gait is not None:
            if view is View.SIDE:
                self._see_contacts(t_s, self._gait)
            events += self._strike(t_s, self._gait, view)
        return sorted(events, key=lambda event: event.t_s)

    def _search(self, t_s: float, view: View) -> None:
        """Finds the period and what the runner does."""
        t, signals = self._samples.since(max(self._begun_s, t_s - _MEMORY_S))
        t, signals = _thin(t - t_s, _held(signals[:3]), _SEARCH_SAMPLE_S)
        if len(t) < 5 or t[-1] - t[0] < _MIN_SPAN_S:
            return
        memory_s = _MEMORY_STEPS[self._state] * 2 * math.pi / _OMEGAS
        weight = np.exp(t / np.maximum(memory_s, _MEMORY_FRAMES * self._frame_interval_s)[:, np.newaxis])
        trunk, trunk_all = explained_power(t, signals[:1], _OMEGAS, weight, drifts=True)
        legs, legs_all = explained_power(t, signals[1:], _OMEGAS / 2, weight, drifts=False)
        trunk_share = trunk[0] / (trunk_all[0] + 1e-6)
        legs_share = legs.sum(axis=0) / (legs_all.sum(axis=0) + 1e-6)
        score = trunk_share + legs_share
        best = int(np.argmax(score))
        gait = _Gait(
            omega=float(_OMEGAS[best]) * math.exp(_FINENESS * _vertex(score, best)),
            bounce=math.sqrt(2 * trunk[0, best]),
            swing=math.sqrt(2 * legs[:, best].sum()),
            ankles=math.sqrt(2 * legs[1, best]),
        )
        least = _MIN_PERIODIC[view.frontal][self._state != "standing"]
        if (
            best == 0
            or gait.swing < _MIN_SWING[view.frontal]
            or (view.frontal and gait.bounce_m_s2 < _MIN_BOUNCE_M_S2)
            or legs_share[best] < least[0]
            or trunk_share[best] < least[1]
        ):
            self._stand()
            return
        if self._gait is None:
            self._begun_s = t_s - _START_STEPS * gait.step_s
            self._unlike_run_s = t_s
        off = self._phase_off(t_s, gait, view)
        slowly = 60.0 / gait.step_s < SLOWEST_RUN_SPM
        slow = off < _RUNNING_OFF and slowly
        self._slowed += _NEW_SEARCH * (slow - self._slowed)
        if self._slowed < _NEW_SEARCH:
            self._slow_from_s = t_s
        favour = 1 if self.running else -1
        leaps = gait.bounce_m_s2 > _RUNNING_M_S2 - favour * _HYSTERESIS_M_S2
        if not off >= _WALKING_OFF[view] + favour * _HYSTERESIS_OFF:
            self._springs_s = t_s
        springs = t_s - self._springs_s < (_STUMBLE_S if self.running else _SEARCH_EVERY_S)
        # Unknown for a moment, it goes on as it was. From the side a walker's instants are nearer to those of who never
        # leaves the ground: both feet are down at times.
        if view.frontal and not slowly and off < _RUNNING_OFF + favour * _HYSTERESIS_OFF:
            self._like_run_s = t_s
        elif slowly or math.isfinite(off) or t_s - self._like_run_s > _STUMBLE_S:
            self._unlike_run_s = t_s
        grounded = t_s - self._unlike_run_s > _GROUNDED_S
        self._gait = gait
        self._state = "running" if (leaps and springs) or grounded else "walking"

    def _phase_off(self, t_s: float, gait: _Gait, view: View) -> float:
        """How far, in steps, the trunk is out of the phase that it has in running; NaN where it is not known.

        By the hips' sway where it is plain, which is seen alike from all cameras in front and behind; else by the legs.
        """
        sway_off = self._sway_off(t_s, gait) if view.frontal else math.nan
        if math.isfinite(sway_off):
            return sway_off
        if view not in _LOWEST_AFTER:
            return math.nan
        t, signals = self._samples.since(t_s - _PHASE_STEPS * gait.step_s)
        trunk = fit_wave(t, signals[_Samples.TRUNK], gait.omega, t_s)
        legs = fit_wave(t, signals[_Samples.LEGS], gait.omega / 2, t_s)
        if trunk is None or legs is None:
            return math.nan
        return _apart(trunk.peak_s - legs.peak_s, gait.step_s, _LOWEST_AFTER[view])

    def _sway_off(self, t_s: float, gait: _Gait) -> float:
        """The same by the hips' sway alone; NaN where that is not plain."""
        sway = self._sway(t_s, gait)
        if sway is None:
            return math.nan
        t, signals = self._samples.since(t_s - _SWAY_STEPS * gait.step_s)
        trunk = fit_wave(t, signals[_Samples.TRUNK], gait.omega, t_s)
        if trunk is None:
            return math.nan
        return _apart(trunk.peak_s - sway[0].peak_s, gait.step_s, _LOWEST_AFTER_ASIDE)

    def _sway(self, t_s: float, gait: _Gait) -> tuple[Wave, float] | None:
        """The hips' sway, + toward the runner's left, and its share, 0 to 1, of their way across the belt.

        None where it is small, or less than a stride of it was seen.
        """
        t, signals = self._samples.since(t_s - _SWAY_STEPS * gait.step_s)
        if not len(t) or t_s - t[0] < 2 * gait.step_s:
            return None
        # By where the left hip lies, not by the view: so that it is the same in a mirror.
        leftward = np.sign(np.nansum(signals[_Samples.LEFT_HIP]))
        way = leftward * _level(t, signals[_Samples.HIPS])
        wave = fit_wave(t, way, gait.omega / 2, t_s)
        if wave is None or wave.amplitude < _MIN_SWAY:
            return None
        return wave, min(wave.amplitude**2 / 2 / float(np.nanvar(way)), 1.0)

    def _stand(self) -> None:
        """Nothing goes on: a foot that is down stays, and with which foot the next run begins is not known."""
        self._gait, self._state, self._begun_s = None, "standing", -math.inf
        self._springs_s = self._like_run_s = -math.inf
        self._unlike_run_s = math.inf
        self._belief_left = 0.0
        self._stances.clear()
        self._forget_strikes()

    def _forget_strikes(self) -> None:
        self._strikes_s.clear()
        self._step_numbers.clear()
        self._cadence_spm = None

    def _strike(self, t_s: float, gait: _Gait, view: View) -> list[GaitEvent]:
        step_s, seen_s = gait.step_s, t_s - self._frame_interval_s
        late_s = {side: 0.0 if view.frontal else self._late(side, gait) for side in Side}
        newest_s = seen_s - min(late_s.values())
        if self._strikes_s and newest_s < self._strikes_s[-1] + step_s / 2:
            return []  # too early for the next one
        clock_s = self._clock(t_s, gait, view)
        if clock_s is None:
            return []
        clock_s += math.floor((newest_s - clock_s) / step_s) * step_s
        steps = round((clock_s - self._strikes_s[-1]) / step_s) if self._strikes_s else 0
        if clock_s < newest_s - 0.4 * step_s or (self._strikes_s and steps < 1):
            return []
        from_behind = view is View.REAR and self.running
        passing = _FROM_BEHIND if from_behind else _LEGS_PASS[self._state]
        belief_left = self._left(t_s, gait, view, clock_s + passing * step_s, steps)
        side = Side.LEFT if belief_left > 0 else Side.RIGHT
        strike_s = clock_s + late_s[side]
        if strike_s > seen_s:
            return []
        if steps > 2:
            self._forget_strikes()
        # Counted by the length that a step has now: earlier ones may have been longer or shorter.
        self._step_numbers.append((self._step_numbers[-1] if self._step_numbers else 0) + steps)
        self._strikes_s.append(clock_s)
        self._cadence_spm = None
        self._belief_left = belief_left
        self._stances[side], self._contact_s[side] = strike_s, self._contact(side, gait)
        self._landed[side] = clock_s, strike_s
        return [GaitEvent("strike", side, strike_s, t_s)]

    def _clock(self, t_s: float, gait: _Gait, view: View) -> float | None:
        """Time of a strike, give or take whole steps; None when the runner has just stopped."""
        row, omega, usual, share = (
            (_Samples.TRUNK, gait.omega, gait.bounce, _LOWEST)
            if view.frontal
            else (_Samples.ANKLES, gait.omega / 2, gait.ankles, _WIDEST)
        )
        span_s = max(_CLOCK_PERIODS[view.frontal] * 2 * math.pi / omega, _CLOCK_FRAMES * self._frame_interval_s)
        t, signals = self._samples.since(t_s - span_s)
        wave = fit_wave(t, signals[row], omega, t_s)
        if wave is None or wave.amplitude < _MIN_SHARE * usual:
            return None
        return wave.peak_s - share[self._state] * gait.step_s

    def _left(self, t_s: float, gait: _Gait, view: View, passing_s: float, steps: int) -> float:
        """How surely the left leg stands at ``passing_s``, ``steps`` after the last strike; negative: the right."""
        t, signals = self._samples.since(t_s - 2 * _CLOCK_PERIODS[False] * gait.step_s)
        wave = fit_wave(t, signals[_Samples.LEGS], gait.omega / 2, passing_s)
        evidence = 0.0 if wave is None else wave.swing(passing_s)
        # Who runs is told by the legs from everywhere, also where the hips hardly sway.
        sway = self._sway(t_s, gait) if view.frontal and not self.running else None
        if sway is not None:
            evidence += _SWAY_WEIGHT * sway[1] * sway[0].swing(passing_s)
        return evidence + 0.5 * (-1.0) ** steps * self._belief_left

    def _late(self, side: Side, gait: _Gait) -> float:
        """How long after the clock's strike this foot lands, seconds; from the side, in running."""
        # Of both feet or of neither: the clock is off by much the same for both, and one alone would seem to limp.
        if not self.running or min(map(len, self._seen_late_s.values())) < _LATE_STANCES:
            return 0.0
        most_s = _LATE_STEPS * gait.step_s
        return _LATE_WEIGHT * min(max(median(self._seen_late_s[side]), -most_s), most_s)

    def _contact(self, side: Side, gait: _Gait) -> float:
        """Expected time from strike to toe-off, seconds."""
        usual_s = _CONTACT[self._state] * gait.step_s
        if not self._seen_off_s[side] or not self.running:
            return usual_s
        low_s, high_s = (share * gait.step_s for share in _CONTACT_RANGE)
        seen_s = min(max(median(self._seen_off_s[side]) - self._late(side, gait), low_s), high_s)
        return usual_s + _SEEN_WEIGHT * (seen_s - usual_s)

    def _see_contacts(self, t_s: float, gait: _Gait) -> None:
        """Keeps when, by the clock, a foot landed and left that has done so some time ago."""
        for side, (clock_s, strike_s) in list(self._landed.items()):
            if t_s < strike_s + _LEAVES_STEPS[1] * gait.step_s:
                continue
            del self._landed[side]
            t, signals = self._samples.since(strike_s + _AHEAD_STEPS[0] * gait.step_s)
            ahead_s, left_s = _passes_s(
                t - strike_s, signals[_Samples.LEFT if side is Side.LEFT else _Samples.RIGHT], gait.step_s
            )
            if ahead_s is not None:
                self._seen_late_s[side].append(strike_s + ahead_s + _AHEAD_S - clock_s)
            if left_s is not None:
                self._seen_off_s[side].append(strike_s + left_s - _LEFT_AFTER_STEPS * gait.step_s - clock_s)

    def _end_stances(self, t_s: float) -> list[GaitEvent]:
        seen_s = t_s - self._frame_interval_s
        events = []
        for side, strike_s in list(self._stances.items()):
            if self._gait is not None:
                self._contact_s[side] = self._contact(side, self._gait)
            toe_off_s = strike_s + self._contact_s[side]
            if toe_off_s <= seen_s:
                del self._stances[side]
                self._contacts_s[side].append(toe_off_s - strike_s)
                events.append(GaitEvent("toe_off", side, toe_off_s, t_s))
        return events


def _apart(after_s: float, step_s: float, usual_steps: float) -> float:
    """How far, 0 to 0.5 steps, an instant is from when it usually comes."""
    return abs((after_s / step_s - usual_steps + 0.5) % 1.0 - 0.5)


def _level(t_s: FloatArray, x: FloatArray) -> FloatArray:
    """``x`` (n,) without the drift across the belt."""
    line = fit_line(t_s, x)
    return x if line is None else x - line[0] * t_s


def _passes_s(t_s: FloatArray, x: FloatArray, step_s: float) -> tuple[float | None, float | None]:
    """When an ankle at ``x`` (n,) is furthest ahead, and when, having gone with the belt, it goes only half as fast.

    Times from the strike; None where that was not seen.
    """
    belt = fit_line(*(values[_part(t_s, _BELT_STEPS, step_s)] for values in (t_s, x)))
    if belt is None or not belt[0]:
        return None, None
    t, share = _speeds(t_s, x / belt[0], _AHEAD_STEPS, step_s)
    forward = np.flatnonzero(share < 0.0)
    ahead_s = _crossing(t, share, int(forward[-1]) + 1, 0.0) if forward.size else None
    t, share = _speeds(t_s, x / belt[0], _LEAVES_STEPS, step_s)
    slow = np.flatnonzero(share < _LEFT_SHARE)
    return ahead_s, _crossing(t, share, int(slow[0]), _LEFT_SHARE) if slow.size else None


def _speeds(t_s: FloatArray, x: FloatArray, part: tuple[float, float], step_s: float) -> tuple[FloatArray, FloatArray]:
    """Times and speeds (m,) of ``x`` (n,) over `_SPEED_S` in a part of the step."""
    seen = np.isfinite(x) & _part(t_s, part, step_s)
    t, x = t_s[seen], x[seen]
    if len(t) < 3:
        return np.empty(0), np.empty(0)
    apart = max(1, round(_SPEED_S * (len(t) - 1) / (t[-1] - t[0])))
    return (t[apart:] + t[:-apart]) / 2, (x[apart:] - x[:-apart]) / (t[apart:] - t[:-apart])


def _crossing(t_s: FloatArray, values: FloatArray, n: int, level: float) -> float | None:
    """When between the samples before and at ``n`` the level is passed; None where there are not both."""
    if not 0 < n < len(t_s):
        return None
    part = (values[n - 1] - level) / (values[n - 1] - values[n])
    return float(t_s[n - 1] + part * (t_s[n] - t_s[n - 1]))


def _part(t_s: FloatArray, steps: tuple[float, float], step_s: float) -> NDArray[np.bool_]:
    part: NDArray[np.bool_] = (t_s >= steps[0] * step_s) & (t_s <= steps[1] * step_s)
    return part


def _held(signals: FloatArray) -> FloatArray:
    """NaN replaced by the value before them (by 0 where there is none)."""
    seen = np.isfinite(signals)
    last = np.maximum.accumulate(np.where(seen, np.arange(signals.shape[1]), 0), axis=1)
    return np.nan_to_num(np.take_along_axis(signals, last, axis=1))


def _thin(t: FloatArray, signals: FloatArray, least_s: float) -> tuple[FloatArray, FloatArray]:
    """Every n-th sample, so that they are about ``least_s`` apart or more."""
    every = max(1, int(least_s * (len(t) - 1) / (t[-1] - t[0]) + 0.5)) if len(t) > 1 else 1
    return t[::-every][::-1], signals[:, ::-every][:, ::-1]


def _vertex(y: FloatArray, i: int) -> float:
    """Where between its neighbours the top at ``i`` lies, −0.5 to 0.5."""
    if i in (0, len(y) - 1):
        return 0.0
    before, top, after = y[i - 1 : i + 2]
    return float((after - before) / 2 / max(2 * top - before - after, 1e-12))
