import msgspec

from sandboxd.vault.framework.moments import postponed


class Ends(msgspec.Struct, frozen=True):
    at: int = 0
    until: int = 0


def test_moments_are_later_and_never_stays_never():
    assert postponed(Ends(5, 0), 10, "at", "until") == Ends(15, 0)


def test_what_has_no_moment_is_left_alone():
    never = Ends()
    assert postponed(never, 10, "at", "until") is never
