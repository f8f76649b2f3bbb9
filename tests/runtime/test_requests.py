"""SIGUSR1 and SIGHUP: what a process shows of itself, and how it begins anew."""

from __future__ import annotations

from signal import SIGHUP, SIGTERM, SIGUSR1

import pytest

from tests.runtime.misbehaviour import CAST, OPERATE
from tests.runtime.test_processes import NO_LOG, WAITING

pytestmark = pytest.mark.real

TOLD = """
class Told(Front):
    def dump(self, text):
        super().dump(text)
        say("shown")
"""


# --- SIGUSR1 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "place"), [("Spinning", "spin"), ("StuckInC", "lock_twice")])
def test_a_process_whose_loop_is_blocked_shows_where(start, kind, place):
    """Z05"""
    process = start(
        CAST,
        TOLD,
        f"""
        def ask():
            while sys._current_frames()[main_thread].f_code.co_name != {place!r}:
                pass
            os.kill(os.getpid(), signal.SIGUSR1)
        main_thread = threading.get_ident()
        threading.Thread(target=ask, daemon=True).start()
        Front = Told
        main({kind!r}, False)
        """,
    )
    process.wait_for("shown")
    process.kill()
    _, _, errors = process.end()
    assert "workers:" in errors
    assert sum(f"in {place}" in line for line in errors) == 1
    (worker,) = (line for line in errors if line.startswith("  app/"))
    assert "running, run, " in worker


def test_a_signal_that_the_loop_cannot_answer_is_answered_all_the_same(start):
    """Z03"""
    process = start(
        OPERATE,
        """
        class Told(Front):
            def dump(self, text):
                pass
        class Heard(logging.Handler):
            def emit(self, record):
                if "cannot while" in (text := record.getMessage()):
                    os.write(1, f"{text}\\n".encode())
        logging.getLogger("fluid.runtime").addHandler(Heard())
        class Blocking(Worker):
            async def run(self):
                def ask():
                    while process._probe is None or not process._probe.blocker:
                        time.sleep(0.01)
                    os.kill(os.getpid(), signal.SIGTERM)
                threading.Thread(target=ask, daemon=True).start()
                time.sleep(60)
        from fluid.runtime import process as room
        from fluid.runtime.settings import Settings
        settings = Settings(deadline=1.0, stall_threshold=0.05)
        process = room.Process(Blocking, "app", settings, Told())
        process.run()
        """,
    )
    code, lines, _ = process.end()
    assert code == 4
    (line,) = lines
    assert line.startswith("SIGTERM: blocking is to stop, and cannot while worker blocking, at ")


def test_a_process_whose_loop_runs_shows_where_everything_is_and_goes_on(start):
    """Z05"""
    process = start(NO_LOG, WAITING, OPERATE, TOLD, "live(Waiting, Told())")
    process.wait_for("running")
    process.signal(SIGUSR1)
    process.wait_for("shown")
    process.signal(SIGTERM)
    code, lines, errors = process.end()
    assert code == 0
    assert lines[-2:] == ["stopping", "cleaning up"]
    assert [line for line in errors if line.startswith("  waiting ")]


# --- SIGHUP --------------------------------------------------------------------------------------


def test_a_hang_up_restarts_the_worker_and_the_process_is_the_same(start):
    """Z05"""
    process = start(NO_LOG, OPERATE, WAITING, "live(Waiting)")
    process.wait_for("running")
    for _ in range(2):
        process.signal(SIGHUP)
        process.wait_for("running")
    process.signal(SIGTERM)
    life = ["starting", "running", "stopping", "cleaning up"]
    assert process.end() == (0, life * 3, [])


def test_a_hang_up_is_ignored_where_it_was_ignored_before(start):
    """As ``nohup`` has it."""
    process = start(
        NO_LOG,
        OPERATE,
        WAITING,
        """
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        live(Waiting)
        """,
    )
    process.wait_for("running")
    process.signal(SIGHUP)
    process.signal(SIGTERM)
    assert process.end() == (0, ["starting", "running", "stopping", "cleaning up"], [])


def test_signals_that_a_program_has_taken_for_itself_stay_its_own(start):
    """Z07"""
    process = start(
        NO_LOG,
        OPERATE,
        WAITING,
        """
        for number in signal.SIGHUP, signal.SIGUSR1:
            signal.signal(number, lambda number, _: say("mine"))
        live(Waiting)
        """,
    )
    process.wait_for("running")
    for number in SIGHUP, SIGUSR1:
        process.signal(number)
        process.wait_for("mine")
    process.signal(SIGTERM)
    assert process.end().code == 0


def test_a_hang_up_stops_a_process_whose_terminal_has_gone(start):
    process = start(
        NO_LOG,
        OPERATE,
        WAITING,
        """
        import fcntl, termios
        os.setsid()
        ours, its = os.openpty()
        fcntl.ioctl(its, termios.TIOCSCTTY, 0)
        class Alone(Waiting):
            async def run(self):
                asyncio.get_running_loop().call_later(0.01, os.close, ours)
                await super().run()
        live(Alone)
        """,
    )
    assert process.end() == (0, ["starting", "running", "stopping", "cleaning up"], [])


def test_a_hang_up_restarts_a_process_whose_terminal_is_still_there(start):
    process = start(
        NO_LOG,
        OPERATE,
        WAITING,
        """
        import fcntl, termios
        os.setsid()
        ours, its = os.openpty()
        fcntl.ioctl(its, termios.TIOCSCTTY, 0)
        live(Waiting)
        """,
    )
    process.wait_for("running")
    process.signal(SIGHUP)
    process.wait_for("running")
    process.signal(SIGTERM)
    assert process.end().code == 0


def test_a_life_that_was_abandoned_holds_up_neither_the_next_nor_the_end(start):
    """Z05"""
    process = start(
        NO_LOG,
        CAST,
        """
        lives = []
        class Refusing(Worker):
            cancel_period = 0.02
            async def run(self):
                lives.append(self)
                say("running")
                await (deaf() if len(lives) == 1 else self.sleep(inf))
        settings = Settings(deadline=20.0)
        make = lambda: Refusing(stopping_grace_period=0.0)
        sys.exit(operate(make, name="app:main", settings=settings, front=Front()))
        """,
    )
    process.wait_for("running")
    process.signal(SIGHUP)
    process.wait_for("running")
    process.signal(SIGTERM)
    assert process.end() == (0, ["running", "running"], [])
