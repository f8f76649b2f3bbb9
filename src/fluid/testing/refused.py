"""The calls that a loop with virtual time refuses, because they lead to the real world.

Real I/O takes real time: a socket that answers "later" has no place on a clock that jumps. The
refusal comes at the call, with its name, not as a hang somewhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from .errors import EscapedError

REFUSED = (
    "add_reader",
    "remove_reader",
    "add_writer",
    "remove_writer",
    "sock_accept",
    "sock_connect",
    "sock_recv",
    "sock_recv_into",
    "sock_recvfrom",
    "sock_recvfrom_into",
    "sock_sendall",
    "sock_sendfile",
    "sock_sendto",
    "getaddrinfo",
    "getnameinfo",
    "connect_accepted_socket",
    "connect_read_pipe",
    "connect_write_pipe",
    "create_connection",
    "create_datagram_endpoint",
    "create_server",
    "create_unix_connection",
    "create_unix_server",
    "sendfile",
    "start_tls",
    "subprocess_exec",
    "subprocess_shell",
)
"""Every method of ``asyncio.AbstractEventLoop`` that does I/O."""


class NoRealIO:
    """A loop's I/O, method by method, each of which raises :class:`EscapedError`."""


def _refusal(name: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise EscapedError(
            f"loop.{name}() would leave the virtual loop: it does no real I/O. "
            f"Give the code under test a fake, or run this test on a real loop."
        )

    refuse.__name__ = name
    refuse.__qualname__ = f"NoRealIO.{name}"
    return refuse


for _name in REFUSED:
    setattr(NoRealIO, _name, _refusal(_name))
