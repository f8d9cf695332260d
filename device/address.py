"""The address that the page is served at: resolved and bound, or what is wrong with it; and who gets to it."""

from __future__ import annotations

import errno
import ipaddress
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


def is_loopback(host: str) -> bool:
    """Whether only this machine itself gets anywhere with ``host``."""
    if host == "localhost":
        return True
    known = plain(host)
    return known is not None and known.is_loopback


def plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address as it is meant; None for what is none.

    Who comes by IPv4 to a page that is served at ``::`` has one of both kinds, of which Python before 3.13 does not say
    that it is a loopback one.
    """
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return None
    return known.ipv4_mapped or known if isinstance(known, ipaddress.IPv6Address) else known


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
