"""Datagrams to the service manager: what arrives, in which order, and what is done if none can."""

from __future__ import annotations

import logging
import socket

import pytest

from fluid.runtime.onlookers.notify import Notifier, is_known
from tests.runtime.playing import said_by_the_runtime
from tests.runtime.service_manager import Manager

pytestmark = pytest.mark.real


@pytest.fixture
def manager(tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.socket.close()


@pytest.fixture
def notifier(manager):
    notifier = Notifier(manager.address)
    yield notifier
    notifier.close()


def fill(notifier):
    """Sends until the manager has room for no more, and returns how many datagrams that took."""
    count = 0
    while notifier.send_or_drop(f"FILL={count}"):
        count += 1
    return count


# --- what arrives --------------------------------------------------------------------------------


def test_the_lines_of_a_message_are_one_datagram(manager, notifier):
    """H08"""
    notifier.send("READY=1", "STATUS=ready")
    notifier.send("STOPPING=1")
    assert manager.heard() == ["READY=1\nSTATUS=ready", "STOPPING=1"]


def test_an_abstract_socket_is_written_with_an_at_sign():
    """H08"""
    manager = Manager("\0fluid/tests/notify")
    notifier = Notifier("@fluid/tests/notify")
    notifier.send("READY=1")
    assert manager.heard() == ["READY=1"]
    notifier.close()
    manager.socket.close()


@pytest.mark.parametrize(
    "address", ["", "@", "/", "vsock:2:1234", "run/notify", "vsock-stream:2:1"]
)
def test_a_socket_of_another_kind_is_not_known(address):
    """H08"""
    assert not is_known(address)


@pytest.mark.parametrize("address", ["/run/systemd/notify", "@notify"])
def test_a_socket_of_the_file_system_and_an_abstract_one_are_known(address):
    """H08"""
    assert is_known(address)


def test_text_that_is_no_unicode_is_sent_all_the_same(manager, notifier):
    notifier.send("STATUS=\udcff is ready")
    assert manager.heard() == ["STATUS=\\udcff is ready"]


# --- a manager that has no room ------------------------------------------------------------------


def test_a_message_that_finds_no_room_comes_with_the_next_occasion(manager, notifier):
    """H08"""
    fill(notifier)
    notifier.send("READY=1")
    assert "READY=1" not in manager.heard()
    notifier.flush()
    notifier.flush()
    assert manager.heard() == ["READY=1"]


def test_messages_that_were_kept_come_in_their_order_and_before_later_ones(manager, notifier):
    """H08"""
    fill(notifier)
    for word in ("READY=1", "RELOADING=1"):
        notifier.send(word)
    manager.heard()
    notifier.send("STOPPING=1")
    assert manager.heard() == ["READY=1", "RELOADING=1", "STOPPING=1"]


def test_of_several_kept_messages_of_a_kind_the_last_one_comes(manager, notifier):
    fill(notifier)
    for number in range(1000):
        notifier.send("RELOADING=1", f"MONOTONIC_USEC={number}")
        notifier.send("READY=1")
        notifier.send(f"STATUS={number}")
    manager.heard()
    notifier.flush()
    assert manager.heard() == ["RELOADING=1\nMONOTONIC_USEC=999", "READY=1", "STATUS=999"]


def test_a_kept_message_that_is_said_again_comes_after_what_was_said_between(manager, notifier):
    """H08"""
    fill(notifier)
    for word in ("READY=1", "RELOADING=1", "READY=1"):
        notifier.send(word)
    manager.heard()
    notifier.flush()
    assert manager.heard() == ["RELOADING=1", "READY=1"]


def test_a_message_that_may_be_dropped_does_not_overtake_a_kept_one(manager, notifier):
    """H09"""
    fill(notifier)
    notifier.send("READY=1")
    manager.heard()
    assert notifier.send_or_drop("WATCHDOG=1")
    assert manager.heard() == ["READY=1", "WATCHDOG=1"]


def test_a_message_that_is_of_no_use_later_is_dropped_and_that_is_told(manager, notifier):
    fill(notifier)
    assert not notifier.send_or_drop("WATCHDOG=1")
    manager.heard()
    assert notifier.send_or_drop("WATCHDOG=1")
    assert manager.heard() == ["WATCHDOG=1"]


def test_no_room_is_no_reason_for_a_warning(notifier, caplog):
    fill(notifier)
    notifier.send("READY=1")
    assert said_by_the_runtime(caplog) == []


# --- a manager that is not there -----------------------------------------------------------------


def nobody(tmp_path):
    return str(tmp_path / "nobody")


def no_socket(tmp_path):
    (tmp_path / "file").write_text("")
    return str(tmp_path / "file")


def too_long(tmp_path):
    return f"/{'x' * 200}"


def a_stream(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.bind(str(tmp_path / "stream"))
    return str(tmp_path / "stream")


@pytest.mark.parametrize("address", [nobody, no_socket, too_long, a_stream])
def test_a_manager_that_cannot_be_reached_costs_one_warning(tmp_path, caplog, address):
    """H08"""
    notifier = Notifier(address(tmp_path))
    for _ in range(3):
        notifier.send("READY=1")
        assert not notifier.send_or_drop("WATCHDOG=1")
    notifier.close()
    (line,) = said_by_the_runtime(caplog)
    assert line.startswith("systemd does not hear of this process: NOTIFY_SOCKET is /")
    assert line.endswith(")")


def test_a_manager_that_comes_back_hears_what_it_has_missed(tmp_path, caplog):
    """H08"""
    address = str(tmp_path / "notify")
    notifier = Notifier(address)
    notifier.send("READY=1")
    manager = Manager(address)
    notifier.send("STATUS=ready")
    assert manager.heard() == ["READY=1", "STATUS=ready"]
    notifier.close()
    manager.socket.close()


def test_the_warning_cannot_forge_a_line(caplog):
    caplog.set_level(logging.WARNING, "fluid.runtime")
    notifier = Notifier("/\nINFO all is well")
    notifier.send("READY=1")
    notifier.close()
    (line,) = said_by_the_runtime(caplog)
    assert line.isprintable()


def test_a_broken_log_hurts_nobody_here(tmp_path, monkeypatch, capsys):
    def fail(*_, **__):
        raise OSError("no log")

    monkeypatch.setattr("fluid.runtime.onlookers.notify.logger.warning", fail)
    notifier = Notifier(nobody(tmp_path))
    notifier.send("READY=1")
    notifier.close()
    assert "OSError: no log" in capsys.readouterr().err


def test_nothing_is_sent_after_the_end(manager, caplog):
    notifier = Notifier(manager.address)
    fill(notifier)
    notifier.send("READY=1")
    manager.heard()
    notifier.close()
    notifier.send("STOPPING=1")
    notifier.flush()
    notifier.close()
    assert manager.heard() == []
    assert said_by_the_runtime(caplog) == []
