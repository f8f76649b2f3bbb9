"""How workers are called: default names, unique slot keys, path segments that cannot lie."""

from __future__ import annotations

from functools import lru_cache

_STEPS = frozenset({".", ".."})


@lru_cache
def snake_case(class_name: str) -> str:
    """Returns ``HTTPServer2Worker`` as ``http_server2_worker``."""
    neighbours = zip(f"_{class_name}", class_name, f"{class_name[1:]}_", strict=False)
    return "".join("_" * _begins_word(*three) + three[1] for three in neighbours).lower()


def _begins_word(before: str, char: str, after: str) -> bool:
    """Returns whether a capital is the first of its word, in any alphabet."""
    return char.isupper() and before != "_" and (not before.isupper() or after.islower())


def escape(name: str) -> str:
    """Returns ``name`` as one path segment: no slash, no control character, nothing ambiguous.

    What cannot be printed, and ``/`` and ``%`` themselves, become the percent-encoded bytes of
    their UTF-8 form, so that a name can neither forge a path nor a line of a log. So do ``.`` and
    ``..``, which mean something else to whoever joins paths.
    """
    if name.isidentifier():
        return name
    stays = _is_plain if name not in _STEPS else _never
    return "".join(char if stays(char) else _percent(char) for char in name)


class SlotKeys:
    """The keys that one group has given out: a name first as it is, then ``name-2``, ``name-3``.

    A key is never given twice. It takes the same time however many of one name there are.
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        """For each key that is taken, the last number that was tried behind it."""

    def take(self, name: str) -> str:
        """Returns a key for ``name`` and keeps it taken."""
        key = segment = escape(name)
        while key in self._counts:
            self._counts[segment] += 1
            key = f"{segment}-{self._counts[segment]}"
        self._counts[key] = 1
        return key


def _is_plain(char: str) -> bool:
    return char.isprintable() and char not in "/%"


def _never(_: str) -> bool:
    return False


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
