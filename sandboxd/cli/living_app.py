"""The commands about what changes by itself, as typer reads them: time, rotation, events."""

from typing import Annotated

import typer

from sandboxd.cli.options import Json, Name, World

time_app = typer.Typer(
    help="Tell the sandbox's time, and move it.",
    rich_markup_mode=None,
    invoke_without_command=True,
)


@time_app.callback()
def time(context: typer.Context, world: World = None, name: Name = "default", as_json: Json = False) -> None:
    """Tell the sandbox's time, and move it."""
    command = context.invoked_subcommand
    if command is None:
        now(world, name, as_json=as_json)
        return
    for option in ("world", "name", "as_json"):
        source = context.get_parameter_source(option)
        if source is not None and source.name == "COMMANDLINE":
            # Its own options would win with their defaults, and the wrong clock be moved.
            context.fail(
                f"options go behind the command, as in: sandboxd time {command} --{option.removeprefix('as_')}"
            )


@time_app.command()
def now(world: World = None, name: Name = "default", as_json: Json = False) -> None:
    """Tell where the clock stands, and what comes next."""
    from sandboxd.cli import time as commands

    commands.now(name, world, as_json=as_json)


@time_app.command()
def freeze(world: World = None, name: Name = "default", as_json: Json = False) -> None:
    """Stop the clock."""
    from sandboxd.cli import time as commands

    commands.change(name, world, "freeze", as_json=as_json)


@time_app.command()
def resume(world: World = None, name: Name = "default", as_json: Json = False) -> None:
    """Let time pass as fast as real time again, from where the clock stands."""
    from sandboxd.cli import time as commands

    commands.change(name, world, "resume", as_json=as_json)


@time_app.command()
def advance(
    duration: Annotated[str, typer.Argument(help="Seconds, or a duration such as 90s, 1h30m or 30d.")],
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Move the clock forward: leases expire, tokens die, rotations happen, in order."""
    from sandboxd.cli import time as commands

    commands.change(name, world, "advance", duration, as_json=as_json)


@time_app.command()
def scale(
    factor: Annotated[str, typer.Argument(help="How many seconds pass in a real one, such as 60.")],
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Let time pass faster, or slower."""
    from sandboxd.cli import time as commands

    commands.change(name, world, "scale", factor, as_json=as_json)


@time_app.command()
def at(
    moment: Annotated[str, typer.Argument(help="Such as 2027-06-30, 2027-06-30T09:00 (UTC), or RFC 3339.")],
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Move the clock forward to a moment, as advance does."""
    from sandboxd.cli import time as commands

    commands.change(name, world, "at", moment, as_json=as_json)


def rotate(
    path: Annotated[str, typer.Argument(help="Such as secret/prod/db, or database/static-roles/app.")],
    namespace: Annotated[str, typer.Option(help="The namespace that it is in.")] = "",
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Rotate a secret, a static role or a root credential now."""
    from sandboxd.cli import rotation

    rotation.rotate(path, namespace, name, world, as_json=as_json)


def rotation(
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Also what neither rotates nor ends, and nobody uses an old version of.")
    ] = False,
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Show what rotates or ends, and who still uses an old version."""
    from sandboxd.cli import rotation

    rotation.show(name, world, everything=everything, as_json=as_json)


def events(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what happens.")] = False,
    kinds: Annotated[
        list[str] | None, typer.Option("--kind", "-k", help="Only of this kind, or family (lease., rotation.).")
    ] = None,
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Print what time and rotation brought about."""
    from sandboxd.cli import rotation

    rotation.events(name, world, follow=follow, kinds=kinds or [], as_json=as_json)


def add_to(app: typer.Typer) -> None:
    """Give an app these commands."""
    app.add_typer(time_app, name="time")
    for command in (rotate, rotation, events):
        app.command()(command)
