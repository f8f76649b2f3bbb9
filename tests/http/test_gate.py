"""The gate of a health server: who goes on, who is closed, and what is read of whom."""

from __future__ import annotations

import asyncio
import logging

import pytest
from uvicorn.config import Config

from fluid.http.gate import PAUSE, Gate, Limits
from fluid.http.guests import Guests
from fluid.http.sparing import AT_MOST, Sparing
from fluid.http.turns import Turns
from fluid.http.visitor import Visitor
from fluid.rules.rate import RateLimit
from tests.http.conftest import OK, App

log = logging.getLogger("tests.gate")


# --- turns: pure ---------------------------------------------------------------------------------


def turns_of(limit: RateLimit, *lines: str) -> Turns[str]:
    turns: Turns[str] = Turns(limit)
    for is_new, line in zip((True, False), lines, strict=True):
        for who in line:
            turns.join(who, is_new=is_new)
    return turns


def order(turns: Turns[str]) -> str:
    return "".join(iter(turns.next, None))


def test_nobody_has_a_turn_where_nobody_waits() -> None:
    turns: Turns[str] = Turns(RateLimit(1))
    assert turns.next_at(0.0) is None
    assert turns.next() is None


@pytest.mark.parametrize(
    ("newcomers", "others", "served"),
    [
        ("", "abc", "abc"),
        ("abc", "", "abc"),
        ("ab", "xyz", "abxyz"),
        ("abcdefg", "xyz", "abcxdefygz"),
        ("abcde", "x", "abcxde"),
    ],
)
def test_newcomers_go_first_and_others_are_not_forgotten(newcomers, others, served) -> None:
    assert order(turns_of(RateLimit(1), newcomers, others)) == served


def test_newcomer_waits_for_one_of_the_others_at_most() -> None:
    turns = turns_of(RateLimit(1), "", "abcdefgh")
    assert [turns.next() for _ in range(3)] == ["a", "b", "c"]
    turns.join("new", is_new=True)
    assert "new" in (turns.next(), turns.next())


def test_whoever_stands_in_line_keeps_the_place() -> None:
    turns = turns_of(RateLimit(1), "", "abc")
    turns.join("a", is_new=False)
    assert order(turns) == "abc"


def test_whoever_has_left_is_passed_over() -> None:
    turns = turns_of(RateLimit(1), "ab", "xy")
    for who in "ax":
        turns.leave(who)
    turns.leave("nobody")
    assert order(turns) == "by"


def test_turns_come_at_the_rate_and_after_a_rest_in_a_burst() -> None:
    turns = turns_of(RateLimit(10, burst=3), "", "abcdefgh")
    times = []
    for _ in range(6):
        times.append(turns.next_at(0.0))
        turns.next()
    assert times == pytest.approx([0, 0, 0, 0.1, 0.2, 0.3])


def test_turn_that_nobody_takes_is_given_back() -> None:
    turns = turns_of(RateLimit(10), "", "a")
    assert turns.next_at(0.0) == 0.0
    turns.leave("a")
    turns.next()
    turns.join("b", is_new=False)
    assert turns.next_at(0.0) == 0.0


# --- the gate ------------------------------------------------------------------------------------


class Guest:
    """Somebody who notes when it has a turn, and asks again."""

    def __init__(self, gate: Gate, name: str = "", *, greedy: bool = False) -> None:
        self.gate = gate
        self.name = name
        self.greedy = greedy
        self.served: list[float] = []
        self.cut_at: float | None = None
        gate.enter(self)

    def ask(self, *, is_new: bool = False) -> None:
        self.gate.ask(self, is_new=is_new)

    def go_on(self) -> None:
        self.served.append(asyncio.get_running_loop().time())
        if self.greedy:
            self.gate.got_on(self)
            self.ask()

    def cut(self) -> None:
        self.cut_at = asyncio.get_running_loop().time()
        self.gate.leave(self)


def gate_of(**limits) -> Gate:
    return Gate(Limits(**limits), asyncio.get_running_loop(), log)


async def test_single_guest_has_a_turn_in_the_next_step() -> None:
    gate = gate_of()
    guest = Guest(gate)
    guest.ask()
    assert guest.served == []
    await asyncio.sleep(0)
    assert guest.served == [0.0]
    gate.close()


async def test_there_is_one_turn_in_a_step_of_the_loop() -> None:
    gate = gate_of()
    guests = [Guest(gate) for _ in range(5)]
    for guest in guests:
        guest.ask()
    for served in range(1, 6):
        await asyncio.sleep(0)
        assert sum(len(guest.served) for guest in guests) == served
    gate.close()


