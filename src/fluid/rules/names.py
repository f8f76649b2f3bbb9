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

    It takes the same time however many of one name there are.
    """

    __slots__ = ("_numbers", "_taken")

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}
        """For each name that came more than once, the last number that was tried behind it."""

    def take(self, name: str) -> str:
        """Returns a key for ``name`` and keeps it taken."""
        key = segment = escape(name)
        while key in self._taken:
            number = self._numbers[segment] = self._numbers.get(segment, 1) + 1
            key = f"{segment}-{number}"
        self._taken.add(key)
        return key

    def give_back(self, key: str) -> None:
        """Makes a key free again; a number behind a name is not given twice all the same."""
        self._taken.discard(key)


def _is_plain(char: str) -> bool:
    return char.isprintable() and char not in "/%"


def _never(_: str) -> bool:
    return False


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
