"""Fixtures for the tests of the programs in ``examples``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.codesearch.store import Store


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open(Path(":memory:"), create=True) as store:
        yield store
