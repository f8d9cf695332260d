"""gpiozero's mock pins, and a clock for what drives them."""

from __future__ import annotations

from gpiozero.pins.mock import MockFactory

from device.cues import CueOutput


class Clock:
    """Time as the test tells it; stands in for the module `time` and for the thread that watches it."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def monotonic_ns(self) -> int:
        return round(self.now_s * 1e9)

    def advance(self, output: CueOutput, until_s: float, late_s: float = 0.0) -> None:
        """Lets time pass as the thread would: from one due change to the next, coming ``late_s`` to each."""
        while (due_s := self._step(output) + late_s) <= until_s:
            self.now_s = due_s
        self.now_s = until_s
        self._step(output)

    def _step(self, output: CueOutput) -> float:
        output._try_again(self.now_s)
        return output._step(self.now_s)


def states(factory: MockFactory, number: int) -> list[float]:
    """Every state a pin has had since it was opened, the first being off."""
    return [float(state.state) for state in factory.pin(number).states]


def changes(output: CueOutput) -> list[tuple[str, bool, float]]:
    """What changed and when, s."""
    return [(edge.line, edge.on, round(edge.t_ns / 1e9, 3)) for edge in output.edges]
