"""How workers are called: default names, unique slot keys, path segments that cannot lie."""

from __future__ import annotations

import re
from collections.abc import Container

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(class_name: str) -> str:
    """Returns ``HTTPServer2Worker`` as ``http_server2_worker``."""
    return _BOUNDARY.sub("_", class_name).lower()


def escape(name: str) -> str:
    """Returns ``name`` as one path segment: no slash, no control character, nothing ambiguous.

    What cannot be printed, and ``/`` and ``%`` themselves, become the percent-encoded bytes of
    their UTF-8 form, so that a name can neither forge a path nor a line of a log.
    """
    if name.isidentifier():
        return name
    return "".join(char if _is_plain(char) else _percent(char) for char in name)


def unique_key(name: str, taken: Container[str]) -> str:
    """Returns the slot key for ``name``: itself, else ``name-2``, ``name-3``, and so on."""
    key = segment = escape(name)
    count = 1
    while key in taken:
        count += 1
        key = f"{segment}-{count}"
    return key


def _is_plain(char: str) -> bool:
    return char.isprintable() and char not in "/%"


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
