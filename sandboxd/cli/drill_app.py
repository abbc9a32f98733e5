"""The command `drill`, as typer reads it."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

REST = "sandboxd.drill.command"


class Split(TyperCommand):
    """Takes what follows the first `--` for the command to be run, whatever it looks like."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words in front of `--`."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[REST] = tuple(args[at + 1 :])
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What the usage says after the name."""
        return [*super().collect_usage_pieces(ctx), "-- COMMAND..."]


Patterns = list[str] | None


def drill(
    context: typer.Context,
    scenarios: Annotated[
        Patterns,
        typer.Argument(
            help="Names, globs such as 'tls-*', tags as in tag:network, or files; all that there are without.",
            metavar="SCENARIO",
            show_default=False,
        ),
    ] = None,
    only: Annotated[Patterns, typer.Option("--only", help="Of these, only those that fit too.")] = None,
    except_: Annotated[Patterns, typer.Option("--except", help="Leave out those that fit.")] = None,
    show: Annotated[bool, typer.Option("--list", "-l", help="List the scenarios, and run nothing.")] = False,
    health: Annotated[
        str,
        typer.Option(
            help="A URL of the app that tells whether it is well (status below 300), asked twice a second; {port} "
            "stands for a free port, which the app gets as PORT."
        ),
    ] = "",
    tests: Annotated[
        bool,
        typer.Option("--tests", help="The command is a test suite: it ends by itself, and its exit status counts."),
    ] = False,
    fixture: Annotated[
        Path | None, typer.Option("--fixture", "-f", help="What to fill each sandbox from; a small one of its own.")
    ] = None,
    profile: Annotated[
        Literal["vault", "openbao"] | None,
        typer.Option("--as", help="Whose answers to give; vault unless the fixture says otherwise."),
    ] = None,
    role: Annotated[
        str, typer.Option(help="The AppRole role that the app gets the IDs and policies of; the first one without.")
    ] = "",
    policy: Annotated[
        Patterns, typer.Option("--policy", help="A policy of the app's token, rather than those of the role.")
    ] = None,
    root: Annotated[bool, typer.Option("--root", help="Give the app a root token.")] = False,
    ready: Annotated[float, typer.Option(help="Seconds that the app may take to be well.", min=0.1)] = 30.0,
    calm: Annotated[float, typer.Option(help="Seconds of calm before each outage.", min=0)] = 3.0,
    patience: Annotated[float, typer.Option(help="Seconds that tests may go on after the outage.", min=0)] = 300.0,
    stretch: Annotated[
        float, typer.Option(help="Have the phases of all scenarios last so many times as long.", min=0.001)
    ] = 1.0,
    seed: Annotated[str, typer.Option(help="Makes chance and random values repeatable.")] = "",
    threshold: Annotated[
        Literal["A", "B", "C", "D", "F"],
        typer.Option(help="The exit status is 1 when a scenario is graded worse than this."),
    ] = "D",
    monkey: Annotated[
        int, typer.Option(help="Run so many random outages (with scenarios named, beside them).", min=0, max=1000)
    ] = 0,
    monkey_for: Annotated[str, typer.Option("--monkey-for", help="About how long each random outage lasts.")] = "15s",
    tries: Annotated[
        int,
        typer.Option(
            help="How often to try for the smallest part of a random outage that is still graded worse than "
            "--threshold.",
            min=0,
            max=1000,
        ),
    ] = 20,
    html: Annotated[Path | None, typer.Option(help="Write the report as one HTML page.", dir_okay=False)] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the report as JUnit XML.", dir_okay=False)] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write all of it as JSON.", dir_okay=False)] = None,
    logs: Annotated[
        Path | None, typer.Option(help="Keep what the app says here; a fresh folder without.", file_okay=False)
    ] = None,
) -> None:
    """Run an app under outages, and grade how it takes them.

    For each scenario a fresh sandbox is started, then COMMAND, which finds it in VAULT_ADDR and VAULT_TOKEN, and how to
    log in in SANDBOXD_ROLE_ID and SANDBOXD_SECRET_ID. When the app is well (by its health URL, or by its first request
    that succeeds), the outage begins; after it the app is watched until all is well again. Grades are A to F; that of
    the whole drill is the worst of them.

    With --monkey, random outages are tried. One that the app takes badly is made smaller for as long as the app still
    takes it badly; what is left is written to a file, to be run again and kept.

    Exit statuses: 0 all good, 1 a scenario is worse than --threshold, 8 something could not be run, 130 interrupted.
    """
    from sandboxd.cli.drill import Order, run

    run(
        Order(
            command=context.meta[REST],
            scenarios=tuple(scenarios or ()),
            only=tuple(only or ()),
            without=tuple(except_ or ()),
            show=show,
            health=health,
            tests=tests,
            fixture=fixture,
            profile=profile,
            role=role,
            policies=tuple(policy or ()),
            root=root,
            ready=ready,
            calm=calm,
            patience=patience,
            stretch=stretch,
            seed=seed,
            threshold=threshold,
            monkey=monkey,
            monkey_for=monkey_for,
            tries=tries,
            html=html,
            junit=junit,
            json=json,
            logs=logs,
        )
    )


def add_to(app: typer.Typer) -> None:
    """Give an app this command."""
    app.command("drill", cls=Split)(drill)
