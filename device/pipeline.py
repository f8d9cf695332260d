"""The way of one frame, up to the cue: frame → pose → view → gait → stance → cue. Deterministic, by the frame's own time."""

from __future__ import annotations

from device.frames import Frame
from model.analysis import AnalysisSettings, Outcome, RunAnalysis
from model.movenet import RunnerTracker
from model.runtime import PoseNet


class Pipeline:
    """Follows one source of frames.

    Args:
        net: the pose network.
        settings: of the analysis.
    """

    def __init__(self, net: PoseNet, settings: AnalysisSettings) -> None:
        self._net = net
        self._settings = settings
        self.restart()

    def restart(self) -> None:
        """Begins a new session: its times count from the next frame."""
        self._tracker = RunnerTracker(self._net, self._net.weights.size_px)
        self.analysis = RunAnalysis(self._settings)
        self._first_ns: int | None = None

    def step(self, frame: Frame) -> Outcome:
        """All that follows from one frame."""
        if self._first_ns is None:
            self._first_ns = frame.t_ns
        t_s = (frame.t_ns - self._first_ns) / 1e9
        return self.analysis.step(t_s, self._tracker.step(frame.image, t_s))