async def test_flood_gets_its_rate_and_no_more() -> None:
    gate = gate_of(turns=RateLimit(125, burst=20))
    guests = [Guest(gate, greedy=True) for _ in range(100)]
    for guest in guests:
        guest.ask()
    await asyncio.sleep(10)
    gate.close()
    counts = [len(guest.served) for guest in guests]
    assert sum(counts) == pytest.approx(125 * 10 + 20, abs=5)
    assert max(counts) - min(counts) <= 1


async def test_newcomer_in_a_flood_is_served_in_a_moment() -> None:
    gate = gate_of()
    for _ in range(100):
        Guest(gate, greedy=True).ask()
    await asyncio.sleep(3)
    new = Guest(gate)
    new.ask(is_new=True)
    await asyncio.sleep(1)
    gate.close()
    (served,) = new.served
    assert served - 3 <= 2 / 125 + 2 * PAUSE


async def test_fifty_who_come_at_the_same_moment_are_all_served_in_that_moment() -> None:
    gate = gate_of()
    assert gate.limits.backlog >= 50
    guests = [Guest(gate) for _ in range(50)]
    for _ in ("accepted", "read"):
        for guest in guests:
            guest.ask(is_new=True)
        await asyncio.sleep(0.001)
    assert [len(guest.served) for guest in guests] == [2] * 50
    gate.close()


async def test_loop_has_nothing_to_do_for_those_who_wait() -> None:
    gate = gate_of(turns=RateLimit(1))
    guests = [Guest(gate) for _ in range(100)]
    for guest in guests:
        guest.ask()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    assert not loop.has_ready()
    assert len(loop.live_timers()) == 2  # the next turn, and the first who is late
    gate.close()
    assert loop.live_timers() == []


async def test_whoever_gets_nowhere_is_cut_when_patience_is_over() -> None:
    gate = gate_of(patience=5.0)
    first = Guest(gate)
    await asyncio.sleep(2)
    second = Guest(gate)
    await asyncio.sleep(2)
    gate.got_on(first)
    await asyncio.sleep(10)
    assert (first.cut_at, second.cut_at) == (9.0, 7.0)


async def test_one_too_many_takes_the_place_of_the_one_that_got_nowhere_for_longest() -> None:
    gate = gate_of(connections=3)
    guests = [Guest(gate) for _ in range(3)]
    gate.got_on(guests[0])
    guests.append(Guest(gate))
    assert [guest.cut_at for guest in guests] == [None, 0.0, None, None]
    gate.close()


async def test_thousand_stalled_connections_keep_nobody_out() -> None:
    gate = gate_of(connections=128)
    stalled = [Guest(gate) for _ in range(1000)]
    assert sum(guest.cut_at is None for guest in stalled) == 128
    new = Guest(gate)
    new.ask(is_new=True)
    await asyncio.sleep(0)
    assert new.served
    gate.close()


async def test_guest_that_fails_is_cut_and_the_others_go_on(caplog) -> None:
    gate = gate_of()
    broken, other = Guest(gate), Guest(gate)
    broken.served = None
    for guest in (broken, other):
        guest.ask()
    await asyncio.sleep(0.01)
    assert broken.cut_at is not None
    assert other.served
    assert caplog.messages == ["a connection failed"]
    gate.close()


# --- the log -------------------------------------------------------------------------------------


def test_log_says_little_however_much_there_is_to_say(caplog) -> None:
    now = 0.0
    sparing = Sparing(log, lambda: now)
    for _ in range(10_000):
        sparing.warning("nonsense from %s", "a")
    assert caplog.messages == ["nonsense from a"] * AT_MOST.burst
    now = 60.0
    sparing.warning("nonsense from %s", "b")
    assert caplog.messages[-1] == "nonsense from b (and 9995 times something like it)"


def test_log_follows_the_level_of_the_other_logger_at_once(caplog, monkeypatch) -> None:
    sparing = Sparing(log, lambda: 0.0)
    sparing.warning("heard")
    monkeypatch.setattr(log, "disabled", True)
    sparing.warning("not heard")
    monkeypatch.setattr(log, "disabled", False)
    caplog.set_level(logging.ERROR, log.name)
    sparing.warning("not heard either")
    assert caplog.messages == ["heard"]


# --- connections ---------------------------------------------------------------------------------


