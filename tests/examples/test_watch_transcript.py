"""The whole run in docs/running.md is what `fluid run` shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import transcript


@pytest.mark.real
def test_a_whole_run_is_as_the_page_shows_it():
    now = transcript.lasting(transcript.record())
    assert now == transcript.lasting(transcript.shown()), "it has gone stale:  make transcript"


def test_the_page_shows_that_a_file_changed_and_the_process_ended_well():
    lines = transcript.shown().splitlines()
    assert lines[0] == f"$ {transcript.COMMAND}"
    assert lines[-2:] == ["$ echo $?", "0"]
    assert any("app.py changed: 1 file indexed, 0 removed" in line for line in lines)


def test_only_times_and_durations_are_left_out_of_the_comparison():
    line = "2026-11-23T03:38:43.532Z INFO w: app/db-2 stopped after 2.3 seconds, 3 files"
    assert transcript.lasting(line) == "TIME INFO w: app/db-2 stopped after SOME seconds, 3 files"


def test_the_tool_puts_it_into_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    page = tmp_path / "page.md"
    before, after = "a\n<!-- transcript: watch -->\n```console\n", "```\nb\n```text\n```\n"
    page.write_text(f"{before}old\n{after}")
    monkeypatch.setattr(transcript, "record", lambda: "$ new \\1\n")
    transcript.main(page)
    assert page.read_text() == f"{before}$ new \\1\n{after}"
    assert capsys.readouterr().out == f"{page}\n"


def test_a_page_without_a_place_for_it_is_left_as_it_is(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    with pytest.raises(SystemExit, match="has no place for it"):
        transcript.main(page)
    assert page.read_text() == "nothing\n"
