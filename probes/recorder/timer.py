"""Ticks by timerfd on CLOCK_BOOTTIME: kept by the kernel, so that work never shifts the plan."""

import ctypes
import os
import time

TIMER_ABSOLUTE = 1


class _TimerSpec(ctypes.Structure):
    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class Ticks:
    """An endless plan of ticks 1, 2, 3..., readable when one is due; first at `first_us`.

    Python has timerfd only from 3.13 on, so libc is called. Raises OSError.
    """

    def __init__(self, first_us: int, rate_per_s: float) -> None:
        self._first_ns = first_us * 1000
        self._period_ns = round(1_000_000_000 / rate_per_s)
        libc = ctypes.CDLL(None, use_errno=True)
        flags = os.O_NONBLOCK | os.O_CLOEXEC
        self._descriptor: int = libc.timerfd_create(time.CLOCK_BOOTTIME, flags)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create on CLOCK_BOOTTIME failed")
        spec = _TimerSpec(
            *divmod(self._period_ns, 1_000_000_000), *divmod(self._first_ns, 1_000_000_000)
        )
        if libc.timerfd_settime(self._descriptor, TIMER_ABSOLUTE, ctypes.byref(spec), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")

    def fileno(self) -> int:
        """The descriptor to watch."""
        return self._descriptor

    def rest(self) -> None:
        """Take note of the expiry, so that the descriptor is quiet until the next one."""
        try:
            os.read(self._descriptor, 8)
        except BlockingIOError:
            return  # woken although nothing expired: `due` decides, not the count

    def due(self, now_us: int) -> int:
        """The number of the newest tick whose time has come, 0 before the first."""
        return max(0, (now_us * 1000 - self._first_ns) // self._period_ns + 1)

    def scheduled_us(self, tick: int) -> int:
        """When a tick is planned, computed from the first so that no error adds up."""
        return (self._first_ns + (tick - 1) * self._period_ns) // 1000

    def close(self) -> None:
        """No tick comes any more."""
        os.close(self._descriptor)
