"""What the reference has to say, rule by rule: each yields who breaks it, and by what."""

from __future__ import annotations

import asyncio
import builtins
import inspect
import re
from collections.abc import Iterator

from tests.reference.public import Part, public
from tests.reference.source import raised_by

BY_DEFAULT = re.compile(r"\bdefault\b|\bunless\b", re.IGNORECASE)
ELSEWHERE = re.compile(r"(As for|As in|See|Likewise)\b")
"""How a text begins that leaves the rest to another one."""
DELEGATES = re.compile(r"\A[^\n]*\bas :\w+:`")
"""What a docstring says in its first line that leaves all of it to another one."""
SECONDS = re.compile(r"\bseconds?\b|\bhow long\b", re.IGNORECASE)
RETURNS = re.compile(r"\breturns?\b|\byields?\b", re.IGNORECASE)
IS_FLOAT = re.compile(r"\Afloat\b")
WORDS = {0.5: "half", 1.0: "one"}
TOO_WIDE = {"BaseException", "Exception", "object"}


def undescribed(part: Part) -> Iterator[str]:
    """Yields a public name that nothing is said of."""
    if not part.said.text:
        yield part.name


def undescribed_parameters(part: Part) -> Iterator[str]:
    """Yields a parameter that is not in Args: but one without a choice may be in the text."""
    if part.is_foreign or DELEGATES.match(part.said.text):
        return
    for each in part.parameters:
        has_choice = each.default is not each.empty or IS_FLOAT.match(str(each.annotation))
        in_text = f"``{each.name}``" in part.said.text and not has_choice
        if each.name not in part.said.described and not in_text:
            yield f"{part.name}: {each.name}"


def imaginary_parameters(part: Part) -> Iterator[str]:
    """Yields what is in Args and is no parameter."""
    names = {each.name for each in part.parameters}
    for name in part.said.sections.get("Args", {}):
        if names and name not in names:
            yield f"{part.name}: {name}"


def unsaid_defaults(part: Part) -> Iterator[str]:
    """Yields a parameter whose text does not say what it is by default, or what None means."""
    for each in part.parameters:
        text = part.said.described.get(each.name, "")
        is_silent = not text or ELSEWHERE.match(text) or each.default is each.empty
        if not is_silent and not _says(text, each.default):
            yield f"{part.name}: {each.name}={each.default!r}"


def _says(text: str, default: object) -> bool:
    by_default = BY_DEFAULT.search(text) is not None
    match default:
        case None:
            return by_default or "None" in text
        case bool():
            return by_default or default is False
        case int() | float():
            shown = {f"{default:g}", f"{default:,g}", f"{default:,}", WORDS.get(default, "0")}
            said = re.search(rf"(?<![\w.])(?:{'|'.join(map(re.escape, shown))})(?!\w)", text)
            return said is not None and (by_default or not default)
        case _:
            return by_default or not default


def unsaid_units(part: Part) -> Iterator[str]:
    """Yields a float that does not say that it is in seconds."""
    if part.is_foreign:
        return
    for each in part.parameters:
        text = part.said.described.get(each.name, "")
        is_silent = not text or ELSEWHERE.match(text) or not IS_FLOAT.match(str(each.annotation))
        if not is_silent and not SECONDS.search(text):
            yield f"{part.name}: {each.name}"
    if IS_FLOAT.match(part.returns) and not SECONDS.search(part.said.text):
        yield part.name


def unsaid_errors(part: Part) -> Iterator[str]:
    """Yields an error that is raised, directly or by a plain function, and is not in Raises."""
    if part.function is None or DELEGATES.match(part.said.text):
        return
    said = part.said.sections.get("Raises", {})
    for error in raised_by(part.function):
        names = {base.__name__ for base in error.__mro__} - TOO_WIDE | {error.__name__}
        if names.isdisjoint(said):
            yield f"{part.name}: {error.__name__}"


def imaginary_errors(part: Part) -> Iterator[str]:
    """Yields what is in Raises and is no error."""
    known = {*vars(builtins), *vars(asyncio), *(name.rpartition(".")[2] for name in public())}
    for name in part.said.sections.get("Raises", {}):
        if name.rpartition(".")[2] not in known:
            yield f"{part.name}: {name}"


def unsaid_cancellation(part: Part) -> Iterator[str]:
    """Yields what is awaited and does not say what a cancel does."""
    is_awaited = inspect.iscoroutinefunction(part.function) or part.returns.startswith("Coroutine")
    if is_awaited and not part.is_foreign and "cancel" not in part.said.text.lower():
        yield part.name


def unsaid_results(part: Part) -> Iterator[str]:
    """Yields what returns something and does not say what."""
    is_silent = part.kind != "function" or part.returns in ("None", "NoReturn", "Self")
    if is_silent or part.is_foreign or DELEGATES.match(part.said.text):
        return
    if not RETURNS.search(part.said.text):
        yield part.name
