"""The rows of the table: what is done, with which system, in which script, with which remark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is done with another system, and with fluid."""

    system: str
    """The other system, as its environment is called."""
    topic: str
    """What the names of both scripts end with."""
    title: str
    """What is done, in Markdown."""
    remark: str = ""
    """What the other system's documentation says about it."""

    @property
    def name(self) -> str:
        """What the page calls the other system: by what one imports, as its documentation does."""
        return "mode" if self.system == "mode-streaming" else self.system

    @property
    def theirs(self) -> Path:
        """The script for the other system."""
        return HERE / f"{PREFIXES[self.system]}_{self.topic}.py"

    @property
    def ours(self) -> Path:
        """The script for fluid; the same one where both have the same API."""
        return self.theirs if self.system == "aio-fluid" else HERE / f"fluid_{self.topic}.py"


PREFIXES = {
    "aio-fluid": "aio_fluid",
    "mode-streaming": "mode",
    "aiomisc": "aiomisc",
    "aiojobs": "aiojobs",
    "aiorun": "aiorun",
    "facet": "facet",
    "runsmith": "runsmith",
    "aioservicekit": "aioservicekit",
}
"""What the scripts for a system begin with."""

SECTIONS: dict[str, list[Row]] = {
    "Something crashes": [
        Row(
            "mode-streaming",
            "one_for_all",
            "one of three services under a `OneForAllSupervisor()` crashes",
        ),
        Row(
            "mode-streaming",
            "restart_limit",
            "a service crashes again and again; `max_restarts=3, over=60`",
        ),
        Row(
            "mode-streaming",
            "failed_restart",
            "a service crashes, and its next start fails once",
        ),
        Row(
            "mode-streaming",
            "finished_task",
            "the only task of a supervised service returns",
        ),
        Row(
            "runsmith",
            "backoff",
            "a worker crashes 0.1 seconds after each start",
            "The quota and the interval are documented settings.",
        ),
        Row(
            "aioservicekit",
            "failing_work",
            "the work of a service raises each time, for 0.3 seconds",
            "Its docstring says that the loop continues.",
        ),
        Row(
            "aiomisc",
            "late_crash",
            "a service crashes after it has announced its start",
        ),
        Row("aio-fluid", "crash_in_run", "`run()` raises"),
        Row(
            "aiorun",
            "main_crash",
            "the main coroutine raises",
            "Its README says so, why, and names the option.",
        ),
    ],
    "Something starts": [
        Row("aio-fluid", "startup", "`startup()` returns; what has happened by then?"),
        Row(
            "mode-streaming",
            "second_start",
            "of two services that another one depends on, the second fails to start",
        ),
        Row("aiomisc", "failed_start", "of two services, the second fails to start"),
        Row("mode-streaming", "added_child", "a service is added to a running supervisor"),
        Row(
            "aiomisc",
            "service_manager",
            "what systemd is told of a start that fails, and of a stop",
        ),
    ],
    "Something is stopped": [
        Row("mode-streaming", "last_work", "a task needs 0.1 seconds at its end, another 1 second"),
        Row(
            "mode-streaming",
            "cleanup_after_limit",
            "`wait_for_shutdown = True`, and the flag is not set within `shutdown_timeout`",
        ),
        Row(
            "mode-streaming", "repeated_signals", "SIGINTs in a stop of three seconds, up to three"
        ),
        Row("aiomisc", "failing_stop", "the `stop()` of one of two services raises"),
        Row("aiomisc", "stop_limit", "`shutdown_timeout=0.2`, and a `stop()` of two seconds"),
        Row("aiomisc", "clean_exit", "SIGTERM, and everything stops at once"),
        Row(
            "aiojobs",
            "deaf_job",
            "`wait_timeout=0.3, close_timeout=0.2`, and a job that is deaf to its cancellation",
        ),
        Row(
            "facet",
            "deaf_service",
            "`graceful_shutdown_timeout = 0.2`, and a service with a task that is deaf to it",
        ),
        Row("aio-fluid", "waiting_stop", "a worker takes a second to stop"),
        Row(
            "aio-fluid",
            "deaf_worker",
            "a grace of 0.2 seconds, and a worker that is deaf to its cancellation for 3",
        ),
        Row("aio-fluid", "long_heartbeat", "a `WorkerFunction(heartbeat=30)` is stopped"),
        Row("aio-fluid", "limited_wait", "a time limit around `wait_for_shutdown()`"),
    ],
    "Something waits, or works": [
        Row(
            "aio-fluid",
            "queue_at_stop",
            "20 messages of 10 ms, and a stop 30 ms later",
            "Documented for `AsyncConsumer`.",
        ),
        Row("aio-fluid", "send_from_thread", "a message comes from another thread"),
        Row("aio-fluid", "idle_group", "5,000 idle consumers in a group"),
        Row("mode-streaming", "timer_period", "`@Service.timer(0.2)` around work of 0.1 seconds"),
        Row("aiomisc", "timer_period", "`PeriodicCallback`, every 0.2 seconds, work of 0.1"),
    ],
}
"""The rows, in the order and under the headings of the page."""

ROWS = tuple(row for section in SECTIONS.values() for row in section)
"""All rows in order."""
