"""What is in a file, and what is wrong with it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from examples.codesearch import parse
from examples.codesearch.parse import Source, Symbol, Trouble, decode, read


@pytest.mark.parametrize(
    "data",
    [
        "é\n".encode(),
        "\ufeffé\n".encode(),
        "# coding: latin-1\né\n".encode("latin-1"),
        "# -*- coding: cp1252 -*-\r\né\r\n".encode("cp1252"),
    ],
    ids=["utf-8", "byte order mark", "coding line", "Windows"],
)
def test_sources_are_decoded_as_python_decodes_them(data: bytes):
    assert decode(data).splitlines()[-1] == "é"
    assert "\r" not in decode(data)


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"\xff\n\n\n\xff", "invalid or missing encoding declaration"),
        (b"#\n#\n#\n\xff", "can't decode byte 0xff"),
        (b"# coding: klingon\n", "unknown encoding: klingon"),
        (b"# coding: hex\n", "not a text encoding"),
        (b"\xef\xbb\xbf# coding: latin-1\n", "encoding problem: utf-8"),
        (b"# coding: raw-unicode-escape\n'\\ud800'", "surrogates not allowed"),
    ],
)
def test_a_file_that_is_not_in_its_encoding_is_undecodable(
    tmp_path: Path, data: bytes, detail: str
):
    (tmp_path / "file.py").write_bytes(data)
    source = read(str(tmp_path / "file.py"))
    assert source.trouble is Trouble.UNDECODABLE
    assert detail in source.detail
    assert source.text == ""


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("x = 1\ndef f(:\n", "line 2: invalid syntax"),
        ("x = '\0'", "null byte"),
        ("x = " + "-" * 10_000 + "1", ""),
        ("x = " + "a." * 10_000 + "a", ""),
    ],
    ids=["syntax", "null", "nested", "long"],
)
def test_a_file_that_does_not_parse_has_its_text_and_no_symbols(
    tmp_path: Path, text: str, detail: str
):
    (tmp_path / "file.py").write_text(text)
    source = read(str(tmp_path / "file.py"))
    assert (source.trouble, source.text, source.symbols) == (Trouble.SYNTAX, text, ())
    assert detail in source.detail


def test_a_file_that_has_vanished_is_unreadable(tmp_path: Path):
    source = read(str(tmp_path / "file.py"))
    assert source == Source(trouble=Trouble.UNREADABLE, detail="No such file or directory")


MODULE = """\
import x

@decorated
class Outer(Base):
    def method(self):
        def inner(): pass
        return lambda: 1
    class Nested: pass

if x:
    def first(): pass
elif y:
    def second(): pass
else:
    try:
        async def third(): pass
    except E:
        def fourth(): pass
    finally:
        with a:
            for b in c:
                while d:
                    def fifth(): pass
match x:
    case 1:
        def sixth(): pass
"""


def test_symbols_are_classes_and_functions_wherever_they_are_defined(tmp_path: Path):
    (tmp_path / "file.py").write_text(MODULE)
    assert read(str(tmp_path / "file.py")).symbols == (
        Symbol("Outer", 4),
        Symbol("Outer.method", 5),
        Symbol("Outer.method.inner", 6),
        Symbol("Outer.Nested", 8),
        Symbol("first", 11),
        Symbol("second", 13),
        Symbol("third", 16),
        Symbol("fourth", 18),
        Symbol("fifth", 23),
        Symbol("sixth", 26),
    )


def test_an_answer_comes_through_the_pipe_as_it_was(tmp_path: Path):
    (tmp_path / "good.py").write_text("def é(): 'œ'\n")
    (tmp_path / "bad.py").write_text("def")
    paths = [str(tmp_path / name) for name in ("good.py", "bad.py", "none.py")]
    requests = io.BytesIO(b"".join(json.dumps(path).encode() + b"\n" for path in paths))
    replies = io.BytesIO()
    parse.serve(requests, replies)
    replies.seek(0)
    for path in paths:
        assert parse.source_of(replies.read(int(replies.readline()))) == read(path)
    assert replies.read() == b""


@pytest.mark.real
def test_the_parser_process_ends_when_its_input_does():
    command = [sys.executable, "-I", parse.__file__]
    result = subprocess.run(command, input=b"", capture_output=True, timeout=30, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
