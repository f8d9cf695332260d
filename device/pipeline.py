"""The way of one frame up to the cue: frame → pose → view → gait → stance → cue. Deterministic, by frame times."""

from __future__ import annotations

from dataclasses import replace

from device.board import cache_path, choose_model
from device.config import Config
from device.frames import Frame, FrameClock
from model.analysis import AnalysisSettings, Outcome, RunAnalysis
from model.background import Background
from model.camera_pose import CameraPose
from model.coach import CoachSettings
from model.cuts import Cut, Cuts
from model.movenet import RunnerTracker
from model.person import Region
from model.place import CameraPlace
from model.pose import View
from model.quality import MOVING
from model.runtime import ModelName, PoseNet, RuntimeName, available_runtimes


def analysis_settings(config: Config, film: bool) -> AnalysisSettings:
    """What the analysis needs of the settings, and whether the pictures come from a film."""
    return AnalysisSettings(
        view=None if config.camera.view == "auto" else View(config.camera.view),
        coach=CoachSettings(
            enabled=config.coach.enabled,
            metric=config.coach.metric,
            fppa_threshold_deg=config.coach.fppa_threshold_deg,
            baseline_k=config.coach.baseline_k,
            refractory_s=config.coach.refractory_s,
        ),
        film=film,
    )


def camera_place(
    config: Config, model: str, vfov_deg: float | None, known: CameraPose | None, height_cm: float | None = None
) -> CameraPlace:
    """The camera's place, to be found with what settings, source (``vfov_deg``) and earlier results tell.

    ``height_cm`` is the first runner's, where it is known.
    """
    height_m = None if height_cm is None else height_cm / 100
    return CameraPlace(model, vfov_deg, config.treadmill.belt_speed_m_s, height_m, config.camera.height_m, known)


def open_model(
    config: Config,
    fps: float,
    name: ModelName | None = None,
    mirrored: bool | None = None,
    runtime: RuntimeName | None = None,
) -> PoseNet:
    """The network called ``name``, or that of the settings, or the best that this board sustains at ``fps``.

    ``mirrored``: whether it looks at the mirrored picture too; None: as the settings say. ``runtime``: where the
    settings name none, this one and not the fastest.
    """
    if name is None and config.model.name != "auto":
        name = config.model.name
    if config.model.runtime != "auto":
        runtime = config.model.runtime
    if mirrored is None:
        mirrored = config.model.mirrored
    return choose_model(name, fps, runtime, config.model.threads, mirrored, cache_path(config.known_database_path()))


def open_model_for_file(
    config: Config, fps: float, name: ModelName | None = None, mirrored: bool | None = None
) -> PoseNet:
    """The same for a recording: Lightning where neither the caller nor the settings name a model, and the first
    installed runtime, so that the result does not depend on the board's speed."""
    if name is None and config.model.name == "auto":
        name = "lightning"
    return open_model(config, fps, name, mirrored, next(iter(available_runtimes()), None))


class Pipeline:
    """Follows one source of frames.

    Args:
        net: the pose network.
        settings: of the analysis.
        place: of the camera; kept from session to session. None: nothing is known of it.
        region: of the picture, where the runner may be; kept likewise. None: it is learned.
    """

    def __init__(
        self,
        net: PoseNet,
        settings: AnalysisSettings,
        place: CameraPlace | None = None,
        region: Region | None = None,
    ) -> None:
        self._net = net
        self._region = region or Region()
        self._settings = replace(settings, model=net.name)
        self._background = Background()
        self._cuts = Cuts() if settings.film else None
        self.place = place or CameraPlace(net.name)
        self.restart()

    def restart(self) -> None:
        """Begins a new session, with anybody: its times count from the next frame."""
        self._tracker = RunnerTracker(self._net, self._net.weights.size_px, region=self._region)
        self._tracker_clock = FrameClock()
        self.wait()

    def wait(self) -> None:
        """The same while nobody has come: one goes on looking, for where they are may have changed."""
        self.analysis = RunAnalysis(self._settings, self.place)
        self._clock = FrameClock()
        self._last_index: int | None = None

    @property
    def softness(self) -> float | None:
        """Of the runner's pictures, 1 where they are sharp (`model.focus`); None while nobody was seen."""
        return self._tracker.focus.softness or None

    def step(self, frame: Frame) -> Outcome:
        """All that follows from one frame."""
        t_s = self._clock.t_s(frame)
        lost = 0 if self._last_index is None else max(0, frame.index - self._last_index - 1)
        self._last_index = frame.index
        image_s = frame.t_ns / 1e9
        cut: Cut | None = None
        if self._cuts is not None and self._cuts.scene(frame.image, image_s):
            cut = "scene"
            self._tracker.camera_moved()
        sight = self._tracker.look(frame.image, self._tracker_clock.t_s(frame))
        pose = sight.pose
        if pose is not None and pose.t_s != t_s:
            pose = replace(pose, t_s=t_s)
        moved_ago_s = self._background.step(frame.image, image_s, pose)
        if moved_ago_s is not None:
            self._tracker.camera_moved()
        if self._cuts is not None:
            if self._cuts.jump(pose) and self.analysis.gait.state != "standing":
                cut = "jump"
                self._tracker.camera_moved()  # where the runner is now, and whether it is the same one, is not known
            moved_ago_s = self._moved_ago_s(self._cuts, moved_ago_s, image_s)
        pose = pose and self._background.steadied(pose)
        quality = MOVING if self._background.moving else sight.quality
        moved_since_s = None if moved_ago_s is None else t_s - moved_ago_s
        return self.analysis.step(t_s, pose, quality, lost, moved_since_s, self._background.shaken, cut)

    def _moved_ago_s(self, cuts: Cuts, told_s: float | None, image_s: float) -> float | None:
        """How long ago another place of the camera is seen, as the background told it, or a cut does."""
        if told_s is not None:
            cuts.tell_moved()
            return told_s
        since_s = cuts.sure_since_s()
        if since_s is None:
            return None
        self._background.begin_anew()
        return image_s - since_s
