"""What a command prints, and the files that it writes: whole or not at all, and told where they cannot be."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from device.whole_file import made_whole
from model.errors import InputError


def say(text: str, end: str = "\n") -> None:
    """Prints to standard output, at once: what cannot be written is told, not left to the end of the program.

    Raises:
        BrokenPipeError: the reader has gone.
        InputError: the disk behind it is full, or does not take it for another reason.
    """
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        remedy = "free some space, or send it somewhere else"
        raise InputError(f"standard output: {error.strerror}: {remedy}") from error


def tell(text: str) -> None:
    """Prints what happens, as long as somebody takes it: whoever runs is coached all the same."""
    try:
        say(text)
    except BrokenPipeError:
        drop_output()
    except InputError as error:
        logging.getLogger(__name__).warning("%s; what happens is not printed any more", error)


def complain(text: str) -> None:
    """Prints to standard error."""
    print(text, file=sys.stderr)


def drop_output() -> None:
    """What waits for standard output goes nowhere, else the interpreter tries again as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_json(path: Path, document: Any) -> None:
    """Writes the whole of it, or leaves what is there as it was."""
    text = json.dumps(document, indent=1) + "\n"
    try:
        if path.exists() and not path.is_file():  # a pipe or a terminal
            path.write_text(text, "utf-8")
            return
        target = Path(os.path.realpath(path))  # a link stays
        with made_whole(target) as part:
            _permit_as(target, part)
            part.write_text(text, "utf-8")
    except OSError as error:
        raise _not_written(path, error) from error


def _permit_as(target: Path, part: Path) -> None:
    """Gives ``part`` the owner and mode of ``target``, or where nothing is there the mode of a new file."""
    os.umask(mask := os.umask(0))
    with suppress(PermissionError):  # another's file, or a disk without owners
        if target.exists():
            old = target.stat()
            part.chmod(old.st_mode & 0o777)
            os.chown(part, old.st_uid, old.st_gid)
        else:
            part.chmod(0o666 & ~mask)


def check_target(path: Path | None, *read: Path | None, option: str = "--json") -> None:
    """Tells before the work that its result cannot be written, or would take the place of a file that is ``read``.

    What is there stays as it is, and nothing is left.
    """
    if path is None:
        return
    for source in read:
        if source is not None and source.exists() and path.exists() and path.samefile(source):
            raise InputError(f"{option} {path}: would overwrite {source}, which is read: name another file")
    try:
        if path.is_file():
            path.open("ab").close()
            if not os.access(os.path.dirname(os.path.realpath(path)), os.W_OK):  # a new one takes its place
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        elif path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        elif not path.exists():  # else a pipe or a terminal, which may be opened only once
            missing = Path(os.path.realpath(path))  # a link may lead to where nothing is yet
            missing.open("xb").close()
            missing.unlink()
    except OSError as error:
        raise _not_written(path, error, option) from error


def _not_written(path: Path, error: OSError, option: str = "--json") -> InputError:
    return InputError(f"{option} {path}: cannot be written ({error.strerror}): name a file in a writable folder")
