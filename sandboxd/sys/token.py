"""TEMPORARY STUB by the lead; its owner overwrites it."""
from sandboxd.vault.framework.backend import AuthMethod
BACKEND = AuthMethod(type="token", help="", paths=(), system=True, singleton=True)
