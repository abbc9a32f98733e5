"""The `sandboxd` command."""

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["server"]:
        # Go's flags are not for typer to read, and a server is to be there without waiting for it to load.
        from sandboxd.cli.server import main as serve

        sys.exit(serve(sys.argv[2:]))
    if sys.argv[1:2] in (["version"], ["-version"], ["--version"], ["-v"]):
        from sandboxd import __version__

        print(f"sandboxd v{__version__}")
        return
    from sandboxd.cli.app import app

    try:
        app()
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
