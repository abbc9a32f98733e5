"""The clock: the only place that asks the operating system for the time.

A clock can be frozen, moved, sped up and resumed, so that an hour's lease can be watched expiring in a test that takes
no time. Moments are nanoseconds since 1970 (`int`), as precise as the real server's time stamps; `now()` gives
seconds.
"""

import time
from collections.abc import Callable

import msgspec

NANOSECONDS = 1_000_000_000


class ClockState(msgspec.Struct, frozen=True):
    """How a clock was moved: at the real moment `origin` it showed `start`; `scale` seconds pass in a real one.

    Moments are nanoseconds since 1970.
    """

    origin: int
    start: int
    scale: float


class Clock:
    """A movable clock over a source of real time.

    Args:
        source: gives nanoseconds since 1970; the operating system's clock by default.
    """

    def __init__(self, source: Callable[[], int] = time.time_ns) -> None:
        self._source = self._true = source
        self._origin = 0  # the real moment at which `_start` was set
        self._start = 0  # the virtual moment that belongs to `_origin`
        self._scale = 1.0
        self._moved = False

    def beside(self) -> "Clock":
        """Another clock over the same real time, which nobody has moved."""
        return Clock(self._source)

    def now_ns(self) -> int:
        """The moment, in nanoseconds since 1970."""
        if not self._moved:
            return self._source()
        return self._start + int((self._source() - self._origin) * self._scale)

    def now(self) -> float:
        """The moment, in seconds since 1970."""
        return self.now_ns() / NANOSECONDS

    @property
    def scale(self) -> float:
        """How many seconds pass here in one real second; 0 when frozen."""
        return self._scale

    @property
    def offset(self) -> float:
        """Seconds by which this clock is ahead of real time."""
        return (self.now_ns() - self._source()) / NANOSECONDS

    def real_ns(self) -> int:
        """The real moment, in nanoseconds since 1970."""
        return self._source()

    def advance(self, seconds: float) -> None:
        """Move forward by so many seconds. Raises ValueError for a negative number: expired things stay expired."""
        if seconds < 0:
            raise ValueError("time only moves forward")
        self.set(self.now_ns() + int(seconds * NANOSECONDS), self._scale)

    def freeze(self) -> None:
        """Stop the clock at the present moment."""
        self.set(self.now_ns(), 0.0)

    def run(self, scale: float = 1.0) -> None:
        """Let time pass from the present moment on, `scale` seconds in a real one."""
        if scale <= 0:
            raise ValueError("a running clock needs a scale above 0")
        self.set(self.now_ns(), scale)

    def resume(self) -> None:
        """Go back to real time."""
        self._scale, self._moved = 1.0, False

    def skew(self, by: int) -> None:
        """Be wrong by so many nanoseconds until told otherwise; 0 for being right again. Real time is wrong as well."""
        true = self._true
        self._source = (lambda: true() + by) if by else true

    def set(self, moment: int, scale: float) -> None:
        """Show a moment (nanoseconds since 1970), and let time pass from there, `scale` seconds in a real one."""
        self._origin, self._start, self._scale, self._moved = self._source(), moment, scale, True

    @property
    def state(self) -> ClockState:
        """How it was moved, to be kept."""
        return ClockState(self._origin, self._start, self._scale)

    def restore(self, state: ClockState) -> None:
        """Go on as it was kept."""
        self._origin, self._start, self._scale, self._moved = state.origin, state.start, state.scale, True

    def real_seconds_until(self, moment: int) -> float:
        """The real seconds to a moment (nanoseconds since 1970), 0 for a past one; endless when the clock stands."""
        left = max(0, moment - self.now_ns()) / NANOSECONDS
        return left / self._scale if self._scale else float("inf") if left else 0.0
