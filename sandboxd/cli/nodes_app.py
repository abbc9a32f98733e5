"""The commands about the nodes of a cluster, as typer reads them."""

from typing import Annotated

import typer

from sandboxd.cli.options import Json, Name

nodes_app = typer.Typer(
    help="The nodes of a cluster (sandboxd up --nodes 3): who leads, and who is away.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Node = Annotated[str, typer.Argument(help="A node, such as node-2.", metavar="NODE", show_default=False)]


@nodes_app.command("list")
def list_(name: Name = "default", as_json: Json = False) -> None:
    """List the nodes."""
    from sandboxd.cli import nodes

    nodes.show(name, as_json=as_json)


@nodes_app.command()
def elect(
    node: Annotated[
        str, typer.Argument(help="Who wins; the next in turn without.", metavar="[NODE]", show_default=False)
    ] = "",
    lasts: Annotated[str, typer.Option("--for", help="How long there is no leader, such as 5s.")] = "0",
    name: Name = "default",
    as_json: Json = False,
) -> None:
    """Have an election."""
    from sandboxd.cli import nodes

    nodes.elect(node, lasts, name, as_json=as_json)


@nodes_app.command()
def stop(node: Node, name: Name = "default", as_json: Json = False) -> None:
    """End a node's process: its port refuses."""
    from sandboxd.cli import nodes

    nodes.change(node, "stop", name, as_json=as_json)


@nodes_app.command()
def start(node: Node, name: Name = "default", as_json: Json = False) -> None:
    """Start a node's process again."""
    from sandboxd.cli import nodes

    nodes.change(node, "start", name, as_json=as_json)


@nodes_app.command()
def isolate(node: Node, name: Name = "default", as_json: Json = False) -> None:
    """Cut a node off from the others; clients still reach it."""
    from sandboxd.cli import nodes

    nodes.change(node, "isolate", name, as_json=as_json)


@nodes_app.command()
def join(node: Node, name: Name = "default", as_json: Json = False) -> None:
    """Have a node reach the others again, also one that was removed."""
    from sandboxd.cli import nodes

    nodes.change(node, "join", name, as_json=as_json)


@nodes_app.command()
def remove(node: Node, name: Name = "default", as_json: Json = False) -> None:
    """Take a node out of the cluster."""
    from sandboxd.cli import nodes

    nodes.change(node, "remove", name, as_json=as_json)


@nodes_app.command()
def seal(node: Node, name: Name = "default", as_json: Json = False) -> None:
    """Seal one node."""
    from sandboxd.cli import nodes

    nodes.change(node, "seal", name, as_json=as_json)


@nodes_app.command()
def unseal(node: Node, name: Name = "default", as_json: Json = False) -> None:
    """Open one node, without its key."""
    from sandboxd.cli import nodes

    nodes.change(node, "unseal", name, as_json=as_json)


@nodes_app.command()
def calm(name: Name = "default", as_json: Json = False) -> None:
    """Bring all nodes back."""
    from sandboxd.cli import nodes

    nodes.calm(name, as_json=as_json)


def add_to(app: typer.Typer) -> None:
    """Give an app these commands."""
    app.add_typer(nodes_app, name="nodes")
