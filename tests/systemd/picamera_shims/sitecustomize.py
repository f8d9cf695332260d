"""What picamera2 lacks on a machine that is no Pi, for picamera_test.sh alone. Python reads it at its start.

- ``pykms``, a module of Raspberry Pi OS that draws on a screen: an empty one, since nothing is drawn.
- The modes of a sensor, which libcamera's virtual camera has not: it is said to have its pictures' format only.
- The pace, for the virtual camera gives a picture as soon as there is room, and each four times: one is asked of it 30
  times a second, and the three that are like it are given back.
- Memory from the kernel's DMA heaps: shared memory, in the two planes into which the virtual camera writes.

The rest of picamera2 and all of libcamera are what they are.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import queue
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any

_FPS = 30
_REPEATED = 4
_SIZE = (640, 480)


class _Shims(importlib.abc.MetaPathFinder):
    """Changes picamera2's modules as they are loaded."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name == "pykms":
            return importlib.machinery.ModuleSpec(name, _Empty())
        change = _CHANGES.get(name)
        spec = importlib.machinery.PathFinder.find_spec(name, path) if change else None
        if change is not None and spec is not None:
            loader: Any = spec.loader
            load = loader.exec_module
            loader.exec_module = lambda module: (load(module), change(module))
        return spec


class _Empty(importlib.abc.Loader):
    def create_module(self, spec: Any) -> None:
        return None

    def exec_module(self, module: Any) -> None:
        module.PixelFormat = _Anything()


class _Anything:
    def __getattr__(self, name: str) -> None:
        return None


class _Camera:
    """libcamera's camera, asked at a pace."""

    def __init__(self, camera: Any, raw_role: Any, begins: Callable[[_Camera], None]) -> None:
        self._camera, self._raw_role, self._begins = camera, raw_role, begins
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._running = False
        self._given = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._camera, name)

    def is_new(self, request: Any) -> bool:
        """Whether the finished request holds a new picture; else it is queued again."""
        self._given += 1
        if self._given % _REPEATED == 1 or not self._running:
            return True
        request.reuse()
        self._camera.queue_request(request)
        return False

    def generate_configuration(self, roles: Any) -> Any:
        if roles != [self._raw_role]:
            return self._camera.generate_configuration(roles)
        size = types.SimpleNamespace(width=_SIZE[0], height=_SIZE[1])
        formats = types.SimpleNamespace(pixel_formats=["NV12"], sizes=lambda _: [size])
        return types.SimpleNamespace(at=lambda _: types.SimpleNamespace(formats=formats))

    def start(self, controls: Any) -> None:
        self._begins(self)
        self._camera.start(controls)
        self._running, self._given = True, 0
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._running = False
        self._thread.join()
        self._camera.stop()

    def queue_request(self, request: Any) -> None:
        self._waiting.put(request)

    def _ask(self) -> None:
        due_s = time.monotonic()
        while self._running:
            due_s += 1 / _FPS
            time.sleep(max(0.0, due_s - time.monotonic()))
            try:
                request = self._waiting.get_nowait()
            except queue.Empty:
                continue  # as a sensor whose picture finds no room
            self._camera.queue_request(request)


class _Manager:
    """libcamera's camera manager, which does not tell of repeated pictures."""

    def __init__(self, manager: Any, opened: dict[int, _Camera]) -> None:
        self._manager, self._opened = manager, opened

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manager, name)

    def get_ready_requests(self) -> list[Any]:
        return [one for one in self._manager.get_ready_requests() if self._opened[one.cookie].is_new(one)]


def _picamera2(module: Any) -> None:
    opened: dict[int, _Camera] = {}
    grab, manager = module.Picamera2._grab_camera, module.CameraManager.cms

    def grab_paced(self: Any, number: int) -> _Camera:
        return _Camera(grab(self, number), module.RAW, lambda camera: opened.update({number: camera}))

    module.Picamera2._grab_camera = grab_paced
    module.CameraManager.cms = property(lambda self: _Manager(manager.fget(self), opened))


def _dma_heap(module: Any) -> None:
    class Heap:
        def alloc(self, name: str, size: int) -> Any:
            fd = os.memfd_create(name)
            os.truncate(fd, size)
            return module.UniqueFD(fd)

        def close(self) -> None:
            pass

    module.DmaHeap = Heap


def _dmaallocator(module: Any) -> None:
    real = module.libcamera

    def frame_buffer(planes: Any) -> Any:
        (brightness,) = planes
        colour = real.FrameBuffer.Plane()
        colour.fd = brightness.fd
        colour.offset = brightness.length * 2 // 3
        colour.length = brightness.length - colour.offset
        brightness.length = colour.offset
        return real.FrameBuffer([brightness, colour])

    maker: Any = frame_buffer
    maker.Plane = real.FrameBuffer.Plane
    module.libcamera = types.SimpleNamespace(FrameBuffer=maker)
    module.fcntl = types.SimpleNamespace(ioctl=lambda *_: 0)  # shared memory needs no syncing


_CHANGES: dict[str, Callable[[Any], None]] = {
    "picamera2.picamera2": _picamera2,
    "picamera2.dma_heap": _dma_heap,
    "picamera2.allocators.dmaallocator": _dmaallocator,
}

sys.meta_path.insert(0, _Shims())
