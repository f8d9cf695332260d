"""What a frame costs: bare inference and each stage of the pipeline, side by side in one run.

Stages are timed on the same frames, one after the other within each frame, so a busy machine slows all alike and their
ratio holds. Decoding is left out: on a Pi the camera hands over finished pictures.
"""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.board import board_name
from device.cameras.video import VideoSource
from device.config import Config
from device.pipeline import Pipeline, analysis_settings, open_model
from model.movenet import whole_picture
from model.runtime import ModelName

_WARM_UP = 30


@dataclass(frozen=True, slots=True)
class BenchReport:
    """Medians and 99th percentiles (None for a difference) over all frames, milliseconds.

    ``ratio``: whole pipeline over bare inference, the median over the frames.
    """

    board: str
    model: str
    runtime: str
    threads: int
    frames: int
    stages_ms: dict[str, tuple[float, float | None]]
    ratio: float

    def lines(self) -> list[str]:
        """For a person to read."""
        head = f"{self.board}: {self.model} on {self.runtime}, {self.threads} thread(s), {self.frames} frames"
        rows = [
            f"  {name:<32}{median:8.2f} ms" + ("" if p99 is None else f"   p99 {p99:8.2f} ms")
            for name, (median, p99) in self.stages_ms.items()
        ]
        return [head, *rows, f"  whole pipeline / bare invoke    {self.ratio:8.2f}"]

    def as_json(self) -> dict[str, Any]:
        """The report with ``stages_ms`` as ``{name: {"median", "p99"}}``."""
        return {
            "board": self.board,
            "model": self.model,
            "runtime": self.runtime,
            "threads": self.threads,
            "frames": self.frames,
            "stages_ms": {name: {"median": m, "p99": p} for name, (m, p) in self.stages_ms.items()},
            "ratio": self.ratio,
        }


def bench(clip: Path, config: Config, model: ModelName | None, frames: int) -> BenchReport:
    """Times ``frames`` frames of ``clip``, again from its start where it is shorter."""
    with VideoSource(clip, loop=True) as source:
        net = open_model(config, source.fps, model)
        pipeline = Pipeline(net, analysis_settings(config, film=True))
        crop = whole_picture(source.size_px)
        times: dict[str, list[float]] = {name: [] for name in ("bare invoke", "cut the crop", "whole pipeline")}
        whole_over_bare = []
        stop = threading.Event()
        for n, frame in enumerate(itertools.islice(source.frames(stop), frames + _WARM_UP)):
            marks = [time.perf_counter()]
            cut = crop.cut(frame.image, net.weights.size_px)
            marks.append(time.perf_counter())
            net.invoke(cut)
            marks.append(time.perf_counter())
            pipeline.step(frame)
            marks.append(time.perf_counter())
            if n < _WARM_UP:
                continue
            cut_ms, bare_ms, whole_ms = (1e3 * (b - a) for a, b in itertools.pairwise(marks))
            times["cut the crop"].append(cut_ms)
            times["bare invoke"].append(bare_ms)
            times["whole pipeline"].append(whole_ms)
            whole_over_bare.append(whole_ms / bare_ms)
        stages: dict[str, tuple[float, float | None]] = {
            name: (statistics.median(values), statistics.quantiles(values, n=100)[98]) for name, values in times.items()
        }
        rest = stages["whole pipeline"][0] - stages["bare invoke"][0] - stages["cut the crop"][0]
        stages["gait, metrics, cue (the rest)"] = (rest, None)
        return BenchReport(
            board_name(), net.name, net.runtime, net.threads, frames, stages, statistics.median(whole_over_bare)
        )
