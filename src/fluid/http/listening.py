"""Where a server listens: finds the addresses, binds them, and says in one line why it cannot.

The sockets are made here and not by the server, so that a port in use is a failed start like any
other, and so that nobody but the worker closes them.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
from ipaddress import ip_address
from typing import Any, TypeAlias

from ..errors import FluidValueError, WorkerStartError

Place: TypeAlias = tuple[socket.AddressFamily, tuple[Any, ...]]
"""A family of addresses and one of them, as sockets have it."""

HIGHEST_PORT = 65535

_NOT_HERE: tuple[int, ...] = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""What one address of several may have: ``localhost`` is ``::1`` also where there is no IPv6."""

_REASONS: dict[int, str] = {
    errno.EADDRINUSE: "the port is in use; choose another, or stop who has it (ss -ltnp shows it)",
    errno.EACCES: "ports below 1024 need a privilege; choose another, 8080 for example",
    errno.EADDRNOTAVAIL: "no interface of this machine has that address; 0.0.0.0 is all of them",
    errno.EAFNOSUPPORT: "this machine knows no addresses of that kind; 0.0.0.0 is all of IPv4",
}


def check(subject: str, host: object, port: object) -> None:
    """Refuses what can be no address.

    Raises:
        FluidValueError: If it is none; the message starts with ``subject``.
    """
    if not isinstance(host, str) or not _can_be_host(host):
        raise FluidValueError(
            f"host of {subject} is not a name or an address: {host!r}; write '127.0.0.1', '::1', "
            f"or '0.0.0.0' for all interfaces"
        )
    if type(port) is not int or not 0 <= port <= HIGHEST_PORT:
        raise FluidValueError(
            f"port of {subject} is not a whole number from 0 to {HIGHEST_PORT}: {port!r}; 0 is any "
            f"port that is free"
        )


def _can_be_host(host: str) -> bool:
    """Returns whether it is an address, or a name; no URL, no path, and no port is in it."""
    return is_address(host) or (bool(host) and not re.search(r"[\s/:\[\]]", host))


def is_address(host: str) -> bool:
    """Returns whether it is an IP address, so that there is nobody to be asked for it."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def text(host: str, port: int) -> str:
    """Returns an address as it stands in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def bind(host: str, port: int) -> list[socket.socket]:
    """Returns a bound socket for each address of ``host``; nobody can connect to them yet.

    Port 0 is the same free port for all of them. A port whose connections of a former life have
    not quite ended is free.

    Raises:
        WorkerStartError: If that cannot be; its cause is what the system said.
    """
    bound: list[socket.socket] = []
    try:
        places = await _places(host, port)
        for number, (family, address) in enumerate(places):
            try:
                bound.append(_bind(family, _with_port_of(bound, address), alone=len(places) == 1))
            except OSError as error:
                is_last = number == len(places) - 1
                if error.errno not in _NOT_HERE or (is_last and not bound):
                    raise
    except BaseException as error:
        for sock in bound:
            sock.close()
        if isinstance(error, OSError | UnicodeError):
            raise WorkerStartError(f"cannot listen on {text(host, port)}: {_why(error)}") from error
        raise
    return bound


async def _places(host: str, port: int) -> list[Place]:
    """Returns the addresses of ``host``; only for a name somebody is asked, in a thread."""
    flags = socket.AI_PASSIVE
    if is_address(host):
        flags |= socket.AI_NUMERICHOST
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    else:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _with_port_of(bound: list[socket.socket], address: tuple[Any, ...]) -> tuple[Any, ...]:
    if not bound:
        return address
    return (address[0], bound[0].getsockname()[1], *address[2:])


def _bind(family: socket.AddressFamily, address: tuple[Any, ...], *, alone: bool) -> socket.socket:
    # Only of a socket that says that it is TCP does asyncio see to it that nothing sent waits for
    # an acknowledgement: with Nagle's algorithm a response on a kept connection takes 40 ms.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setblocking(False)
        if os.name == "posix":  # elsewhere it lets two servers have the same port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and not alone:  # else it may want IPv4's port for itself, too
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _why(error: OSError | UnicodeError) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return f"the host cannot be resolved ({error})"
    reason = os.strerror(error.errno) if error.errno is not None else str(error)
    return _REASONS.get(error.errno or 0, reason)
