"""The commands about states, as typer reads them: snapshots, and worlds beside the main one."""

from typing import Annotated

import typer

from sandboxd.cli.options import Json, Name, World

snapshot_app = typer.Typer(
    help="Keep states of the sandbox by name, go back to them, and compare them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Names of their own: baseline is the state right after the fixture was applied, now the present one.",
)
world_app = typer.Typer(
    help="Worlds beside the main one, each a whole sandbox of its own: one for each test, so that none meet.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Snapshot = Annotated[str, typer.Argument(help="What the snapshot is called.", show_default=False)]


@snapshot_app.command("save")
def save(
    snapshot: Snapshot,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace one of that name.")] = False,
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Keep the state as it is now: secrets, tokens, leases, policies, and where the clock stands."""
    from sandboxd.cli import snapshots

    snapshots.save(snapshot, name, world, force=force, as_json=as_json)


@snapshot_app.command("restore")
def restore(snapshot: Snapshot, world: World = None, name: Name = "default", as_json: Json = False) -> None:
    """Go back to a snapshot. What had an hour to go then has an hour to go again; the root token stays."""
    from sandboxd.cli import snapshots

    snapshots.restore(snapshot, name, world, as_json=as_json)


@snapshot_app.command("list")
def list_snapshots(world: World = None, name: Name = "default", as_json: Json = False) -> None:
    """Show all snapshots, the oldest first."""
    from sandboxd.cli import snapshots

    snapshots.show(name, world, as_json=as_json)


@snapshot_app.command("delete")
def delete(snapshot: Snapshot, world: World = None, name: Name = "default", as_json: Json = False) -> None:
    """Forget a snapshot."""
    from sandboxd.cli import snapshots

    snapshots.delete(snapshot, name, world, as_json=as_json)


@snapshot_app.command("diff")
def diff(
    snapshot: Snapshot,
    other: Annotated[str, typer.Argument(help="What to compare it with; the present state without.")] = "now",
    world: World = None,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Show what was added (+), changed (~) and removed (-) from one state to another: names, never values."""
    from sandboxd.cli import snapshots

    snapshots.diff(snapshot, other, name, world, as_json=as_json)


@world_app.command("new")
def new(
    world: Annotated[str, typer.Argument(help="What to call it; a name is made up without.")] = "",
    source: Annotated[
        str, typer.Option("--from", help="A snapshot to start from, or now for the present state of the main world.")
    ] = "baseline",
    ttl: Annotated[
        str, typer.Option(help="End it when nobody has asked it anything for so long, such as 10m; 0 for never.")
    ] = "",
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Make a world: as the sandbox was right after its fixture was applied, or as a snapshot has it."""
    from sandboxd.cli import worlds

    worlds.new(world, source, ttl, name, as_json=as_json)


@world_app.command("list")
def list_worlds(name: Name = "default", as_json: Json = False) -> None:
    """Show all worlds beside the main one."""
    from sandboxd.cli import worlds

    worlds.show(name, as_json=as_json)


@world_app.command("end")
def end(
    worlds: Annotated[list[str] | None, typer.Argument(help="Which ones.", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", "-a", help="All of them.")] = False,
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """End worlds; nothing of them is left."""
    from sandboxd.cli import worlds as commands

    commands.end(worlds or [], name, everything=everything, as_json=as_json)


def add_to(app: typer.Typer) -> None:
    """Give an app these commands."""
    app.add_typer(snapshot_app, name="snapshot")
    app.add_typer(world_app, name="world")
