"""A thermostat that has to show progress, or else is restarted.

systemd runs it as ``thermostat.service`` says. To try it, there is ``listen.py``, or in a terminal
``fluid run examples.under_systemd.service:app``. Nothing in here knows of systemd: ``fluid run``
sees that there is one, and tells it of the tree.
"""

from __future__ import annotations

from fluid import ChildSpec, Supervisor, Worker


class Thermostat(Worker):
    """Looks at the thermometer ten times a second."""

    async def run(self) -> None:
        while await self.sleep(0.1):
            # In place of a look. Who hangs here no longer beats, and is restarted after 5 seconds;
            # who blocks the whole loop keeps fluid from pinging, and systemd restarts the process.
            self.beat()


def app() -> Supervisor:
    """Returns what the process runs; a reload calls it anew."""
    return Supervisor(ChildSpec(Thermostat, heartbeat_timeout=5), name="heating")
