"""What real processes consist of, as source: workers that do not end, and what operates one."""

from __future__ import annotations

CAST = '''
import atexit, ctypes
from fluid.runtime.front import Front
from fluid.runtime.running import operate
from fluid.runtime.settings import Settings

OWN_END = False

class Kind(Worker):
    """Misbehaves when it was told to stop, or has itself told the tree to."""
    async def begin(self):
        await self.worker_parent.wait_ready()
        say("running")
        if OWN_END:
            await told()
            self.worker_parent.gracefully_stop()
            await asyncio.sleep(0.01)
    async def run(self):
        await self.begin()
        await self.sleep(inf)

async def told():
    await asyncio.to_thread(sys.stdin.readline)

def main(kind, own_end, **options):
    global OWN_END
    OWN_END = own_end
    made = globals()[kind]
    make = (lambda: Workers(made(), name="app")) if isinstance(made, type) else made
    sys.exit(operate(make, name="app:main", settings=Settings(**options), front=Front()))

libc = ctypes.CDLL(None)
mutex = ctypes.create_string_buffer(64)

def lock_twice():
    for _ in range(2):
        libc.pthread_mutex_lock(mutex)

def spin():
    while True:
        pass

def for_ever():
    time.sleep(3600)

async def deaf():
    while True:
        try:
            await asyncio.sleep(inf)
        except asyncio.CancelledError:
            pass

def full_pipe(descriptor):
    """Puts a pipe there that is full, and that nobody reads."""
    global unread
    unread, full = os.pipe()
    os.set_blocking(full, False)
    try:
        while True:
            os.write(full, b"x" * 65536)
    except BlockingIOError:
        pass
    os.set_blocking(full, True)
    os.dup2(full, descriptor)

class Good(Kind):
    pass

class Deaf(Kind):
    async def run(self):
        await self.begin()
        await deaf()

class DeafCleanup(Kind):
    async def on_shutdown(self):
        await deaf()

class SlowCleanup(Kind):
    async def on_shutdown(self):
        await asyncio.sleep(inf)

class Blocking(Kind):
    block = staticmethod(for_ever)
    async def run(self):
        await self.begin()
        self.block()

class Spinning(Blocking):
    block = staticmethod(spin)

class StuckInC(Blocking):
    block = staticmethod(lock_twice)

class BlockingCleanup(Kind):
    async def on_shutdown(self):
        for_ever()

class KeepingTheInterpreter(Kind):
    async def on_shutdown(self):
        ctypes.PyDLL(None).sleep(3600)

class BlockingThread(Kind):
    async def run(self):
        await self.begin()
        await asyncio.to_thread(threading.Event().wait)

def block_a_thread():
    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)

class OtherThread(Kind):
    async def on_startup(self):
        threading.Thread(target=threading.Event().wait).start()

class LeftTask(Kind):
    async def on_startup(self):
        self.task = asyncio.create_task(deaf())
        await asyncio.sleep(0)

class LeftGenerator(Kind):
    async def on_startup(self):
        async def numbers():
            try:
                yield 1
            finally:
                await deaf()
        self.numbers = numbers()
        await anext(self.numbers)

class AtExit(Kind):
    async def on_startup(self):
        atexit.register(for_ever)

class Last:
    def __del__(self, sleep=time.sleep):
        sleep(3600)

class Finalizing(Kind):
    async def on_startup(self):
        global last
        last = Last()

class FullStderr(Kind):
    async def on_shutdown(self):
        full_pipe(2)
        print("nobody reads this", file=sys.stderr)

class FullLog(Kind):
    async def on_shutdown(self):
        full_pipe(2)
        logging.warning("nobody reads this")  # and nobody else can log: the handler is locked

class FullStdout(Kind):
    async def on_shutdown(self):
        full_pipe(1)
        print("nobody reads this")

class SlowStart(Kind):
    async def on_startup(self):
        say("running")
        await asyncio.sleep(inf)

class BlockingStart(Kind):
    async def on_startup(self):
        say("running")
        for_ever()

# --- with a cause for another exit code ---

class Quitting(Kind):
    async def on_shutdown(self):
        block_a_thread()
        raise SystemExit(7)

class Failing(Kind):
    async def on_shutdown(self):
        block_a_thread()
        raise ValueError("no")

class FailingStart(Kind):
    async def on_startup(self):
        say("running")
        await told()
        block_a_thread()
        raise ValueError("no")

async def nothing():
    say("running")
    await told()
    block_a_thread()
'''

OPERATE = """
from fluid.runtime.front import Front
from fluid.runtime.running import operate
from fluid.runtime.settings import Settings
def live(make, front=None, **settings):
    sys.exit(operate(make, name="app:main", settings=Settings(**settings), front=front or Front()))
"""
