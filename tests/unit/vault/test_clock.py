import pytest

from sandboxd.vault.clock import NANOSECONDS, Clock


class Real:
    """Real time, which a test moves."""

    def __init__(self) -> None:
        self.now = 1_000 * NANOSECONDS

    def __call__(self) -> int:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += int(seconds * NANOSECONDS)


@pytest.fixture
def real():
    return Real()


def test_left_alone_it_shows_real_time(real):
    clock = Clock(real)
    real.pass_by(5)
    assert clock.now_ns() == 1_005 * NANOSECONDS
    assert (clock.now(), clock.offset, clock.scale) == (1_005, 0, 1)


def test_it_is_precise_to_the_nanosecond(real):
    clock = Clock(real)
    real.now += 1
    assert clock.now_ns() == 1_000 * NANOSECONDS + 1


def test_moved_forward_it_stays_ahead(real):
    clock = Clock(real)
    clock.advance(60)
    real.pass_by(5)
    assert clock.now() == 1_065
    assert clock.offset == 60
    clock.advance(0.5)
    assert clock.now() == 1_065.5


def test_it_never_goes_back(real):
    clock = Clock(real)
    with pytest.raises(ValueError, match="only moves forward"):
        clock.advance(-1)


def test_frozen_it_stands_still_until_it_runs_again(real):
    clock = Clock(real)
    clock.freeze()
    real.pass_by(100)
    assert (clock.now(), clock.scale) == (1_000, 0)
    clock.advance(7)
    real.pass_by(100)
    assert clock.now() == 1_007
    clock.run()
    real.pass_by(3)
    assert clock.now() == 1_010


def test_sped_up_more_time_passes(real):
    clock = Clock(real)
    clock.run(60)
    real.pass_by(2)
    assert (clock.now(), clock.scale) == (1_120, 60)
    clock.run(0.5)
    real.pass_by(2)
    assert clock.now() == 1_121


@pytest.mark.parametrize("scale", [0, -1])
def test_a_running_clock_runs_forward(real, scale):
    with pytest.raises(ValueError, match="scale above 0"):
        Clock(real).run(scale)


def test_resumed_it_shows_real_time_again(real):
    clock = Clock(real)
    clock.advance(500)
    clock.freeze()
    clock.resume()
    real.pass_by(1)
    assert (clock.now(), clock.scale, clock.offset) == (1_001, 1, 0)
