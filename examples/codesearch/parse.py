"""Reads Python files and finds what they define.

Also a program, which ``process.py`` runs: each line that it gets is the path of a file as JSON, and
each of its answers is a line with a number, and so many bytes of JSON. Hence no import of anything
but the standard library.
"""

from __future__ import annotations

import ast
import gc
import io
import json
import sys
import tokenize
import warnings
from collections.abc import Iterator
from enum import StrEnum
from typing import BinaryIO, NamedTuple

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
"""Where statements have statements. Definitions are nowhere else, and not to look at expressions
makes the search five times as fast as with ``ast.walk``."""


class Trouble(StrEnum):
    """Why a file is not, or not wholly, in the index."""

    UNREADABLE = "unreadable"
    HUGE = "huge"
    UNDECODABLE = "undecodable"
    FATAL = "fatal to the parser"
    SYNTAX = "without symbols"
    """It does not parse, and can be searched as text."""


class Symbol(NamedTuple):
    """A class or function that a file defines."""

    name: str
    """With the names of what it is inside of, as in ``TaskGroup.create_task``."""
    line: int
    """From 1; the line of the ``def``, below its decorators."""


class Source(NamedTuple):
    """A file that has been read; for one that could not be, ``trouble`` says why."""

    text: str = ""
    """With ``\\n`` between lines, however the file has them."""
    symbols: tuple[Symbol, ...] = ()
    trouble: Trouble | None = None
    detail: str = ""


def read(path: str) -> Source:
    """Reads and parses a file; what is wrong with it is part of the answer, never an error."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib would double the start of the process
            text = decode(file.read())
    except OSError as error:
        return Source(trouble=Trouble.UNREADABLE, detail=error.strerror or str(error))
    except (UnicodeError, LookupError, SyntaxError) as error:
        return Source(trouble=Trouble.UNDECODABLE, detail=str(error))
    try:
        return Source(text, tuple(symbols(ast.parse(text))))
    except SyntaxError as error:
        return Source(text, trouble=Trouble.SYNTAX, detail=f"line {error.lineno}: {error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; nested too deeply
        detail = str(error) or type(error).__name__
        return Source(text, trouble=Trouble.SYNTAX, detail=detail)


def decode(data: bytes) -> str:
    """Decodes a source file as Python does: by its byte order mark or its coding line, else UTF-8.

    Raises:
        SyntaxError: If the encoding that it names is unknown, or at odds with its mark.
        LookupError: If that is not an encoding of text.
        UnicodeError: If it is not in that encoding.
    """
    buffer = io.BytesIO(data)
    encoding, _ = tokenize.detect_encoding(buffer.readline)
    buffer.seek(0)
    text = io.TextIOWrapper(buffer, encoding).read()  # which also translates the ends of lines
    text.encode()  # some codecs let through half a surrogate pair, which no database would take
    return text


def symbols(tree: ast.Module) -> list[Symbol]:
    """Returns the classes and functions of a module, at any depth, by line."""
    return sorted(_definitions(tree), key=lambda symbol: symbol.line)


def _definitions(tree: ast.Module) -> Iterator[Symbol]:
    todo: list[tuple[ast.AST, str]] = [(tree, "")]
    while todo:
        node, prefix = todo.pop()
        for block in BLOCKS:
            for child in getattr(node, block, ()):
                if isinstance(child, Definition):
                    name = prefix + child.name
                    yield Symbol(name, child.lineno)
                    todo.append((child, f"{name}."))
                else:
                    todo.append((child, prefix))


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answers requests until there are no more."""
    for request in requests:
        reply = json.dumps(read(json.loads(request))).encode()
        replies.write(b"%d\n%b" % (len(reply), reply))
        replies.flush()


def source_of(reply: bytes) -> Source:
    """Reads an answer that :func:`serve` has given."""
    text, found, trouble, detail = json.loads(reply)
    return Source(
        text, tuple(Symbol(*each) for each in found), trouble and Trouble(trouble), detail
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # about escapes and the like: nobody here wrote those files
    gc.disable()  # a syntax tree has no cycles, and looking for some takes a fifth of the time
    serve(sys.stdin.buffer, sys.stdout.buffer)
