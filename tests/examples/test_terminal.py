"""What is compared of a terminal, and what is not: the harness of the examples can fail."""

from __future__ import annotations

import pytest

from tests.examples.terminal import ctrl_c_heard, is_as_shown, on_terminal


@pytest.mark.parametrize(
    ("shown", "block"),
    [
        ("10:15:00 INFO     a took 1.5 seconds", "23:59:59 INFO     a took 0.1 seconds"),
        ("one\ntwo\nthree", "one\n...\nthree"),
        ("one and two", "one …"),
        ("one\n\n", "one"),
    ],
)
def test_times_and_durations_and_what_is_left_out_are_not_compared(shown: str, block: str):
    assert is_as_shown(shown, block)


@pytest.mark.parametrize(
    ("shown", "block"),
    [
        ("10:15:00 INFO     a took 1.5 seconds", "10:15:00 INFO     b took 1.5 seconds"),
        ("one\nthree", "one\n...\nthree"),
        ("one\ntwo\nthree", "one\nthree"),
        ("one\ntwo", "one …"),
        ("one (of 2)", "one (of 3)"),
    ],
)
def test_everything_else_is(shown: str, block: str):
    assert not is_as_shown(shown, block)


@pytest.mark.real
def test_ctrl_c_is_pressed_when_what_stands_above_it_has_been_printed():
    program = "try: print(1); print(2); time.sleep(9)\\nexcept KeyboardInterrupt: print(3)"
    command = f"""$ python -c "import time; exec('{program}')\""""
    block = f"{command}\n1\n2\n^C\n3\n$ echo $?\n0"
    with ctrl_c_heard():
        assert on_terminal(block) == block
