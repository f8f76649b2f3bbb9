"""The pytest plug-in, in test sessions of its own."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]

CONFTEST = 'pytest_plugins = ["fluid.testing.pytest"]'

RACE = """
    import asyncio
    from fluid.testing import explored

    @explored()
    async def test_race():
        done = []

        async def first():
            await asyncio.sleep(1)
            done.append("first")

        async def second():
            await asyncio.sleep(1)
            done.append("second")

        await asyncio.gather(first(), second())
        assert done == ["first", "second"]
"""


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the others take a second to load
    pytester.makeconftest(CONFTEST)
    return pytester


def test_an_async_test_with_a_virtual_clock_runs_on_it(session: pytest.Pytester):
    session.makepyfile(
        """
        import asyncio

        async def test_hours(virtual_clock, tmp_path):
            before = virtual_clock.wall.time()
            await asyncio.sleep(3600)
            assert virtual_clock.time() == 3600
            assert virtual_clock.wall.time() == before + 3600
            assert tmp_path.exists()
        """
    )
    session.runpytest_inprocess().assert_outcomes(passed=1)


def test_an_async_test_on_a_virtual_clock_fails_when_it_leaves_a_task(session: pytest.Pytester):
    session.makepyfile(
        """
        import asyncio

        async def test_leaves(virtual_clock):
            test_leaves.task = asyncio.create_task(asyncio.sleep(60), name="left")
        """
    )
    result = session.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*LeakError*", "*left waits at*"])


def test_a_plain_test_runs_what_it_likes_on_the_virtual_clock(session: pytest.Pytester):
    session.makepyfile(
        """
        import asyncio

        def test_plain(virtual_clock):
            virtual_clock.run(asyncio.sleep(3600))
            assert virtual_clock.time() == 3600

        def test_unused(virtual_clock):
            pass
        """
    )
    session.runpytest_inprocess().assert_outcomes(passed=2)


def test_an_async_test_without_the_clock_is_left_to_others(session: pytest.Pytester):
    session.makepyfile("async def test_other(): pass")
    result = session.runpytest_inprocess("-Wignore")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*async def functions are not natively supported*"])


def test_the_events_of_all_workers_are_kept_while_the_test_runs(session: pytest.Pytester):
    session.makepyfile(
        """
        from fluid import Worker

        class Napper(Worker):
            async def run(self):
                await self.sleep(60)

        async def test_story(virtual_clock, lifecycle_events):
            async with Napper(name="one"):
                pass
            lifecycle_events.assert_in_order("one started", "one ready", "one stopped")

        def test_nothing_is_left_of_the_last_test(lifecycle_events):
            assert not lifecycle_events.events
        """
    )
    session.runpytest_inprocess().assert_outcomes(passed=2)


def test_no_leaks_fails_a_test_that_leaves_a_file_open(session: pytest.Pytester):
    session.makepyfile(
        """
        kept = []

        def test_leaves(no_leaks, tmp_path):
            kept.append(open(tmp_path / "left.txt", "w"))

        def test_closes(no_leaks, tmp_path):
            open(tmp_path / "closed.txt", "w").close()
        """
    )
    result = session.runpytest_subprocess("-Wignore")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*left.txt*"])


def test_the_explorer_fixture_explores(session: pytest.Pytester):
    session.makepyfile(
        """
        from fluid import Worker

        class Napper(Worker):
            async def run(self):
                await self.sleep(60)

        async def scenario():
            async with Napper():
                pass

        def test_explore(explorer):
            assert explorer(scenario, seeds=10).schedules == 10
            assert explorer.stress(Napper, seeds=5).schedules > 5
        """
    )
    session.runpytest_inprocess().assert_outcomes(passed=1)


def test_a_failure_is_replayed_by_the_line_that_it_prints(session: pytest.Pytester):
    session.makepyfile(RACE)
    failed = session.runpytest_inprocess()
    failed.assert_outcomes(failed=1)
    line = next(line for line in failed.outlines if "--fluid-replay" in line)
    schedule = line.rpartition("--fluid-replay ")[2].strip("'")
    again = session.runpytest_inprocess("--fluid-replay", schedule)
    again.assert_outcomes(failed=1)
    again.stdout.fnmatch_lines([f"*test_race fails in schedule {schedule.split('[')[0]}*"])
    session.runpytest_inprocess("--fluid-replay", "fifo").assert_outcomes(passed=1)


@pytest.mark.parametrize(("seeds", "count"), [("3", 3), ("10:15", 6), ("1:2", 2)])
def test_seeds_are_named_by_how_many_or_from_where_to_where(
    session: pytest.Pytester, seeds: str, count: int
):
    session.makepyfile(
        f"""
        from fluid.testing import explore

        async def scenario():
            pass

        def test_it():
            assert explore(scenario, seeds=50).schedules == {count}  # FIFO is always one of them
        """
    )
    session.runpytest_inprocess("--fluid-seeds", seeds).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("option", "value"),
    [("--fluid-seeds", "many"), ("--fluid-seeds", "5:2"), ("--fluid-replay", "legal:x")],
)
def test_an_option_that_cannot_be_read_is_one_line(
    session: pytest.Pytester, option: str, value: str
):
    result = session.runpytest_inprocess(option, value)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line.strip()]
    assert value in line


def test_explored_tests_are_marked_and_their_sum_is_printed(session: pytest.Pytester):
    session.makepyfile(f"def test_plain(): pass\n{_dedented(RACE)}")
    result = session.runpytest_inprocess("-m", "explored", "--fluid-replay", "fifo")
    result.assert_outcomes(passed=1, deselected=1)
    result = session.runpytest_subprocess("-m", "explored", "--fluid-seeds", "1")
    result.stdout.fnmatch_lines(["fluid explored 1 schedules, 0.0 simulated hours, 0 faults"])


def test_processes_of_xdist_report_what_they_have_explored(session: pytest.Pytester):
    pytest.importorskip("xdist")
    session.makepyfile(RACE)
    result = session.runpytest_subprocess("-p", "xdist", "-n", "2", "--fluid-seeds", "1")
    result.stdout.fnmatch_lines(["fluid explored 1 schedules, *"])


def test_it_is_not_loaded_unless_it_is_named():
    points = entry_points(group="pytest11")
    assert not [point for point in points if point.value.startswith("fluid")]


def _dedented(text: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in text.splitlines())
