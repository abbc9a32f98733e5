"""How long a lease or token lasts, from what the caller, the engine, the mount and the system say."""

from typing import NamedTuple

from sandboxd.vault.durations import format_duration


class Bounds(NamedTuple):
    """What a mount allows, in seconds."""

    default_ttl: int
    max_ttl: int


def human(seconds: int) -> str:
    """A duration without its zero parts, as the real server words it in warnings ("1h", not "1h0m0s")."""
    if seconds == 0:
        return "0s"
    text = format_duration(seconds)
    text = text.removesuffix("0s") if text.endswith("m0s") else text
    if "h0m" in text:
        at = text.index("h0m")
        text = text[: at + 1] + text[at + 3 :]
    return text


def calculate_ttl(
    bounds: Bounds,
    *,
    now: int,
    increment: int = 0,
    ttl: int = 0,
    period: int = 0,
    max_ttl: int = 0,
    explicit_max_ttl: int = 0,
    start: int = 0,
) -> tuple[int, list[str]]:
    """The seconds that a lease lasts from `now` on, and warnings where a cap was hit.

    All values are in seconds, `now` and `start` (when the lease began; 0 for now) since 1970. Raises ValueError when
    the lease is past its maximum.

    Source: OpenBao's lease framework; the texts are the real server's.
    """
    start = start or now
    limit = min(value for value in (bounds.max_ttl, max_ttl, explicit_max_ttl) if value > 0)
    warnings: list[str] = []
    end = 0
    if period > 0:
        if period > limit:
            warnings.append(
                f'period of "{human(period)}" exceeded the effective max_ttl of "{human(limit)}"; '
                "period value is capped accordingly"
            )
            period = limit
        granted = period
        if explicit_max_ttl > 0:
            end = start + explicit_max_ttl
    else:
        granted = increment if increment > 0 else ttl if ttl > 0 else bounds.default_ttl
        end = start + limit
    if end:
        left = end - now
        if left <= 0:
            raise ValueError("past the max TTL, cannot renew")
        if granted > left:
            warnings.append(
                f'TTL of "{human(granted)}" exceeded the effective max_ttl of "{human(left)}"; '
                "TTL value is capped accordingly"
            )
            granted = left
    return granted, warnings
