"""The metrics of periodic workers; the counts are those of all their lives."""

from __future__ import annotations

from .family import Family, counter, gauge

TIMER: tuple[Family, ...] = (
    counter(
        "fluid_timer_fires_total",
        "fires",
        "Fires of a periodic worker that have begun.",
        lambda timer: timer.totals.fires,
    ),
    counter(
        "fluid_timer_missed_total",
        "fires",
        "Fires that were given up because their time had passed.",
        lambda timer: timer.totals.missed,
    ),
    counter(
        "fluid_timer_skipped_total",
        "fires",
        "Fires that were left out because the one before still ran.",
        lambda timer: timer.totals.skipped,
    ),
    counter(
        "fluid_timer_failures_total",
        "calls",
        "Calls that have raised.",
        lambda timer: timer.totals.failed,
    ),
    counter(
        "fluid_timer_late_seconds_total",
        "seconds",
        "By how much fires began late, all together.",
        lambda timer: timer.totals.late,
    ),
    gauge(
        "fluid_timer_worst_lateness_seconds",
        "seconds",
        "By how much the latest of them began late, since the worker was started last.",
        lambda timer: timer.tally and timer.tally.latest,
    ),
    gauge(
        "fluid_timer_running",
        "calls",
        "Calls that run now.",
        lambda timer: timer.core.running(),
    ),
    gauge(
        "fluid_timer_last_fire_timestamp_seconds",
        "seconds",
        "The time of day at which the last one began, in seconds since the epoch.",
        lambda timer: timer.tally and timer.tally.last_fire,
    ),
    gauge(
        "fluid_timer_next_fire_timestamp_seconds",
        "seconds",
        "The time of day at which the next one is due, in seconds since the epoch.",
        lambda timer: timer.core.next_fire(),
    ),
)
"""Of a ``Timer``."""
