"""The device's half of choosing, coaching and deleting runners: real commands over the real socket into the store."""

from __future__ import annotations

import threading
from dataclasses import asdict

from device import belonging, coaching, deletion, runners
from device.config import CoachConfig, Config
from device.live import LivePublisher, Message
from device.recording import SessionWriter
from device.runners import RunnerChoice
from device.store import Store


class Device:
    """Obeys as the device does, and tells its health four times a second."""

    def __init__(self, config: Config, store: Store) -> None:
        self.writer = SessionWriter(store)
        self._commands: list[Message] = []
        self.frame: Message = {}
        self._publisher = LivePublisher(config.socket_path(), self._commands.append)
        self.choice = RunnerChoice(self.writer, answer=self._publisher.publish)
        self._obedient = (
            self.choice,
            coaching.Coaching(CoachConfig(), self.writer, self.choice, answer=self._publisher.publish),
            deletion.Deletion(self.writer, self.choice, self._publisher.publish),
            belonging.Belonging(self.writer, self._publisher.publish),
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.writer.close()
        self._publisher.close()

    def _run(self) -> None:
        commands = [*runners.COMMANDS, *coaching.COMMANDS, *deletion.COMMANDS, *belonging.COMMANDS]
        while not self._stop.wait(0.25):
            while self._commands:
                command = self._commands.pop(0)
                assert any(one.obey(command) for one in self._obedient)
            if self.choice.another_chosen:
                self.choice.keep()
                self.writer.end(lambda session_id: None)
            runner = self.choice.current
            told = None if runner is None else runner.as_json()
            health = {"type": "health", "fps": 30.0, "commands": commands, "runner": told}
            self._publisher.publish(health | asdict(self.choice.person))
            frame = {"type": "frame", "session_id": self.writer.session_id, "keypoints": None}
            self._publisher.publish(frame | self.frame)
