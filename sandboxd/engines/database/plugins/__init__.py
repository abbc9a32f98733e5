"""Live plugins, one module a family, each exporting an `Opening` as `PLUGIN` (see `plugin.py`)."""
