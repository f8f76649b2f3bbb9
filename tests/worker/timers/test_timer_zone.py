"""The time zone of the machine: where it is found, and what a change of it does to a schedule."""

from __future__ import annotations

import time
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from datetime import UTC, timedelta, timezone, tzinfo
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from fluid import Missed, cron
from fluid.clock import local_zone
from tests.worker.timers.firing_cast import Ticker, at, end_at, until, virtual_loop

STOCK = cast("AbstractEventLoop", object())
"""A loop whose time of day is that of the machine."""

HOUR = 3600


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A machine in UTC, whose setting is a file of the test."""
    monkeypatch.setattr("fluid.clock.LOCAL_TIME", str(tmp_path / "localtime"))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def without_variable(machine: pytest.MonkeyPatch) -> None:
    """Unsets ``TZ``, when the C library has read it."""
    machine.delenv("TZ")


# --- where it is found ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Europe/Berlin", "Asia/Tokyo", "UTC", "Etc/GMT-2"])
@pytest.mark.parametrize("prefix", ["", ":"])
def test_it_is_what_the_variable_says(machine, name: str, prefix: str) -> None:
    machine.setenv("TZ", prefix + name)
    assert local_zone(STOCK) == ZoneInfo(name)


@pytest.mark.parametrize(
    "target",
    [
        "/usr/share/zoneinfo/Europe/Berlin",
        "../../usr/share/zoneinfo/Europe/Berlin",
        "/var/db/timezone/zoneinfo/Europe/Berlin",
    ],
)
def test_without_the_variable_it_is_what_the_systems_setting_links_to(
    machine, target: str, tmp_path: Path
) -> None:
    without_variable(machine)
    (tmp_path / "localtime").symlink_to(target)
    assert local_zone(STOCK) == ZoneInfo("Europe/Berlin")


def test_a_link_to_a_link_is_followed(machine, tmp_path: Path) -> None:
    without_variable(machine)
    (tmp_path / "link").symlink_to("/usr/share/zoneinfo/America/Argentina/Ushuaia")
    (tmp_path / "localtime").symlink_to("link")
    assert local_zone(STOCK) == ZoneInfo("America/Argentina/Ushuaia")


def test_the_variable_goes_before_the_setting(machine, tmp_path: Path) -> None:
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    machine.setenv("TZ", "Asia/Tokyo")
    assert local_zone(STOCK) == ZoneInfo("Asia/Tokyo")


def test_it_is_looked_up_each_time(machine) -> None:
    for name in ("Asia/Tokyo", "Europe/Berlin"):
        machine.setenv("TZ", name)
        assert local_zone(STOCK) == ZoneInfo(name)


@pytest.mark.parametrize("setting", ["a copy", "nothing", "a folder", "a link to elsewhere"])
def test_a_setting_without_a_name_gives_the_present_offset(
    machine, setting: str, tmp_path: Path
) -> None:
    machine.setenv("TZ", "<+03>-3")
    time.tzset()
    without_variable(machine)
    place = tmp_path / "localtime"
    match setting:
        case "a copy":
            place.write_bytes(b"TZif2")
        case "a folder":
            place.mkdir()
        case "a link to elsewhere":
            (tmp_path / "elsewhere").write_bytes(b"TZif2")
            place.symlink_to("elsewhere")
    assert offset_of(local_zone(STOCK)) == timedelta(hours=3)


@pytest.mark.parametrize(
    ("value", "hours"), [("<+0530>-5:30", 5.5), ("XYZ4", -4), ("UTC0", 0)], ids=str
)
def test_a_rule_instead_of_a_name_gives_the_present_offset(
    machine, value: str, hours: float
) -> None:
    machine.setenv("TZ", value)
    time.tzset()
    zone = local_zone(STOCK)
    assert isinstance(zone, timezone)
    assert offset_of(zone) == timedelta(hours=hours)


@pytest.mark.parametrize(
    "value", ["No/Where", "../../etc/passwd", "/etc/passwd", "Europe", "\udcff", "a" * 5000, " "]
)
def test_nonsense_is_utc_as_the_c_library_has_it(machine, value: str) -> None:
    machine.setenv("TZ", value)
    time.tzset()
    assert offset_of(local_zone(STOCK)) == timedelta(0)


def offset_of(zone: tzinfo) -> timedelta | None:
    return at().astimezone(zone).utcoffset()


async def test_a_loop_that_scripts_the_time_of_day_has_a_zone_of_its_own() -> None:
    assert local_zone(virtual_loop()) is UTC
    virtual_loop().wall.set_zone("Asia/Tokyo")
    assert local_zone(virtual_loop()) == ZoneInfo("Asia/Tokyo")


# --- when it changes -----------------------------------------------------------------------------


async def test_a_local_schedule_goes_by_the_zone_that_the_machine_has_at_its_start() -> None:
    virtual_loop().wall.set_zone("Asia/Tokyo")  # nine hours ahead
    ticker = Ticker(schedule=cron("0 12 * * *", tz="local"))
    await end_at(ticker, 24 * HOUR)
    assert ticker.times == [3 * HOUR]


async def test_a_machine_that_moves_takes_a_local_schedule_with_it_within_a_minute() -> None:
    ticker = Ticker(schedule=cron("0 12 * * *", tz="local"))
    async with ticker:
        await until(100)
        virtual_loop().wall.set_zone("America/New_York")  # five hours behind
        await until(161)
        assert (await ticker.timer())["next_fire"] == "2000-01-01T17:00:00+00:00"
        await until(24 * HOUR)
    assert ticker.times == [17 * HOUR]
    assert (await ticker.timer())["missed"] == 0


async def test_a_time_that_comes_with_the_new_zone_is_noticed_within_a_minute() -> None:
    ticker = Ticker(schedule=cron("0 12 * * *", tz="local"))
    virtual_loop().wall.set_zone("Europe/Berlin", at=11 * HOUR - 1)
    await end_at(ticker, 24 * HOUR)
    (time,) = ticker.times
    assert 11 * HOUR <= time <= 11 * HOUR + 59
    assert ticker.fires[0].due == at(11)


@pytest.mark.parametrize(("missed", "fired"), [(Missed.ONCE, 1), (Missed.SKIP, 0)], ids=repr)
async def test_a_time_that_the_new_zone_has_passed_already_was_missed(
    missed: Missed, fired: int
) -> None:
    ticker = Ticker(schedule=cron("0 12 * * *", tz="local"), missed=missed)
    virtual_loop().wall.set_zone("Asia/Tokyo", at=10 * HOUR)  # from ten in the morning to seven
    await end_at(ticker, 24 * HOUR)
    assert len(ticker.times) == fired
    assert all(10 * HOUR <= time <= 10 * HOUR + 60 for time in ticker.times)
    assert (await ticker.timer())["missed"] == 1 - fired


async def test_a_schedule_of_a_named_zone_does_not_notice() -> None:
    ticker = Ticker(schedule=cron("0 12 * * *", tz="Europe/Berlin"))
    virtual_loop().wall.set_zone("Asia/Tokyo", at=100)
    await end_at(ticker, 24 * HOUR)
    assert ticker.times == [11 * HOUR]
