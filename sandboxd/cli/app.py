"""All commands, as typer reads them. Each group of commands has a file of its own, loaded when it is used."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sandboxd import __version__
from sandboxd.cli import chaos_app, drill_app, living_app, nodes_app, states_app
from sandboxd.cli.options import Json, Name, World

app = typer.Typer(
    name="sandboxd",
    help="A local emulator of HashiCorp Vault: fixtures, provably fake secrets, and the real server's answers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit statuses: 0 done, 1 went wrong, 2 bad command line, 3 not running, 4 bad fixture, "
    "5 name or port taken, 6 (verify) not one of sandboxd's values, 7 (verify) one of them, and not valid now, "
    "8 (drill) something could not be run.",
)
fixtures_app = typer.Typer(
    help="Check, show and describe fixtures.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(fixtures_app, name="fixtures")
states_app.add_to(app)


class ProfileName(StrEnum):
    """Whose answers to give."""

    VAULT = "vault"
    OPENBAO = "openbao"


class Standbys(StrEnum):
    """What standbys do with what only the leader can."""

    FORWARD = "forward"
    REDIRECT = "redirect"


class Shell(StrEnum):
    """Who reads what `env` prints."""

    SH = "sh"
    FISH = "fish"
    POWERSHELL = "powershell"
    DOTENV = "dotenv"


Fixture = Annotated[Path, typer.Argument(help="A fixture file.", show_default=False)]


@app.command()
def up(
    fixture: Annotated[
        Path | None, typer.Argument(help="The fixture to fill it from; empty without one.", show_default=False)
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Run in the background; come back when ready.")
    ] = False,
    name: Name = "default",
    port: Annotated[int, typer.Option("--port", "-p", help="The port; 0 for any free one.", min=0, max=65535)] = 8200,
    host: Annotated[str, typer.Option(help="The loopback address to listen on.")] = "127.0.0.1",
    seed: Annotated[str, typer.Option(help="Makes every random value repeatable, tokens included.")] = "",
    profile: Annotated[
        ProfileName | None, typer.Option("--as", help="Whose answers to give; vault unless the fixture says otherwise.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep the state in this directory, beyond the process.", file_okay=False)
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Serve TLS, with a certificate made on the spot.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Have engines reach databases on this machine, not simulate them.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", help="Apply the fixture again when it is saved.")] = True,
    root_token: Annotated[
        str, typer.Option(help="The root token; a fresh one without.", envvar="VAULT_DEV_ROOT_TOKEN_ID")
    ] = "",
    max_worlds: Annotated[int, typer.Option(help="How many worlds there can be beside the main one.", min=0)] = 100,
    world_ttl: Annotated[
        str, typer.Option(help="End worlds that nobody has asked anything for so long, such as 10m; 0 for never.")
    ] = "0",
    chaos: Annotated[str, typer.Option(help="Begin with this outage: a scenario's name or file.")] = "",
    fault_header: Annotated[
        bool, typer.Option("--fault-header", help="Let requests ask for faults by X-Sandboxd-Fault.")
    ] = False,
    nodes: Annotated[int, typer.Option(help="How many nodes, on ports in a row, are one cluster.", min=1, max=9)] = 1,
    standbys: Annotated[Standbys, typer.Option(help="What nodes do that are not the leader.")] = Standbys.FORWARD,
    control_port: Annotated[
        int, typer.Option(help="The port of the control API alone; 0 for any free one.", min=0, max=65535)
    ] = 0,
    as_json: Json = False,
) -> None:
    """Start a sandbox."""
    from sandboxd.cli.up import Wish, start

    wish = Wish(
        fixture=fixture,
        name=name,
        port=port,
        host=host,
        seed=seed,
        profile=profile.value if profile is not None else "",
        data_dir=data_dir,
        tls=tls,
        live=live,
        chaos=chaos,
        fault_header=fault_header,
        control_port=control_port,
        nodes=nodes,
        standbys=standbys.value,
        watch=watch,
        root_token=root_token,
        max_worlds=max_worlds,
        world_ttl=world_ttl,
        json=as_json,
    )
    start(wish, detach=detach)


@app.command()
def down(
    name: Name = "default",
    everything: Annotated[bool, typer.Option("--all", "-a", help="Stop every sandbox.")] = False,
) -> None:
    """Stop a sandbox."""
    from sandboxd.cli import running

    running.down(name, everything=everything)


@app.command()
def status(
    name: Name = "default",
    everything: Annotated[bool, typer.Option("--all", "-a", help="List every sandbox.")] = False,
    world: World = None,
    as_json: Json = False,
) -> None:
    """Tell what a sandbox is and holds."""
    from sandboxd.cli import running

    running.status(name, world, everything=everything, as_json=as_json)


@app.command()
def logs(
    name: Name = "default",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what is added.")] = False,
) -> None:
    """Print what a detached sandbox has said."""
    from sandboxd.cli import running

    running.logs(name, follow=follow)


@app.command()
def reset(world: World = None, name: Name = "default", as_json: Json = False) -> None:
    """Go back to the state right after the fixture was applied, as fresh as it was then."""
    from sandboxd.cli import running

    running.reset(name, world=world, as_json=as_json)


@app.command()
def env(
    name: Name = "default",
    shell: Annotated[Shell | None, typer.Option("--shell", "-s", help="Who reads it; told from $SHELL.")] = None,
    world: World = None,
) -> None:
    """Print variables for a shell or a .env file."""
    from sandboxd.cli import running

    login = Path(os.environ.get("SHELL", "")).name
    chosen = shell.value if shell is not None else "fish" if login == "fish" else "sh"
    running.env(name, shell=chosen, world=world)


@app.command()
def verify(
    value: Annotated[str, typer.Argument(help="The value; - reads it from standard input.")],
    name: Name = "default",
    world: World = None,
    as_json: Json = False,
) -> None:
    """Tell whose a value is, and whether it is valid now (exit status 0; 6 not ours; 7 ours, and not valid)."""
    from sandboxd.cli import verify as verifying

    verifying.verify(value, name, world, as_json=as_json)


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []})
def server(context: typer.Context) -> None:
    """Start in place of `vault server`, with its flags."""
    from sandboxd.cli.server import main

    sys.exit(main(context.args))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"sandboxd v{__version__}")


living_app.add_to(app)
chaos_app.add_to(app)
drill_app.add_to(app)
nodes_app.add_to(app)


@fixtures_app.command("check")
def check(
    files: Annotated[list[Path], typer.Argument(help="Fixture files.", show_default=False)], as_json: Json = False
) -> None:
    """Check fixtures without starting anything."""
    from sandboxd.cli import fixtures

    fixtures.check(files, as_json=as_json)


@fixtures_app.command("schema")
def schema() -> None:
    """Print the JSON Schema that editors complete and check fixtures by."""
    from sandboxd.cli import fixtures

    fixtures.schema()


@fixtures_app.command("show")
def show(
    fixture: Fixture,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show the values themselves; all of them are fakes.")
    ] = False,
    seed: Annotated[str, typer.Option(help="The seed to show the values for.")] = "",
    as_json: Json = False,
) -> None:
    """Show what a fixture declares, and how to log in."""
    from sandboxd.cli import fixtures

    fixtures.show(fixture, reveal=reveal, seed=seed, as_json=as_json)
