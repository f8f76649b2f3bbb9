"""A thread that must not wait has things said by another, which may."""

from __future__ import annotations

import threading

import pytest

from fluid.runtime.voice import Voice

pytestmark = pytest.mark.real


def refuse(_):
    raise RuntimeError("can't start new thread")


def test_what_is_said_is_said_in_another_thread():
    speakers = []
    Voice().say_within(30.0, lambda: speakers.append(threading.current_thread().name))
    assert speakers == ["fluid.voice"]


def test_somebody_who_is_stuck_holds_up_nobody_for_longer_than_that():
    go, said = threading.Event(), threading.Event()

    def speak():
        go.wait()
        said.set()

    Voice().say_within(0.01, speak)
    assert not said.is_set()
    go.set()
    assert said.wait(30)


def test_what_comes_while_it_speaks_is_dropped_and_what_comes_after_is_said():
    voice, go, said = Voice(), threading.Event(), []
    voice.say(lambda: (go.wait(), said.append(1)))
    for _ in range(100):
        voice.say(lambda: said.append(2))
    go.set()
    assert voice._thread is not None
    voice._thread.join()
    voice.say(lambda: said.append(3))
    voice._thread.join()
    assert said == [1, 3]


def test_the_last_words_are_said_although_somebody_else_is_stuck():
    voice, go, said = Voice(), threading.Event(), []
    voice.say(lambda: go.wait())
    voice.say_within(30.0, lambda: said.append("last"))
    go.set()
    assert said == ["last"]


def test_an_error_of_what_is_said_is_nobodys_business():
    def fail():
        raise OSError("no space left on device")

    voice = Voice()
    voice.say_within(30.0, fail)
    voice.say_within(30.0, fail)


def test_a_thread_that_stands_by_speaks_where_no_other_can_begin(monkeypatch):
    voice, said = Voice(), []
    voice.stand_by()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    voice.say_within(30.0, lambda: said.append("last"))
    assert said == ["last"]


def test_where_there_can_be_no_more_threads_nothing_is_said(monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", refuse)
    voice = Voice()
    voice.say(lambda: None)
    voice.say_within(30.0, lambda: None)
