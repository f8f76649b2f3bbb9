"""Processes that run a worker: what signals do to them, and how they end."""

from __future__ import annotations

from signal import SIGINT, SIGTERM

import pytest

pytestmark = pytest.mark.real

WAITING = """
class Waiting(Worker):
    async def on_startup(self):
        say("starting")
    async def run(self):
        say("running")
        await self.sleep(inf)
        say("stopping")
    async def on_shutdown(self):
        say("cleaning up")
"""

DEAF = """
class Deaf(Worker):
    cancel_period = 0.02
    async def run(self):
        say("running")
        while True:
            try:
                await asyncio.sleep(inf)
            except asyncio.CancelledError:
                say("cancelled")
    def gracefully_stop(self):
        super().gracefully_stop()
        say("stopping")
"""

NO_LOG = """
logging.disable()
"""
"""Leaves the last line alone on stderr."""

EVERY_SIGNAL_COUNTS = """
signal_count.SAME_REQUEST_SECONDS = 0
"""

TOLD = """
class Told(signals.SignalCount):
    def count(self, number, now):
        request = super().count(number, now)
        say(request.name)
        return request
signals.SignalCount = Told
"""


# --- the first signal ----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [SIGTERM, SIGINT])
def test_the_first_signal_asks_for_a_graceful_stop(start, loop, number):
    """Z03, Z10; PEERS 15"""
    process = start(WAITING, "run(Workers(Waiting()), loop_factory=loop_factory)", loop=loop)
    process.wait_for("running")
    process.signal(number)
    assert process.end() == (0, ["starting", "running", "stopping", "cleaning up"], [])


def test_a_signal_during_the_start_stops_it_cleanly(start):
    """Z03"""
    process = start(
        """
        class Hanging(Worker):
            async def on_startup(self):
                say("starting")
                await asyncio.sleep(inf)
            async def run(self):
                say("running")
        run(Workers(Hanging()))
        """
    )
    process.wait_for("starting")
    process.signal(SIGTERM)
    assert process.end() == (0, ["starting"], [])


def test_a_signal_that_another_thread_receives_wakes_the_loop(start, loop):
    """Z01, X08"""
    process = start(
        """
        class Waiting(Worker):
            async def run(self):
                threading.Thread(target=threading.Event().wait, daemon=True).start()
                signal.pthread_sigmask(signal.SIG_BLOCK, signals.SIGNALS)
                self.say_later()
                await self.sleep(inf)
            def say_later(self):
                asyncio.get_running_loop().call_later(0.01, say, "waiting")
        run(Waiting(), loop_factory=loop_factory)
        """,
        loop=loop,
    )
    process.wait_for("waiting")
    process.signal(SIGTERM)
    assert process.end() == (0, ["waiting"], [])


def test_a_signal_that_is_delivered_many_times_has_asked_once(start):
    """Z04"""
    process = start(
        """
        signal_count.SAME_REQUEST_SECONDS = 60
        class Draining(Worker):
            async def run(self):
                say("running")
                await self.sleep(inf)
                say("stopping")
                await asyncio.to_thread(input)
        run(Draining())
        """
    )
    process.wait_for("running")
    process.signal(SIGINT)
    process.wait_for("stopping")
    for _ in range(100):
        process.signal(SIGINT)
    process.say("done")
    assert process.end() == (0, ["running", "stopping"], [])


def test_a_copy_of_a_signal_that_comes_after_the_stop_does_not_kill(start):
    """Z03"""
    process = start(
        WAITING,
        """
        signal_count.SAME_REQUEST_SECONDS = 60
        class Last:
            def __del__(self, write=os.write, read=os.read):
                write(1, b"finalizing\\n")
                read(0, 1)
        last = Last()
        run(Waiting())
        say("returned")
        sys.stdin.readline()
        """,
    )
    process.wait_for("running")
    process.signal(SIGTERM)
    for place in "returned", "finalizing":
        process.wait_for(place)
        process.signal(SIGTERM)
        process.say("go on")
    assert process.end().code == 0


def test_a_signal_that_is_no_copy_is_delivered_to_whoever_had_it_before(start):
    """Z07"""
    process = start(
        WAITING,
        """
        def mine(number, frame):
            say("mine")
        signal.signal(signal.SIGTERM, mine)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
        signal_count.SAME_REQUEST_SECONDS = 60
        for _ in range(3):
            run(Waiting())
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.getsignal(signal.SIGTERM).handler is mine
        signal_count.SAME_REQUEST_SECONDS = 0
        say("later")
        while signal.getsignal(signal.SIGTERM) is not mine:  # one long wait might begin too late
            time.sleep(0.01)
        input()
        """,
    )
    for _ in range(3):
        process.wait_for("running")
        process.signal(SIGTERM)
    process.wait_for("later")
    process.signal(SIGTERM)
    process.wait_for("mine")
    process.say("go on")
    assert process.end().code == 0


