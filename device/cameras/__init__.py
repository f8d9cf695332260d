"""Where pictures come from: the Pi's camera, a USB camera, or a video file."""

from __future__ import annotations

from device.cameras.picamera import PiCamera, pi_camera_count
from device.cameras.usb import UsbCamera
from device.cameras.video import VideoSource
from device.config import CameraConfig, expanded
from device.frames import FrameSource


def open_source(config: CameraConfig) -> FrameSource:
    """The source that the settings name, yet to be entered.

    Args:
        config: ``source`` is "picamera", "usb", a video file (played in real time), or "auto": the Pi's camera where
            there is one, else USB.
    """
    if config.source == "picamera" or (config.source == "auto" and pi_camera_count() > 0):
        return PiCamera(config)
    if config.source in ("usb", "auto"):
        return UsbCamera(config)
    path = expanded(config.source, "[camera] source")
    return VideoSource(path, paced=True, rotation=config.rotation, vfov_deg=config.vfov_deg)
