"""sandboxd: a local emulator of HashiCorp Vault, seeded from fixture files."""

__version__ = "0.1.0"