def test_a_signal_while_the_loop_is_blocked_is_obeyed_afterwards(start):
    """Z08"""
    process = start(
        """
        class Blocking(Worker):
            async def run(self):
                say("running")
                input()
                say(await self.sleep(inf))
        run(Blocking())
        """
    )
    process.wait_for("running")
    process.signal(SIGTERM)
    process.say("done")
    assert process.end() == (0, ["running", "False"], [])


# --- the second and the third --------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [(SIGTERM, SIGINT), (SIGINT, SIGTERM)])
def test_the_second_signal_takes_away_the_grace_and_the_others_still_clean_up(
    start, loop, first, second
):
    """F08, Z10; PEERS 9"""
    process = start(
        NO_LOG,
        """
        class Slow(Worker):
            async def run(self):
                say("running")
                await self.sleep(inf)
                say("stopping")
                await asyncio.sleep(inf)
            async def on_shutdown(self):
                say("cleaning up")
        class Other(Worker):
            async def run(self):
                await self.sleep(inf)
            async def on_shutdown(self):
                say("the other too")
        slow = Slow(stopping_grace_period=inf)
        run(Workers(Other(), slow, name="app", stop_in_reverse=True), loop_factory=loop_factory)
        """,
        loop=loop,
    )
    process.wait_for("running")
    process.signal(first)
    process.wait_for("stopping")
    process.signal(second)
    code, lines, (last,) = process.end()
    assert code == 128 + second
    assert lines == ["running", "stopping", "cleaning up", "the other too"]
    why = f"told again to stop ({second.name}); app/slow was stopped by force"
    assert last == f"app: exit code {code}: {why}"


def test_the_second_signal_leaves_behind_who_ignores_cancellation(start, loop):
    """Z10"""
    process = start(
        NO_LOG, DEAF, "run(Deaf(stopping_grace_period=inf), loop_factory=loop_factory)", loop=loop
    )
    process.wait_for("running")
    process.signal(SIGTERM)
    process.wait_for("stopping")
    process.signal(SIGINT)
    code, lines, (last,) = process.end()
    assert code == 130
    assert lines == ["running", "stopping", "cancelled", "cancelled"]
    assert last == "deaf: exit code 130: told again to stop (SIGINT); deaf was abandoned"


def test_the_second_signal_cancels_an_override_of_startup_that_ignored_the_first(start):
    process = start(
        NO_LOG,
        """
        class Stubborn(Worker):
            async def startup(self):
                for word in "starting", "still starting":
                    say(word)
                    try:
                        await asyncio.sleep(inf)
                    except asyncio.CancelledError:
                        pass
            async def run(self):
                say("running")
        run(Stubborn())
        """,
    )
    process.wait_for("starting")
    process.signal(SIGTERM)
    process.wait_for("still starting")
    process.signal(SIGINT)
    assert process.end().code == 130


def test_the_third_signal_ends_the_process_on_the_spot(start, loop):
    """F08, Z04, Z10; PEERS 9"""
    process = start(
        NO_LOG,
        EVERY_SIGNAL_COUNTS,
        DEAF,
        """
        Deaf.cancel_period = 3600.0
        run(Deaf(stopping_grace_period=inf), loop_factory=loop_factory)
        """,
        loop=loop,
    )
    process.wait_for("running")
    process.signal(SIGTERM)
    process.wait_for("stopping")
    process.signal(SIGTERM)
    process.wait_for("cancelled")
    process.signal(SIGTERM)
    assert process.end() == (143, ["running", "stopping", "cancelled"], [])


def test_three_signals_end_a_process_whose_loop_is_blocked(start, loop):
    """Z04"""
    process = start(
        EVERY_SIGNAL_COUNTS,
        TOLD,
        """
        class Blocking(Worker):
            async def run(self):
                say("running")
                while True:
                    time.sleep(0.01)
        run(Blocking(), loop_factory=loop_factory)
        """,
        loop=loop,
    )
    process.wait_for("running")
    for request in "STOP", "FORCE", "LEAVE":
        process.signal(SIGINT)
        process.wait_for(request)
    assert process.end() == (130, ["running", "STOP", "FORCE", "LEAVE"], [])


