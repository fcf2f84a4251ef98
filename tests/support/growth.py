"""How the time of a call grows with its input, so that a test can tell a line from a square on a loaded machine."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_TIMES_AS_LONG = 16
_MOST = 5 * _TIMES_AS_LONG  # a square would be 16 * 16
_ATTEMPTS = 5


def assert_linear(act: Callable[[T], object], make: Callable[[int], T], size: int) -> None:
    """Hold that an input sixteen times as long takes at most some five times sixteen times the CPU.

    What is measured is the best of several attempts, of this process's CPU alone.
    """
    short, long = make(size), make(size * _TIMES_AS_LONG)
    act(short)
    for _ in range(_ATTEMPTS):
        few, many = min(_seconds(act, short) for _ in range(3)), _seconds(act, long)
        if many <= _MOST * max(few, 20e-6):
            return
    raise AssertionError(f"{size} of it took {few:.6f} s, {size * _TIMES_AS_LONG} took {many:.6f} s")


def _seconds(act: Callable[[T], object], value: T) -> float:
    began = time.process_time()
    act(value)
    return time.process_time() - began
