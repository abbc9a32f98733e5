"""Options that many commands take."""

from typing import Annotated

import typer

Name = Annotated[str, typer.Option("--name", "-n", help="Which sandbox, where there are several.", show_default=True)]
World = Annotated[
    str | None,
    typer.Option("--world", "-w", envvar="SANDBOXD_WORLD", help="A world beside the main one.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def seconds_of(text: str, option: str) -> float:
    """The seconds of a duration on the command line. Stops for what is none, or less than nothing."""
    from sandboxd.cli.output import USAGE, stop
    from sandboxd.vault.clock import NANOSECONDS
    from sandboxd.vault.durations import parse_nanoseconds

    try:
        found = parse_nanoseconds(text) / NANOSECONDS
    except ValueError as error:
        stop(f"{option} is no duration: {error}", USAGE)
    if found < 0:
        stop(f"{option} is less than nothing", USAGE)
    return found


def fresh_seed() -> str:
    """A seed where none was given."""
    from sandboxd.vault.entropy import Entropy

    return Entropy().text(8)
