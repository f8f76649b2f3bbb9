"""One module for each system: how one does this with it. This is the list of them."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """Where a system is, and how its programs begin."""

    module: str
    """Its file in this folder."""
    environment: str
    """The environment that it runs in."""
    imports: str
    """What a program of it imports, at the least."""


BARE = "asyncio"
OURS = "fluid"

SYSTEMS: dict[str, Entry] = {
    BARE: Entry("bare", "fluid", "import asyncio"),
    OURS: Entry("ours", "fluid", "from fluid import Worker, Workers"),
    "aio-fluid": Entry("aio_fluid", "aio-fluid", "from fluid.utils.worker import Worker, Workers"),
    "mode": Entry("mode_streaming", "mode-streaming", "from mode import Service"),
    "aiomisc": Entry("aiomisc_services", "aiomisc", "import aiomisc"),
}
"""In the order of the columns: by hand, fluid, and the others."""
PEERS = tuple(name for name in SYSTEMS if name not in {BARE, OURS})
