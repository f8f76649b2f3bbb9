"""The last steps of a process: what it leaves by, and what it notes of a failure."""

from __future__ import annotations

import os

import pytest

from fluid.runtime import guard, noting
from fluid.runtime.exit_codes import Facts


def test_whoever_has_no_time_left_leaves_without_looking_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    guard.leave(4)
    assert codes == [4]


def test_an_error_of_a_worker_that_cannot_be_made_is_noted_and_shown_to_who_debugs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    facts, error = Facts(), ValueError("no")
    noting.note_failed_make(facts, error, "app:main", debug=False)
    assert (facts.start_error, caplog.messages) == (error, [])
    noting.note_failed_make(facts, error, "app:main", debug=True)
    assert caplog.messages == ["app:main could not be made"]
