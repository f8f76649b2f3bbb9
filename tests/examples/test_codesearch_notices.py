"""What is made of what watchfiles says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from watchfiles import Change
from watchfiles._rust_notify import WatchfilesRustInternalError

from examples.codesearch import notices
from examples.codesearch.notices import Notices

Answer = set[tuple[int, str]] | Exception


@pytest.fixture
def saying(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets watchfiles say things."""

    def say(*answers: Answer) -> None:
        class Notify:
            def __init__(self, folders: list[str], *_: object) -> None:
                self.answers = list(answers)
                if isinstance(answers[0], OSError):
                    raise answers[0]

            def watch(self, *_: object) -> Answer:
                answer = self.answers.pop(0)
                if isinstance(answer, Exception):
                    raise answer
                return answer

        monkeypatch.setattr(notices, "RustNotify", Notify)

    return say


async def test_paths_are_told_once_however_they_changed(tree: Path, saying):
    saying({(Change.added, "/a"), (Change.modified, "/a"), (Change.deleted, "/b")})
    assert await Notices([tree]).wait() == {"/a", "/b"}


async def test_a_folder_that_is_gone_is_told_before_it_is_an_error(tree: Path, saying):
    saying({(Change.deleted, str(tree)), (Change.deleted, f"{tree}/a.py")})
    told = Notices([tree])
    assert await told.wait() == {str(tree), f"{tree}/a.py"}
    with pytest.raises(FileNotFoundError, match=f"{tree} was watched, and has been deleted"):
        await told.wait()


async def test_a_folder_below_that_is_gone_is_no_error(tree: Path, saying):
    saying({(Change.deleted, f"{tree}/below")}, {(Change.modified, str(tree))}, set())
    told = Notices([tree])
    for _ in range(3):
        await told.wait()


@pytest.mark.parametrize("missing", ["gone", "file.py"])
def test_only_folders_that_exist_can_be_watched(tree: Path, missing: str):
    (tree / "file.py").touch()
    with pytest.raises(FileNotFoundError, match=f"no folder {tree / missing} to watch"):
        Notices([tree, tree / missing])


def test_what_cannot_be_watched_is_an_error_that_says_what_to_do(tree: Path, saying):
    saying(OSError("OS file watch limit reached."))
    with pytest.raises(OSError, match=f"{tree}: OS file watch limit reached.; .*max_user_watches"):
        Notices([tree])


async def test_an_error_of_watchfiles_says_what_to_do(tree: Path, saying):
    saying(WatchfilesRustInternalError("error in underlying watcher"))
    with pytest.raises(OSError, match="underlying watcher; .*max_user_watches"):
        await Notices([tree]).wait()


@pytest.mark.real
async def test_a_wait_that_is_cancelled_leaves_no_thread_in_it(tree: Path):
    told = Notices([tree])
    waiting = asyncio.create_task(told.wait())
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(5):
        await asyncio.get_running_loop().shutdown_default_executor()
    assert not any("asyncio" in thread.name for thread in threading.enumerate())
