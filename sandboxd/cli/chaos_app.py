"""The commands about outages, as typer reads them."""

from pathlib import Path
from typing import Annotated

import typer

from sandboxd.cli.options import Json, Name, World

chaos_app = typer.Typer(
    help="Break things on cue: faults, and scenarios of them.", no_args_is_help=True, rich_markup_mode=None
)

What = Annotated[
    str, typer.Argument(help="A fault, a scenario, or a file with one.", metavar="NAME", show_default=False)
]
Words = Annotated[
    list[str] | None,
    typer.Argument(
        help="What the fault takes, as in delay=2s path=secret/*; for a scenario, another aim for all of its faults.",
        metavar="[KEY=VALUE]...",
        show_default=False,
    ),
]
Seed = Annotated[str, typer.Option(help="What chance is drawn from; another one each time without.")]


@chaos_app.command("list")
def list_(
    faults: Annotated[bool, typer.Option("--faults", "-f", help="The kinds of faults, not the scenarios.")] = False,
    tag: Annotated[str, typer.Option(help="Only scenarios with this tag.")] = "",
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """List the scenarios, or the faults, that there are."""
    from sandboxd.cli import chaos

    chaos.catalogue(name, world, faults=faults, tag=tag, as_json=as_json)


@chaos_app.command()
def show(what: What, world: World = None, name: Name = "default") -> None:
    """Show a scenario's page, or what a fault takes."""
    from sandboxd.cli import chaos

    chaos.show(what, name, world)


@chaos_app.command()
def start(
    what: What,
    words: Words = None,
    lasts: Annotated[str, typer.Option("--for", help="End by itself after so long, such as 30s.")] = "",
    seed: Seed = "",
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Begin with a fault or a scenario, and come back."""
    from sandboxd.cli import chaos

    chaos.start(what, words or [], lasts, seed, name, world, as_json=as_json)


@chaos_app.command()
def run(
    what: What,
    words: Words = None,
    seed: Seed = "",
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Run a scenario to its end, telling what happens; Ctrl-C ends it."""
    from sandboxd.cli import chaos

    chaos.run(what, words or [], seed, name, world, as_json=as_json)


@chaos_app.command()
def monkey(
    lasts: Annotated[str, typer.Option("--for", help="About how long, such as 30s.")] = "30s",
    seed: Annotated[str, typer.Option(help="What it is drawn from; another one each time without.")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write it as a scenario's file instead.", dir_okay=False)
    ] = None,
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Run a random outage to its end; the same seed gives the same one.

    To find which random outages break an app, and what of them does: `sandboxd drill --monkey 10 -- ./app`.
    """
    from sandboxd.cli import chaos

    chaos.monkey(lasts, seed, out, name, world, as_json=as_json)


@chaos_app.command()
def stop(
    which: Annotated[
        list[str] | None,
        typer.Argument(
            help="Faults and runs, by id, name or kind; all without.", metavar="[NAME]...", show_default=False
        ),
    ] = None,
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """End faults and scenarios, and undo what they changed."""
    from sandboxd.cli import chaos

    chaos.stop(which or [], name, world, as_json=as_json)


@chaos_app.command()
def status(
    strikes: Annotated[int, typer.Option(help="How many of the latest strikes to show.", min=0, max=10_000)] = 10,
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Tell what is going wrong, and what it has hit."""
    from sandboxd.cli import chaos

    chaos.status(strikes, name, world, as_json=as_json)


@chaos_app.command()
def replay(
    which: Annotated[str, typer.Argument(help="A run, by id; the latest without.", show_default=False)] = "",
    seed: Annotated[str, typer.Option(help="Draw chance anew from this seed, rather than strike as before.")] = "",
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Do a run again, striking the same requests the same way."""
    from sandboxd.cli import chaos

    chaos.replay(which, seed, name, world, as_json=as_json)


@chaos_app.command()
def header(
    switch: Annotated[str, typer.Argument(help="on or off.", metavar="on|off", show_default=False)],
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Let requests ask for faults of their own by X-Sandboxd-Fault, or no longer."""
    from sandboxd.cli import chaos

    chaos.header(switch, name, world, as_json=as_json)


def add_to(app: typer.Typer) -> None:
    """Give an app these commands."""
    app.add_typer(chaos_app, name="chaos")
