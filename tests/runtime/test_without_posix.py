"""Where there are no signals as POSIX has them: on Windows."""

from __future__ import annotations

import importlib
import signal

import pytest

import fluid.runtime
from fluid import FluidError


def test_process_without_the_signals_of_posix_is_refused_with_what_works_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(signal, "SIGUSR1")
    with pytest.raises(FluidError, match=r"^fluid cannot run a process here: .* async with worker"):
        importlib.reload(fluid.runtime)
