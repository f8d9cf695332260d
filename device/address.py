"""The address that the page is served at: resolved and bound, or what is wrong with it and the remedy."""

from __future__ import annotations

import errno
import socket

from model.errors import InputError


def listen(host: str, port: int) -> socket.socket:
    """A bound socket for the server.

    Raises:
        InputError: the port is in use or not allowed, or the host is not this machine's; with the remedy.
    """
    where = f"[web] host = {host}, port = {port}"
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind)
    except (OSError, UnicodeError) as error:
        raise InputError(f"{where}: {no_address(error)}") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise InputError(f"{where}: {_remedy(error)}") from None
    return bound


def no_address(error: OSError | UnicodeError) -> str:
    """Why a host could not be resolved, and the remedy."""
    reason = error.strerror if isinstance(error, OSError) else "not a valid name"
    return f"no such address ({reason}); use 0.0.0.0 for all networks"


def _remedy(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program uses this port; stop it, or take another with --port or [web] port"
    if error.errno == errno.EACCES:
        return "this port needs root; take one above 1023 with --port or [web] port"
    return f"cannot be served at ({error.strerror}); use host 0.0.0.0 for all networks"
