"""The `sandboxd` command. Each group of commands has a file of its own, loaded when it is used."""

import sys


def main() -> None:
    """Run the command line."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["server"]:
        from sandboxd.cli.server import main as server

        sys.exit(server(arguments[1:]))


if __name__ == "__main__":
    main()
