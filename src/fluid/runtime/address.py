"""Where a server is to listen, as users write it."""

from __future__ import annotations

from ..errors import FluidValueError
from ..record import Record
from ..texts import cut, one_line

LOOPBACK = "127.0.0.1"
"""Where nobody from outside the machine comes in."""


class Address(Record):
    """A host and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Returns the address of ``8080``, ``0.0.0.0:8080``, ``[::1]:8080`` or ``:8080``.

        Without a host it is the loopback address, so that nobody listens to the world unawares.

        Raises:
            FluidValueError: If it is none.
        """
        host, _, port = text.rpartition(":")
        has_brackets = host.startswith("["), host.endswith("]")
        is_whole = all(has_brackets) or not (any(has_brackets) or ":" in host)
        is_port = port.isascii() and port.isdigit() and len(port) <= len("65535")
        if not (is_port and int(port) <= 65535 and is_whole):
            raise FluidValueError(
                f"{one_line(cut(repr(text), 100))} is not an address; write a port, from 0 to "
                f"65535, as in 8080, or a host and a port, as in 0.0.0.0:8080 or [::1]:8080"
            )
        return cls(host.strip("[]") or LOOPBACK, int(port))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"
