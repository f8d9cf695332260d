"""Settings against the machine they are for: address, camera, places of database and socket. Nothing is started."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from device.address import no_address
from device.config import fault_line, socket_fault

_NO_HOME = "that home folder is not known; write the whole path"
_KINDS = ("auto", "picamera", "usb")


def surrounding_faults(values: Mapping[str, object], file: Path) -> list[str]:
    """What this machine does not have, one line each with its remedy.

    Args:
        values: the settings as parsed. What is not of the right type is left to `device.config`.
        file: where they stand; paths that are not whole are counted from there.
    """
    checks: tuple[tuple[str, str, Callable[[str], str | None]], ...] = (
        ("camera", "source", _source_fault),
        ("store", "path", partial(database_fault, file.absolute().parent)),
        ("live", "socket", partial(socket_fault, file.absolute().parent)),
        ("web", "host", _host_fault),
    )
    return [
        fault_line(file.name, section, key, value, fault)
        for section, key, check in checks
        for value in _text(values.get(section), key)
        if (fault := check(value)) is not None
    ]


def _text(section: object, key: str) -> Iterator[str]:
    """The value of a setting, where there is one and it is text."""
    value = section.get(key) if isinstance(section, Mapping) else None
    if isinstance(value, str) and value:
        yield value


def _source_fault(source: str) -> str | None:
    if source in _KINDS or "\0" in source:
        return None
    try:
        path = Path(source).expanduser()
        if path.is_dir():
            return "is a folder; name a video file in it"
        there = path.exists()
        if there and not path.is_file():
            return 'is a pipe or a device; write "usb" with the camera\'s number in device, or the path of a video file'
    except RuntimeError:
        return _NO_HOME
    except OSError:  # not for this user to see
        return None
    return None if there else 'no such file; write "auto", "picamera", "usb" or the path of a video file'


def database_fault(beside: Path, path: str) -> str | None:
    """Why there can be no database at ``path``, counted from ``beside``; None where nothing speaks against it.

    Whether its folder is there or can be made; who may write to a folder that is there, `kneeline doctor` tells."""
    try:
        database = beside / Path(path).expanduser()
        if database.is_dir():
            return "is a folder; name a file in it"
        there = next(folder for folder in database.parents if folder.exists())
        found = there == database.parent and there.is_dir()
    except RuntimeError:
        return _NO_HOME
    except PermissionError:  # the service's folder, not for this user to see
        return None
    except OSError as error:
        return f"{error.strerror}; name another file"
    return None if found else _folder_fault(there)


def _folder_fault(parent: Path) -> str | None:
    """Only making a folder tells for sure: root may write to all of them, but not on every disk."""
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".kneeline-", dir=parent))
    except OSError as error:
        return f"its folder cannot be made ({error.strerror}); name a file in a folder that may be written"
    return None


def _host_fault(host: str) -> str | None:
    try:
        socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        # Without a network, names cannot be asked for: it may be right.
        return None if error.errno == socket.EAI_AGAIN else no_address(error)
    except (OSError, UnicodeError) as error:
        return no_address(error)
    return None
