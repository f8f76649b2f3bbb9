"""``fluid.run`` in this process: exit codes and last lines, mistakes, and what it leaves behind."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import signal
import threading
from math import inf

import pytest

import fluid
from fluid import (
    FluidError,
    FluidValueError,
    QueueConsumerWorker,
    Worker,
    Workers,
    WorkerStartError,
    WorkerState,
)
from fluid.runtime.signals import SIGNALS

pytestmark = pytest.mark.real


def do_nothing(_worker):
    pass


class Made(Worker):
    """A worker whose hooks call the given functions, and which then waits for a stop."""

    def __init__(self, *, startup=do_nothing, run=do_nothing, shutdown=do_nothing, **options):
        super().__init__(**{"name": "made", **options})
        self.diary = []
        self.hooks = {"on_startup": startup, "run": run, "on_shutdown": shutdown}

    def call(self, hook):
        self.diary.append(hook)
        self.hooks[hook](self)

    async def on_startup(self):
        self.call("on_startup")

    async def run(self):
        self.call("run")
        await self.sleep(inf)

    async def on_shutdown(self):
        self.call("on_shutdown")


def stop(worker):
    worker.gracefully_stop()


def raises(error):
    def hook(_worker):
        raise error

    return hook


def sends(*numbers):
    def hook(_worker):
        for number in numbers:
            signal.raise_signal(number)

    return hook


@pytest.fixture
def run(factory, capsys):
    """Returns a function that runs a worker; it returns the exit code and what stderr was told."""

    def run(worker):
        try:
            fluid.run(worker, loop_factory=factory)
        except SystemExit as ended:
            return ended.code, capsys.readouterr().err
        return 0, capsys.readouterr().err

    return run


# --- ends ----------------------------------------------------------------------------------------


def test_a_worker_that_ends_is_a_clean_end(run):
    """Z10"""
    worker = Made(run=stop)
    assert run(worker) == (0, "")
    assert worker.diary == ["on_startup", "run", "on_shutdown"]
    assert worker.worker_state is WorkerState.STOPPED


def test_an_empty_group_runs_until_it_is_told_to_stop(run):
    group = Workers(name="app")
    group.subscribe(lambda event: stop(group) if group.is_ready() else None)
    assert run(group) == (0, "")


def test_an_error_of_run_is_a_failure(run):
    """Z10; PEERS 17"""
    assert run(Made(run=raises(ValueError("no")))) == (
        1,
        "made: exit code 1: it failed (ValueError: no)\n",
    )


def test_an_error_of_the_cleanup_is_a_failure(run):
    assert run(Made(run=stop, shutdown=raises(ValueError("no")))) == (
        1,
        "made: exit code 1: it failed (ValueError: no)\n",
    )


def test_the_last_line_names_the_worker_that_failed(run):
    app = Workers(Made(), Workers(Made(run=raises(ValueError("no"))), name="db"), name="app")
    assert run(app) == (1, "app: exit code 1: app/db/made failed (ValueError: no)\n")


def test_an_error_of_on_startup_is_a_start_that_failed_and_is_logged_once(run, caplog):
    """Z10"""
    worker = Made(startup=raises(ValueError("no")))
    assert run(worker) == (3, "made: exit code 3: it did not start (ValueError: no)\n")
    assert worker.diary == ["on_startup"]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ValueError]


def test_a_start_that_fails_stops_those_that_were_started(run):
    first = Made(name="first")
    app = Workers(first, Made(name="second", startup=raises(ValueError("no"))), name="app")
    assert run(app) == (3, "app: exit code 3: app/second did not start (ValueError: no)\n")
    assert first.diary == ["on_startup", "run", "on_shutdown"]


def test_a_start_that_takes_too_long_has_failed_although_it_was_told_to_stop(run):
    """H05"""

    class Hanging(Made):
        start_timeout = 0.01

        async def on_startup(self):
            await asyncio.sleep(inf)

    code, line = run(Hanging())
    assert code == 3
    assert "it did not start (StartTimeoutError: " in line


def test_a_worker_that_ends_before_it_is_ready_has_not_started(run):
    class NeverReady(Made):
        announces_readiness = True

        async def run(self):
            pass

    code, line = run(NeverReady())
    assert code == 3
    assert "its run() ended before it was ready" in line


def test_a_worker_that_stops_itself_while_it_starts_is_clean(run):
    assert run(Made(startup=stop)) == (0, "")


def test_a_stop_by_force_leaves_something_undone(run):
    """Z10"""

    class Deaf(Made):
        async def run(self):
            self.gracefully_stop()
            await asyncio.sleep(inf)

    deaf = Deaf(name="deaf", stopping_grace_period=0.01)
    assert run(Workers(deaf, name="app")) == (
        1,
        "app: exit code 1: app/deaf was stopped by force\n",
    )


@pytest.mark.parametrize(("number", "words"), [(1, "1 message"), (3, "3 messages")])
def test_messages_that_nobody_handled_are_counted(run, number, words):
    """Z10"""

    async def handle(_message):
        await asyncio.sleep(inf)

    class Impatient(QueueConsumerWorker[int]):
        async def on_startup(self):
            for message in range(number):
                self.send(message)
            asyncio.get_running_loop().call_soon(self.gracefully_stop)

    queue = Impatient(handle, name="q", stopping_grace_period=0.01)
    code, line = run(Workers(queue, name="app"))
    assert code == 1
    assert line == (
        f"app: exit code 1: app/q was stopped by force; app/q left {words} undelivered\n"
    )


def test_messages_of_a_consumer_that_never_started_are_counted(run):
    async def handle(_message):
        pass

    queue = QueueConsumerWorker(handle, name="q")
    queue.send("hello")
    failing = Made(startup=raises(ValueError("no")))
    code, line = run(Workers(failing, queue, name="app"))
    assert code == 3
    assert line.endswith("; app/q left 1 message undelivered\n")


def test_messages_in_a_shared_mailbox_are_counted_once(run):
    async def handle(_message):
        await asyncio.sleep(inf)

    mailbox: fluid.Mailbox[int] = fluid.Mailbox()
    queues = [
        QueueConsumerWorker(handle, mailbox=mailbox, stopping_grace_period=0.01) for _ in range(2)
    ]
    for message in range(5):
        mailbox.send(message)
    code, line = run(Workers(*queues, Made(run=stop), name="app"))
    assert code == 1
    assert line.count("undelivered") == 1


def test_messages_that_were_handed_over_are_not_lost(run):
    async def handle(_message):
        await asyncio.sleep(inf)

    class Careful(QueueConsumerWorker[str]):
        async def on_undelivered(self, messages):
            pass

    queue = Careful(handle, name="q", stopping_grace_period=0.01)
    queue.send("hello")
    _, line = run(Workers(queue, Made(run=stop), name="app"))
    assert line == "app: exit code 1: app/q was stopped by force\n"


def test_a_worker_that_is_left_running_is_undone(run):
    class Neglectful(Made):
        other = Made(name="other")

        async def on_startup(self):
            await self.other.startup()

        def workers(self):
            yield self
            yield self.other

    assert run(Neglectful(run=stop)) == (1, "made: exit code 1: other was left running\n")


@pytest.mark.parametrize("stdout", [None, io.StringIO()])
def test_a_process_without_stdout_ends_as_any_other(run, monkeypatch, stdout):
    """Z11"""
    if stdout is not None:
        stdout.close()
    monkeypatch.setattr("sys.stdout", stdout)
    assert run(Made(run=stop)) == (0, "")


# --- SystemExit ----------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["startup", "run", "shutdown"])
def test_a_system_exit_in_a_hook_gives_its_code(run, hook):
    """Z10, E04"""
    options = {"run": stop, hook: raises(SystemExit(7))}
    other = Made(name="other")
    code, line = run(Workers(other, Made(**options), name="app"))
    assert code == 7
    assert line.startswith("app: exit code 7: app/made ")
    assert other.diary == ["on_startup", "run", "on_shutdown"]


@pytest.mark.parametrize("code", [0, 7])
def test_a_system_exit_in_after_shutdown_gives_its_code_when_all_have_stopped(run, code):
    """Z10"""

    class Leaving(Made):
        def after_shutdown(self, reason, _code):
            raise SystemExit(code)

    other = Made(name="other", shutdown=raises(ValueError("no")))
    assert run(Leaving(run=stop))[0] == code
    assert run(Workers(other, Leaving(run=stop), name="app"))[0] == code
    assert other.diary == ["on_startup", "run", "on_shutdown"]


def from_a_callback(error):
    asyncio.get_running_loop().call_soon(raises(error), None)


def from_a_task(error):
    async def fail():
        raise error

    task = asyncio.get_running_loop().create_task(fail())
    task.add_done_callback(lambda task: task.exception())


@pytest.mark.parametrize("leave", [from_a_callback, from_a_task])
def test_a_system_exit_beside_the_workers_stops_them_and_gives_its_code(run, leave):
    workers = [Made(name="a"), Made(name="b", run=lambda _: leave(SystemExit(7)))]
    assert run(Workers(*workers, name="app")) == (
        7,
        "app: exit code 7: told to exit (SystemExit: 7)\n",
    )
    for worker in workers:
        assert worker.diary == ["on_startup", "run", "on_shutdown"]


def test_of_several_system_exits_the_first_counts(run):
    class Leaving(Made):
        def after_shutdown(self, reason, code):
            raise SystemExit(8)

    assert run(Leaving(run=lambda _: from_a_callback(SystemExit(7))))[0] == 7


def test_a_system_exit_in_a_task_that_is_cancelled_at_the_end_gives_its_code(run):
    async def linger():
        try:
            await asyncio.sleep(inf)
        finally:
            raise SystemExit(7)

    class Careless(Made):
        async def run(self):
            self.task = asyncio.create_task(linger())
            self.task.add_done_callback(lambda task: task.exception())
            await asyncio.sleep(0)

    end = (7, "careless: exit code 7: told to exit (SystemExit: 7)\n")
    assert run(Careless(name="careless")) == end
    gc.collect()  # asyncio complains of such a task when it is freed, which is to be now


def test_a_system_exit_in_a_task_group_gives_its_code(run):
    class Grouped(Made):
        async def run(self):
            async with asyncio.TaskGroup() as group:
                group.create_task(self.leave())

        async def leave(self):
            raise SystemExit(7)

    assert run(Workers(Grouped(), Made(name="other")))[0] == 7


def test_a_system_exit_does_not_cut_a_stop_short(run):
    """Z10"""

    class Slow(Made):
        async def on_shutdown(self):
            await asyncio.sleep(0.01)
            self.call("on_shutdown")

    slow = Slow(run=lambda _: from_a_callback(SystemExit(7)))
    assert run(slow)[0] == 7
    assert slow.diary == ["on_startup", "run", "on_shutdown"]


@pytest.mark.parametrize("hook", ["startup", "run", "shutdown"])
def test_a_keyboard_interrupt_of_the_users_own_never_comes_out(run, hook):
    code, line = run(Made(**{"run": stop, hook: raises(KeyboardInterrupt())}))
    assert code == (3 if hook == "startup" else 1)
    assert line.endswith("(KeyboardInterrupt)\n")


@pytest.mark.parametrize("leave", [from_a_callback, from_a_task])
def test_a_keyboard_interrupt_beside_the_workers_stops_them(run, leave):
    worker = Made(run=lambda _: leave(KeyboardInterrupt()))
    assert run(worker) == (1, "made: exit code 1: told to exit (KeyboardInterrupt)\n")
    assert worker.diary == ["on_startup", "run", "on_shutdown"]


# --- others who want an end ----------------------------------------------------------------------


def test_a_call_of_loop_stop_is_a_request_to_stop(run):
    worker = Made(run=lambda _: asyncio.get_running_loop().stop())
    assert run(worker) == (0, "")
    assert worker.diary == ["on_startup", "run", "on_shutdown"]


def test_cancelling_all_tasks_is_a_request_to_stop(run):
    class Cancelling(Made):
        async def run(self):
            self.diary.append("run")
            await asyncio.sleep(0.01)
            for task in asyncio.all_tasks():
                task.cancel()
            await self.sleep(inf)

    worker = Cancelling()
    code, line = run(Workers(worker, name="app"))
    assert code == 1
    assert "cancelled" in line
    assert worker.diary == ["on_startup", "run", "on_shutdown"]


@pytest.mark.parametrize(
    ("override", "grace", "code"),
    [
        (do_nothing, 0.01, 0),
        (raises(ValueError("no")), inf, 0),
        (raises(SystemExit(7)), inf, 7),
    ],
)
def test_an_override_of_gracefully_stop_does_not_keep_the_process_up(run, override, grace, code):
    class Evasive(Made):
        asked = 0

        def gracefully_stop(self):
            self.asked += 1
            override(self)

    worker = Evasive(run=sends(signal.SIGTERM), stopping_grace_period=grace)
    assert run(worker)[0] == code
    assert worker.asked == 1
    assert worker.diary == ["on_startup", "run", "on_shutdown"]


# --- overrides of startup() ----------------------------------------------------------------------


class Odd(Made):
    """Has a ``startup()`` of its own, with something before the real one and something after."""

    async def before(self):
        pass

    async def after(self):
        pass

    async def startup(self):
        await self.before()
        await super().startup()
        await self.after()


def test_a_startup_that_never_starts_the_worker_has_failed(run):
    class Forgetful(Made):
        async def startup(self):
            pass

    code, line = run(Forgetful())
    assert code == 3
    assert "its startup() did not call super().startup()" in line


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_startup_that_fails_is_a_failed_start_and_leaves_nothing_running(run, place, caplog):
    async def fail():
        raise ValueError("no")

    worker = Odd()
    setattr(worker, place, fail)
    assert run(worker) == (3, "made: exit code 3: it did not start (ValueError: no)\n")
    assert worker.diary == {"before": [], "after": ["on_startup", "run", "on_shutdown"]}[place]
    assert [record.exc_info[0] for record in caplog.records] == [ValueError]


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_startup_that_hangs_is_given_up_when_a_signal_asks_for_a_stop(run, place):
    """Z03"""

    async def hang():
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(inf)

    worker = Odd()
    setattr(worker, place, hang)
    assert run(worker) == (0, "")
    assert worker.diary == {"before": [], "after": ["on_startup", "run", "on_shutdown"]}[place]


def test_a_startup_that_fails_because_of_a_stop_has_failed(run):
    """Z03"""

    async def hang():
        signal.raise_signal(signal.SIGTERM)
        try:
            await asyncio.sleep(inf)
        finally:
            raise ValueError("no")

    worker = Odd()
    worker.before = hang
    assert run(worker) == (3, "made: exit code 3: it did not start (ValueError: no)\n")


# --- signals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_stops_the_worker(run, number):
    """Z10; PEERS 15"""
    worker = Made(run=sends(number))
    assert run(worker) == (0, "")
    assert worker.diary == ["on_startup", "run", "on_shutdown"]


def test_a_signal_says_why_the_worker_stops(run, caplog):
    caplog.set_level(logging.INFO, "fluid.runtime")
    run(Made(run=sends(signal.SIGTERM, signal.SIGINT)))
    assert [record.getMessage() for record in caplog.records if "SIG" in record.getMessage()] == [
        "SIGTERM: made is to stop; a second signal takes away its grace",
        "SIGINT: made is to stop at once; a third signal kills",
    ]


def test_a_log_that_raises_keeps_no_signal_from_stopping_the_worker(run, caplog, monkeypatch):
    """E08"""

    def refuse(*_):
        raise OSError("no space left on device")

    caplog.set_level(logging.INFO, "fluid")
    monkeypatch.setattr(logging.Logger, "handle", refuse)
    assert run(Made(run=sends(signal.SIGTERM)))[0] == 0
    assert run(Made(run=sends(signal.SIGTERM, signal.SIGINT)))[0] == 128 + signal.SIGINT


def test_a_second_signal_gives_its_number_however_the_stop_went(run):
    """Z10"""
    worker = Made(run=sends(signal.SIGTERM), shutdown=sends(signal.SIGINT))
    assert run(worker) == (130, "made: exit code 130: told again to stop (SIGINT)\n")
    assert worker.diary == ["on_startup", "run", "on_shutdown"]


def test_a_stop_during_the_start_that_fails_is_a_failed_start(run):
    """Z03"""

    class Failing(Made):
        async def on_startup(self):
            signal.raise_signal(signal.SIGTERM)
            try:
                await asyncio.sleep(inf)
            finally:
                raise ValueError("no")

    assert run(Failing()) == (3, "made: exit code 3: it did not start (ValueError: no)\n")


class SignalledLoop(asyncio.SelectorEventLoop):
    """Is sent a signal at one moment of its life."""

    moment = ""

    def send_at(self, moment):
        if moment == self.moment:
            signal.raise_signal(signal.SIGTERM)

    def create_task(self, *args, **options):
        self.send_at("before the loop runs")
        return super().create_task(*args, **options)

    async def shutdown_asyncgens(self):
        self.send_at("after the worker ended")
        await super().shutdown_asyncgens()

    def close(self):
        self.send_at("before the loop is closed")
        super().close()
        self.send_at("after the loop is closed")


@pytest.mark.parametrize(
    "moment",
    [
        "before the loop runs",
        "after the worker ended",
        "before the loop is closed",
        "after the loop is closed",
    ],
)
def test_a_signal_at_an_odd_moment_does_no_harm(capfd, monkeypatch, moment):
    """Z03"""
    monkeypatch.setattr(SignalledLoop, "moment", moment)
    worker = Made(run=stop)
    fluid.run(worker, loop_factory=SignalledLoop)
    was_in_time = moment == "before the loop runs"
    assert worker.has_started() is not was_in_time
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "handlers",
    [
        {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler},
        {signal.SIGTERM: signal.SIG_IGN, signal.SIGINT: signal.SIG_IGN},
        {signal.SIGTERM: do_nothing, signal.SIGINT: do_nothing},
    ],
)
@pytest.mark.parametrize("hook", [stop, raises(ValueError("no"))])
def test_handlers_are_given_back(run, handlers, hook):
    """Z07"""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    wakeup = signal.set_wakeup_fd(-1)
    try:
        run(Made(run=hook))
        assert {number: signal.getsignal(number) for number in SIGNALS} == handlers
        assert signal.set_wakeup_fd(-1) == -1
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)


# --- where it is called --------------------------------------------------------------------------


def in_a_thread(function):
    """Calls a function in another thread and returns what it raised."""
    errors = []

    def call():
        try:
            function()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    return errors


def test_a_signal_that_is_ignored_stays_so(monkeypatch):
    """Z07"""
    during = []
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        fluid.run(
            Made(run=lambda worker: (during.append(signal.getsignal(signal.SIGINT)), stop(worker)))
        )
        assert during == [signal.getsignal(signal.SIGINT)] == [signal.SIG_IGN]
    finally:
        signal.signal(signal.SIGINT, before)


def test_off_the_main_thread_it_runs_without_signals_and_says_so_once(factory, caplog):
    """Z06"""
    handlers = [signal.getsignal(number) for number in SIGNALS]
    during: list[object] = []

    def look(worker):
        during.extend(signal.getsignal(number) for number in SIGNALS)
        stop(worker)

    assert in_a_thread(lambda: fluid.run(Made(run=look), loop_factory=factory)) == []
    assert during == handlers
    (record,) = (each for each in caplog.records if each.name == "fluid.runtime")
    assert record.levelname == "WARNING"
    assert "not called on the main thread" in record.getMessage()


def test_off_the_main_thread_it_raises_system_exit_too(factory, capsys):
    """Z06"""
    failing = Made(run=raises(ValueError("no")))
    (error,) = in_a_thread(lambda: fluid.run(failing, loop_factory=factory))
    assert isinstance(error, SystemExit)
    assert error.code == 1
    assert capsys.readouterr().err == "made: exit code 1: it failed (ValueError: no)\n"


def test_a_process_may_run_one_worker_after_another(run):
    """Z14"""
    assert [run(Made(run=stop)) for _ in range(3)] == [(0, "")] * 3


def test_the_loop_is_closed_and_was_the_one_of_the_factory(factory):
    loops = []

    def make_loop():
        loops.append((factory or asyncio.new_event_loop)())
        return loops[-1]

    def check(worker):
        assert asyncio.get_running_loop() is loops[-1]
        stop(worker)

    fluid.run(Made(run=check), loop_factory=make_loop)
    assert len(loops) == 1
    assert loops[0].is_closed()


def test_tasks_that_nobody_waits_for_are_cancelled_at_the_end(run):
    ends = []

    async def linger():
        try:
            await asyncio.sleep(inf)
        finally:
            ends.append("linger")

    class Careless(Made):
        async def run(self):
            self.task = asyncio.create_task(linger())
            await asyncio.sleep(0)

    assert run(Careless()) == (0, "")
    assert ends == ["linger"]


# --- mistakes ------------------------------------------------------------------------------------


async def test_where_a_loop_is_running_it_says_what_to_write():
    """Z14"""
    worker = Made()
    with pytest.raises(FluidError, match="await worker.startup()"):
        fluid.run(worker)
    assert worker.worker_state is WorkerState.INIT


def test_a_worker_that_was_started_before_is_refused(run):
    worker = Made(run=stop)
    assert run(worker) == (0, "")
    with pytest.raises(WorkerStartError, match="worker 'made' cannot run: it is stopped"):
        fluid.run(worker)


def test_a_class_is_refused_with_the_line_to_write():
    with pytest.raises(FluidValueError, match=r"make one:  run\(Made\(\)\)"):
        fluid.run(Made)


def test_a_coroutine_is_refused_and_leaves_no_warning():
    async def main():
        pass

    with pytest.raises(FluidValueError, match="not coroutine '.*main'; .* asyncio.run"):
        fluid.run(main())


@pytest.mark.parametrize("thing", [None, "module:app", do_nothing, [Made()]])
def test_anything_else_is_refused(thing):
    with pytest.raises(FluidValueError, match="runs a worker, not"):
        fluid.run(thing)


def test_a_worker_that_was_never_made_is_refused_with_the_line_to_write():
    class Half(Made):
        def __init__(self):
            pass

    with pytest.raises(WorkerStartError, match=r"super\(\).__init__"):
        fluid.run(Half())
