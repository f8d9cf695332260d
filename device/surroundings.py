"""Settings against the machine they are for: address, camera, places of database and socket. Nothing is started."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from device.address import no_address
from device.config import INSTALLED, fault_line, is_systems, socket_fault

_NO_HOME = "that home folder is not known; write the whole path"
_KINDS = ("auto", "picamera", "usb")
_STATE, _RUN = (Path(place).parent for place in (INSTALLED["store", "path"], INSTALLED["live", "socket"]))
#: What the units hide from one service or both (ProtectHome, PrivateTmp).
_HIDDEN = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))
#: Ports below it take a right that the units take away.
_FIRST_PORT = 1024


def surrounding_faults(values: Mapping[str, object], file: Path) -> list[str]:
    """What this machine does not have, or its services may not do, one line each with its remedy.

    Args:
        values: the settings as parsed. What is not of the right type is left to `device.config`.
        file: where they stand; paths that are not whole are counted from there.
    """
    beside = file.absolute().parent
    checks: list[tuple[str, str, Callable[[str], str | None]]] = [
        ("camera", "source", _source_fault),
        ("store", "path", partial(database_fault, beside)),
        ("live", "socket", partial(socket_fault, beside)),
        ("web", "host", _host_fault),
    ]
    if is_systems(file):
        checks += [("store", "path", partial(_hidden_fault, beside)), ("live", "socket", partial(_apart_fault, beside))]
    faults = [
        fault_line(file.name, section, key, value, fault)
        for section, key, check in checks
        for value in _text(values.get(section), key)
        if (fault := check(value)) is not None
    ]
    port = _value(values.get("web"), "port")
    if is_systems(file) and isinstance(port, int) and 1 <= port < _FIRST_PORT:
        low = f"the service may not take a port below {_FIRST_PORT}; take one above {_FIRST_PORT - 1}"
        faults.append(fault_line(file.name, "web", "port", port, low))
    return faults


def to_mind(values: Mapping[str, object], file: Path) -> list[str]:
    """What is right only if more was done than to write it here, one line each. Arguments as `surrounding_faults`."""
    if not is_systems(file):
        return []
    elsewhere = (
        (path, folder)
        for path in _text(values.get("store"), "path")
        if not (folder := _place(file.absolute().parent, path).parent).is_relative_to(_STATE)
    )
    return [
        fault_line(
            file.name,
            "store",
            "path",
            path,
            f"the device may write below {_STATE} only, until sudo systemctl edit kneeline-device "
            f"adds RequiresMountsFor={folder} under [Unit] and ReadWritePaths={folder} under [Service]",
        )
        for path, folder in elsewhere
    ]


def _value(section: object, key: str) -> object:
    return section.get(key) if isinstance(section, Mapping) else None


def _text(section: object, key: str) -> Iterator[str]:
    """The value of a setting, where there is one and it is text."""
    value = _value(section, key)
    if isinstance(value, str) and value:
        yield value


def _place(beside: Path, path: str) -> Path:
    """Where a path leads, links followed; a home folder that nobody knows is left as it is written."""
    return Path(os.path.realpath(beside / os.path.expanduser(path)))


def _hidden_fault(beside: Path, path: str) -> str | None:
    """Why the installed services share no database at ``path``."""
    hidden = next((folder for folder in _HIDDEN if _place(beside, path).is_relative_to(folder)), None)
    if hidden is None:
        return None
    return f"the services share nothing below {hidden}; name a file below {_STATE}, or leave it out"


def _apart_fault(beside: Path, path: str) -> str | None:
    """Why the installed services do not meet at the socket ``path``."""
    if any(_place(beside, path).is_relative_to(folder) for folder in (_RUN, _STATE)):
        return None
    return f"the services do not meet there; name one below {_RUN}, or leave it out"


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
