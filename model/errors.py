"""The project's error base. Every error a user can cause says what, where and the remedy in one line."""

from __future__ import annotations


class KneelineError(Exception):
    """Base of all errors that are reported to the user as one line, without a traceback."""


class WeightsError(KneelineError, RuntimeError):
    """Model weights are missing, altered or cannot be loaded."""


class InputError(KneelineError, ValueError):
    """An argument, a file or a setting is wrong."""


class CameraError(KneelineError, OSError):
    """The camera is absent, busy or has vanished."""


class StoreError(KneelineError, OSError):
    """The database cannot be opened, read or written."""