class Transport(asyncio.Transport):
    """Where a connection reads from and writes to; a client may take only some ``taken`` writes."""

    def __init__(self) -> None:
        super().__init__({"peername": ("a", 1), "sockname": ("b", 2)})
        self.written = bytearray()
        self.is_reading_now = True
        self.taken: int | None = None
        self.high: int | None = None
        self.end = ""
        self.visitor: Visitor

    def write(self, data) -> None:
        self.written += data
        if self.taken is not None:
            self.taken -= 1
            if self.taken < 0 and self.high == 0:
                self.visitor.pause_writing()

    def set_write_buffer_limits(self, high=None, low=None) -> None:
        self.high = high

    def pause_reading(self) -> None:
        self.is_reading_now = False

    def resume_reading(self) -> None:
        self.is_reading_now = True

    def is_closing(self) -> bool:
        return bool(self.end)

    def close(self) -> None:
        self._end("closed")

    def abort(self) -> None:
        self._end("aborted")

    def _end(self, how: str) -> None:
        if not self.end:
            self.end = how
            asyncio.get_running_loop().call_soon(self.visitor.connection_lost, None)


class Peer:
    """A client at the other end of a connection."""

    def __init__(self, house: House) -> None:
        self.transport = Transport()
        self.visitor = Visitor(house.gate, house.config, house.guests, {}, house.loop)
        self.transport.visitor = self.visitor
        self.visitor.connection_made(self.transport)

    def send(self, data: bytes) -> int:
        """Sends what is taken; returns how much that was."""
        if not self.transport.is_reading_now or self.transport.end:
            return 0
        size = min(len(data), 256 * 1024)
        self.visitor.data_received(data[:size])
        return size

    async def send_all(self, data: bytes) -> None:
        while data and not self.transport.end:
            data = data[self.send(data) :]
            await asyncio.sleep(0.01)

    @property
    def got(self) -> bytes:
        return bytes(self.transport.written)

    @property
    def end(self) -> str:
        return self.transport.end


class House:
    """A gate, and what uvicorn needs beside it."""

    def __init__(self, app: App, **limits) -> None:
        self.loop = asyncio.get_running_loop()
        self.gate = Gate(Limits(**limits), self.loop, log)
        size = self.gate.limits.size
        options = {"ws": "none", "h11_max_incomplete_event_size": size, "proxy_headers": False}
        self.config = Config(app, log_config=None, http=Visitor, lifespan="off", **options)
        self.config.load()
        life = type("Life", (), {"loop": self.loop})()
        self.guests = Guests(life, [], is_dated=False)

    def peer(self) -> Peer:
        return Peer(self)


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def house(app) -> type:
    return lambda **limits: House(app, **limits)


async def test_request_is_answered_and_the_connection_kept(house) -> None:
    peer = house().peer()
    for number in (1, 2):
        await peer.send_all(GET)
        assert peer.got.count(OK) == number
    assert not peer.end
    peer.transport.abort()


