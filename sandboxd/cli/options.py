"""Options that many commands take."""

from typing import Annotated

import typer

Name = Annotated[str, typer.Option("--name", "-n", help="Which sandbox, where there are several.", show_default=True)]
World = Annotated[
    str | None,
    typer.Option("--world", "-w", envvar="SANDBOXD_WORLD", help="A world beside the main one.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