def test_signals_end_a_process_that_waits_for_a_thread_at_its_end(start):
    """Z03"""
    process = start(
        NO_LOG,
        EVERY_SIGNAL_COUNTS,
        TOLD,
        """
        class Careless(Worker):
            async def run(self):
                asyncio.get_running_loop().run_in_executor(None, self.block)
            def block(self):
                say("blocking")
                threading.Event().wait()
        run(Careless())
        """,
    )
    process.wait_for("blocking")
    for request in "STOP", "FORCE", "LEAVE":
        process.signal(SIGINT)
        process.wait_for(request)
    assert process.end() == (130, ["blocking", "STOP", "FORCE", "LEAVE"], [])


# --- the end -------------------------------------------------------------------------------------


def test_a_process_whose_worker_ends_by_itself_is_clean(start):
    """Z10"""
    process = start(
        """
        class Short(Worker):
            async def run(self):
                say("running")
        run(Workers(Short()))
        say("returned")
        """
    )
    assert process.end() == (0, ["running", "returned"], [])


def test_a_crash_is_told_once_and_ends_the_process_with_1(start):
    """Z10; PEERS 17"""
    process = start(
        """
        class Crash(Worker):
            async def run(self):
                raise ConnectionError("no route")
        run(Workers(Crash(), name="app"))
        """
    )
    code, _, errors = process.end()
    assert code == 1
    assert errors[-1] == "app: exit code 1: app/crash failed (ConnectionError: no route)"
    assert errors.count("ConnectionError: no route") == 1


def test_an_abandoned_worker_does_not_hold_up_the_end(start, loop):
    """Z10"""
    process = start(
        NO_LOG,
        DEAF,
        """
        import atexit
        atexit.register(say, "nobody comes here")
        class Late(logging.Handler):
            def flush(self):
                print("neither is what handlers hold")
        logging.getLogger().addHandler(Late())
        class Blocking(Deaf):
            async def on_startup(self):
                asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
                print("not lost, though in the buffer")
        run(Blocking(stopping_grace_period=0.0), loop_factory=loop_factory)
        """,
        loop=loop,
    )
    process.wait_for("running")
    process.signal(SIGTERM)
    code, lines, (last,) = process.end()
    assert code == 1
    assert lines[-2:] == ["not lost, though in the buffer", "neither is what handlers hold"]
    assert last == "blocking: exit code 1: blocking was abandoned"


def test_the_message_in_the_hand_of_an_abandoned_consumer_is_counted(start):
    process = start(
        NO_LOG,
        """
        async def handle(message):
            while True:
                try:
                    await asyncio.sleep(inf)
                except asyncio.CancelledError:
                    pass
        consumer = QueueConsumerWorker(handle, name="q", stopping_grace_period=0.0)
        consumer.cancel_period = 0.02
        consumer.send("hello")
        class Stopping(Worker):
            async def run(self):
                pass
        run(Workers(consumer, Stopping(), name="app"))
        """,
    )
    code, _, (last,) = process.end()
    assert code == 1
    assert last == ("app: exit code 1: app/q was abandoned; app/q left 1 message undelivered")


def test_off_the_main_thread_an_abandoned_worker_does_not_end_the_process(start):
    """Z06"""
    process = start(
        NO_LOG,
        DEAF,
        """
        def main():
            try:
                run(deaf)
            except SystemExit as end:
                say("thread", end.code)
        deaf = Deaf(stopping_grace_period=0.0)
        thread = threading.Thread(target=main)
        thread.start()
        input()
        deaf.gracefully_stop()
        thread.join()
        say("alive")
        """,
    )
    process.wait_for("running")
    process.say("stop")
    code, lines, errors = process.end()
    assert code == 0
    assert lines[-2:] == ["thread 1", "alive"]
    assert errors[0] == "deaf: exit code 1: deaf was abandoned"


def test_a_closed_stdout_changes_nothing(start):
    """Z11"""
    process = start(
        """
        class Printing(Worker):
            async def run(self):
                say("running")
                await self.sleep(inf)
                sys.stdin.readline()
                print("into the buffer and no further")
        run(Printing())
        """
    )
    process.wait_for("running")
    process.signal(SIGTERM)
    process.stop_listening()
    process.say("done")
    assert process.end() == (0, ["running"], [])


def test_a_closed_stderr_changes_nothing(start):
    process = start(
        """
        class Crash(Worker):
            async def run(self):
                os.close(2)
                raise ConnectionError("no route")
        run(Crash())
        """
    )
    assert process.end() == (1, [], [])