async def test_nothing_is_read_while_a_request_waits_or_is_answered(app, house) -> None:
    peer = house().peer()
    peer.send(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
    assert peer.send(GET) == 0
    await asyncio.sleep(0.01)
    assert app.history == ["held"]
    assert peer.send(GET) == 0
    app.held.set()
    await asyncio.sleep(0.01)
    assert peer.send(GET) == len(GET)
    peer.transport.abort()


async def test_request_in_pieces_is_put_together(house) -> None:
    peer = house().peer()
    for byte in GET:
        await peer.send_all(bytes([byte]))
    assert peer.got.startswith(OK)
    peer.transport.abort()


async def test_slowloris_is_closed_when_patience_is_over() -> None:
    """A08."""
    house = House(App(), patience=5.0)
    peer = house.peer()
    while not peer.end:
        peer.send(b"a")
        await asyncio.sleep(0.5)
    assert 5.0 <= house.loop.time() <= 5.5  # it looks twice a second
    assert peer.end == "aborted"


async def test_connection_that_sends_nothing_or_idles_is_closed_when_patience_is_over(
    house,
) -> None:
    """A08."""
    silent, idle = (here := house(patience=5.0)).peer(), here.peer()
    await asyncio.sleep(2)
    idle.send(GET)
    await asyncio.sleep(4)
    assert (silent.end, idle.end) == ("aborted", "")
    await asyncio.sleep(2)
    assert idle.end == "aborted"


@pytest.mark.parametrize("taken", [0, 1])
async def test_answer_that_is_not_taken_is_cut_when_patience_is_over(house, taken) -> None:
    peer = house(patience=5.0).peer()
    peer.transport.taken = taken
    peer.send(GET)
    await asyncio.sleep(4.9)
    assert not peer.end
    assert not peer.transport.is_reading_now
    await asyncio.sleep(0.2)
    assert peer.end == "aborted"


@pytest.mark.parametrize("taken", [0, 1])
async def test_answer_that_is_taken_late_is_followed_by_the_next_request(house, taken) -> None:
    peer = house(patience=5.0).peer()
    peer.transport.taken = taken
    peer.send(GET)
    await asyncio.sleep(4)
    peer.transport.taken = None
    peer.visitor.resume_writing()
    await asyncio.sleep(4)
    await peer.send_all(GET)
    assert peer.got.count(OK) == 2
    peer.transport.abort()


async def test_request_that_is_never_answered_is_cut_when_patience_is_over(app, house) -> None:
    peer = house(patience=5.0).peer()
    peer.send(b"GET /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
    await asyncio.sleep(6)
    assert peer.end == "aborted"
    assert app.history == ["reading", "http.disconnect"]


async def test_head_that_is_too_long_is_refused_and_no_more_of_it_read(house) -> None:
    """A08."""
    here = house()
    peer = here.peer()
    await peer.send_all(b"GET / HTTP/1.1\r\nHost: " + b"a" * 1_000_000)
    assert peer.got.startswith(b"HTTP/1.1 400 ")
    assert here.loop.time() <= 0.03
    assert peer.end


NONSENSE = {
    "binary": b"\x16\x03\x01\x02\x00\r\n\r\n",
    "bad UTF-8 in the target": b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost: a\r\nwhat\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two lengths": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "odd coding": b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
}


@pytest.mark.parametrize("sent", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_is_refused_and_the_connection_closed(house, sent) -> None:
    """A08."""
    peer = house().peer()
    await peer.send_all(sent)
    assert peer.got.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))
    assert peer.end


BODIES = {
    "long": b"Content-Length: 1000000\r\n\r\n" + b"x" * 1_000_000,
    "chunked": b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 100_000,
    "bad chunks": b"Transfer-Encoding: chunked\r\n\r\n" + b"FFFFFFFFFFFFFFFFFFFFFF\r\n" * 1000,
    "short": b"Content-Length: 2\r\n\r\nxx",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_of_a_body_nothing_is_read(app, house, body) -> None:
    """A08."""
    here = house()
    peer = here.peer()
    await peer.send_all(b"POST / HTTP/1.1\r\nHost: a\r\n" + body)
    assert peer.got.count(OK) == 1
    assert peer.end == "closed"
    assert here.loop.time() <= 0.02


async def test_requests_sent_without_waiting_are_closed_after_the_first(house) -> None:
    """A08."""
    here = house()
    peer = here.peer()
    await peer.send_all(GET * 1000)
    assert peer.got.count(OK) == 1
    assert peer.end == "closed"
    assert here.guests.total_requests == 1


async def test_request_that_hides_behind_the_end_of_another_is_not_left_waiting(house) -> None:
    """A08."""
    peer = house().peer()
    await peer.send_all(GET[:-2])
    await peer.send_all(GET[-2:] + GET)
    assert peer.end == "closed" or peer.got.count(OK) == 2  # an eager task may answer both
    peer.transport.abort()


async def test_bad_utf8_in_a_path_is_just_a_path(house) -> None:
    """A08."""
    peer = house().peer()
    await peer.send_all(b"GET /%ff%fe%00%0d%0a HTTP/1.1\r\nHost: a\r\n\r\n")
    assert peer.got.startswith(OK)
    peer.transport.abort()


async def test_upgrade_is_answered_as_any_other_request_and_not_logged(house, caplog) -> None:
    peer = house().peer()
    await peer.send_all(GET[:-2] + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert peer.got.startswith(OK)
    assert caplog.messages == []
    peer.transport.abort()


async def test_thousand_malformed_requests_make_a_few_lines(house, caplog) -> None:
    here = house()
    for _ in range(1000):
        await here.peer().send_all(NONSENSE["binary"])
    assert 0 < len(caplog.messages) < 10


async def test_connection_that_was_accepted_in_the_breath_of_the_stop_is_closed(house) -> None:
    here = house()
    here.guests.close()
    peer = here.peer()
    await asyncio.sleep(0.01)
    assert peer.end == "closed"
    assert not here.guests.connections


async def test_connection_that_has_gone_has_no_turn(house) -> None:
    here = house()
    peer = here.peer()
    peer.send(GET)
    peer.transport.abort()
    await asyncio.sleep(1)
    assert peer.got == b""
    assert here.loop.live_timers() == []
    assert not here.guests.connections
