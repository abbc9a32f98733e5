"""`python -m sandboxd`: the same as the `sandboxd` command."""

from sandboxd.cli.main import main

if __name__ == "__main__":
    main()
