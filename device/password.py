"""The password of the page: a hash in a file beside the database, which the web service only reads."""

from __future__ import annotations

import os
import re
import unicodedata
from getpass import getpass
from pathlib import Path
from typing import TextIO

from werkzeug.security import check_password_hash, generate_password_hash

from device.config import Config
from device.whole_file import sync_folder, write_whole
from model.errors import InputError
from model.words import counted

FILE_NAME = "page-password"
MIN_LENGTH = 8
#: The group of the database's folder may read it: the web service belongs to that.
_MODE = 0o640
_FOLDER_MODE = 0o750
_HASH = re.compile(r"scrypt:\d{1,7}:\d{1,3}:\d{1,3}\$[^$\s]+\$[0-9a-f]{128}")


class PasswordError(InputError):
    """The file with the password cannot be read, or holds none."""


def password_path(config: Config) -> Path:
    """Where the password is kept: with the database, which device and web agree on."""
    return config.database_path().parent / FILE_NAME


def read_hash(path: Path) -> str | None:
    """The hash that is kept; None where no password is set.

    Raises:
        PasswordError: there is a file, or may be one, but no hash to be read from it.
    """
    try:
        kept = path.read_text("ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PasswordError(f"{path}: the password cannot be read ({error.strerror}); {_set_anew(path)}") from error
    if not _HASH.fullmatch(kept):
        raise PasswordError(f"{path}: holds no password, it is damaged; {_set_anew(path)}")
    return kept


def is_right(kept: str, typed: str) -> bool:
    """Whether what was typed is the password of this hash. Takes a tenth of a second, and 32 MiB meanwhile."""
    return check_password_hash(kept, _composed(typed))


def set_password(path: Path, password: str) -> None:
    """Keeps the hash of a password. A power cut leaves the old file or the new one, whole.

    Where root sets it, the file belongs to who owns the folder.

    Raises:
        InputError: the password is too short, or the file cannot be written.
    """
    line = generate_password_hash(_composed(_checked(password)), method="scrypt") + "\n"
    try:
        path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        write_whole(path, line.encode("ascii"), _MODE)
    except OSError as error:
        raise _not_changed(path, error) from error


def remove_password(path: Path) -> bool:
    """Takes the password away. False where none was set.

    Raises:
        InputError: the file cannot be removed.
    """
    try:
        path.unlink()
        sync_folder(path.parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _not_changed(path, error) from error
    return True


def ask_password(stdin: TextIO) -> str:
    """Asks twice without echo; from a pipe it is one line.

    Raises:
        InputError: nothing was typed, it is too short, or the two differ.
    """
    try:
        if not stdin.isatty():
            return _checked(stdin.readline().rstrip("\r\n"))
        password = _checked(getpass("New password for the page: "))
        again = getpass("The same again: ")
    except EOFError:
        raise InputError("no password was typed: nothing was changed; run it again") from None
    except UnicodeError:
        raise _not_text() from None
    if again != password:
        raise InputError("the two passwords differ: nothing was changed; run it again and type the same one twice")
    return password


def _checked(password: str) -> str:
    if not password.strip():
        raise InputError(
            f"the password is empty: take one of at least {MIN_LENGTH} characters; --remove takes the old one away"
        )
    if len(password) < MIN_LENGTH:
        raise InputError(f"the password has {counted(len(password), 'character')}: take at least {MIN_LENGTH}")
    try:
        password.encode()
    except UnicodeEncodeError:
        raise _not_text() from None
    return password


def _not_text() -> InputError:
    return InputError("the password is not UTF-8 text: type it with other characters")


def _composed(password: str) -> str:
    """Keyboards differ in how they write é; it is the same password."""
    return unicodedata.normalize("NFKC", password)


def _set_anew(path: Path) -> str:
    """The remedy: in one's own account without sudo, for the service's file with it."""
    own = os.access(path.parent, os.W_OK | os.X_OK)
    return f"set it anew: {'' if own else 'sudo '}kneeline set-password"


def _not_changed(path: Path, error: OSError) -> InputError:
    remedy = "run it with sudo" if isinstance(error, PermissionError) else "check the disk"
    return InputError(f"{path}: cannot be changed ({error.strerror}): {remedy}")
