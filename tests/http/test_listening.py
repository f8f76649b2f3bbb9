"""Where a server listens, and what is said where it cannot."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator

import pytest

from fluid import FluidValueError, WorkerStartError
from fluid.http import listening

pytestmark = pytest.mark.real


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


class Refused(socket.socket):
    """A socket that no address can be bound to, for a reason."""

    number = 0

    def bind(self, address) -> None:
        raise OSError(self.number, os.strerror(self.number))


@pytest.fixture
def refuse(monkeypatch):
    """Has the system refuse all addresses."""

    def refuse(number: int) -> None:
        monkeypatch.setattr(listening.socket, "socket", type("R", (Refused,), {"number": number}))

    return refuse


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
async def test_it_binds_and_does_not_accept_yet(host) -> None:
    sockets = await listening.bind(host, 0)
    ports = {sock.getsockname()[1] for sock in sockets}
    assert len(ports) == 1
    assert 0 not in ports
    for sock in sockets:
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        assert not sock.getblocking()
        assert not sock.get_inheritable()
        sock.close()


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6")
async def test_it_binds_addresses_of_ipv6() -> None:
    try:
        (sock,) = await listening.bind("::1", 0)
    except WorkerStartError:
        pytest.skip("there is no IPv6")
    assert sock.family == socket.AF_INET6
    sock.close()


async def test_port_in_use_is_told_in_one_line(taken) -> None:
    with pytest.raises(WorkerStartError) as raised:
        await listening.bind("127.0.0.1", taken)
    assert str(raised.value) == (
        f"cannot listen on 127.0.0.1:{taken}: the port is in use; choose another, or stop who has "
        f"it (ss -ltnp shows it)"
    )
    assert isinstance(raised.value.__cause__, OSError)


async def test_host_that_does_not_resolve_is_told_in_one_line(monkeypatch) -> None:
    async def nothing(*_):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(listening, "_places", nothing)
    told = "cannot listen on nowhere:80: the host cannot be resolved (.*Name or service not known)"
    with pytest.raises(WorkerStartError, match=told):
        await listening.bind("nowhere", 80)


async def test_host_that_cannot_even_be_asked_for_is_told_likewise() -> None:
    with pytest.raises(WorkerStartError, match="the host cannot be resolved"):
        await listening.bind("a" * 80 + ".b", 80)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.EACCES, "ports below 1024 need a privilege; choose another, 8080 for example"),
        (errno.EADDRNOTAVAIL, "no interface of this machine has that address"),
        (errno.EAFNOSUPPORT, "this machine knows no addresses of that kind"),
        (errno.EMFILE, "Too many open files"),
    ],
)
async def test_what_the_system_refuses_is_told_with_the_way_out(refuse, number, told) -> None:
    refuse(number)
    with pytest.raises(WorkerStartError, match=told):
        await listening.bind("127.0.0.1", 80)


async def test_address_that_does_not_exist_here_is_left_out_if_there_is_another(
    monkeypatch,
) -> None:
    places = [(socket.AF_INET, ("203.0.113.1", 0)), (socket.AF_INET, ("127.0.0.1", 0))]

    async def found(*_):
        return places

    monkeypatch.setattr(listening, "_places", found)
    (sock,) = await listening.bind("both", 0)
    assert sock.getsockname()[0] == "127.0.0.1"
    sock.close()


async def test_where_one_of_several_is_in_use_none_stays_bound(monkeypatch, taken) -> None:
    places = [(socket.AF_INET, (host, taken)) for host in ("127.0.0.2", "127.0.0.1")]

    async def found(*_):
        return places

    monkeypatch.setattr(listening, "_places", found)
    with pytest.raises(WorkerStartError, match="the port is in use"):
        await listening.bind("both", taken)
    with socket.create_server(("127.0.0.2", taken)):
        pass


NO_HOSTS = [None, "", " a", "a b", "[::1]", 5, "127.0.0.1:80", "/run/it.sock", "http://a"]


@pytest.mark.parametrize("host", NO_HOSTS)
def test_bad_host_is_refused(host) -> None:
    with pytest.raises(FluidValueError, match="host of worker 'w' is not a name or an address"):
        listening.check("worker 'w'", host, 80)


@pytest.mark.parametrize("port", [-1, 65536, "80", 8.0, True, None])
def test_bad_port_is_refused(port) -> None:
    with pytest.raises(FluidValueError, match="port of worker 'w' is not a whole number from 0"):
        listening.check("worker 'w'", "localhost", port)


@pytest.mark.parametrize("port", [0, 1, 65535])
def test_every_port_that_there_is_is_taken(port) -> None:
    listening.check("worker 'w'", "localhost", port)


@pytest.mark.parametrize(
    ("host", "told"), [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("a.b", "a.b:80")]
)
def test_address_is_told_as_in_a_url(host, told) -> None:
    assert listening.text(host, 80) == told
