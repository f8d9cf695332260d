"""Running a MoveNet file for measurement: LiteRT, uint8 RGB crop in, keypoints out."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

Image = NDArray[np.uint8]


class Reader:
    """One loaded model; call it with a crop of its own size."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self.size_px = int(self._input["shape"][1])

    def __call__(self, crop: Image) -> NDArray[np.float32]:
        """(S, S, 3) uint8 RGB to (17, 3) y, x, score in shares of the crop."""
        self._interpreter.set_tensor(self._input["index"], crop[None])
        self._interpreter.invoke()
        return np.array(self._interpreter.get_tensor(self._output)[0, 0], dtype=np.float32)

    def cpu_milliseconds(self, runs: int = 100) -> float:
        """Median processor time of one inference: on a busy machine steadier than the clock on the wall."""
        crop = np.full((self.size_px, self.size_px, 3), 127, np.uint8)
        times = []
        for _ in range(runs + 10):
            start = time.process_time()
            self(crop)
            times.append(time.process_time() - start)
        return float(np.median(times[10:])) * 1e3
