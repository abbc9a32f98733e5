"""Moments in stored values: how a state that is taken up again stays as fresh as it was.

A sandbox goes back to an earlier state, and its clock may have gone on since. What had an hour to go then is to have an
hour to go again. So a stored value that ends at a moment has a method `later(by)`, which gives what it is when all
happens so many nanoseconds later: itself, when nothing of it ends. What merely tells when something happened has no
such method, and goes on telling the truth.
"""

from typing import TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


def postponed(value: T, by: int, *fields: str) -> T:
    """A value with some fields later. They hold moments in the unit of `by`; 0 stands for never, and stays."""
    moved = {name: moment + by for name in fields if (moment := getattr(value, name))}
    return msgspec.structs.replace(value, **moved) if moved else value
