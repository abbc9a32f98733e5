"""What the real servers say of the backends they bring: which there are, their versions, whether they are supported.

A **builtin** is a backend that comes with the server. OpenBao gives all of them its own version; Vault gives those that
grew up in a repository of their own the version of that repository.
"""

from sandboxd.vault.mounts import Table

ALIASES: dict[Table, dict[str, str]] = {
    "mounts": {"generic": "kv", "openldap": "ldap"},
    "auth": {"aws-ec2": "aws"},
}
"""Old names that the servers still take."""

# Of these, OpenBao's registry of plugins holds what has a deprecation status; the others are part of its core.
_OPENBAO: dict[Table, frozenset[str]] = {
    "mounts": frozenset({"database", "kubernetes", "kv", "pki", "rabbitmq", "ssh", "totp", "transit"}),
    "auth": frozenset({"approle", "cert", "jwt", "kubernetes", "oidc", "userpass"}),
}
OWN = "sandboxd"
"""The engine of dynamic credentials that fixtures declare, which no real server has."""
_CORE = frozenset({"cubbyhole", "database", "generic", "identity", "system", "token"})
_REFUSES_VERSIONS: dict[Table, frozenset[str]] = {
    "mounts": frozenset({"cubbyhole", "database", "identity", "kv", "system"}),
    "auth": frozenset({"token"}),
}

# From Vault's documentation; the numbers are those of one release, and change with each.
_VAULT_REPOSITORIES: dict[Table, dict[str, str]] = {
    "mounts": {
        "alicloud": "v0.20.0",
        "azure": "v0.22.0",
        "gcp": "v0.22.0",
        "gcpkms": "v0.21.0",
        "kubernetes": "v0.11.0",
        "kv": "v0.24.0",
        "ldap": "v0.16.0",
        "mongodbatlas": "v0.15.0",
        "openldap": "v0.16.0",
        "terraform": "v0.12.0",
    },
    "auth": {
        "alicloud": "v0.21.0",
        "azure": "v0.21.0",
        "cf": "v0.21.0",
        "gcp": "v0.21.0",
        "jwt": "v0.24.0",
        "kerberos": "v0.15.0",
        "kubernetes": "v0.22.0",
        "oci": "v0.19.0",
        "oidc": "v0.24.0",
        "pcf": "v0.21.0",
    },
}


def available(profile: str, table: Table, kind: str) -> bool:
    """Whether a server of that profile brings the backend; of Vault's, all that there are here."""
    return profile == "vault" or kind == OWN or ALIASES[table].get(kind, kind) in _OPENBAO[table]


def version(profile: str, server: str, table: Table, kind: str) -> str:
    """The version that a builtin runs with. `server` is the server's own version."""
    if profile == "openbao":
        return f"v{server}+builtin.bao"
    own = _VAULT_REPOSITORIES[table].get(ALIASES[table].get(kind, kind))
    return f"v{server}+builtin.vault" if own is None else f"{own}+builtin"


def deprecation(kind: str) -> str:
    """The deprecation status of a builtin, or an empty string for one that has none."""
    return "" if kind.removeprefix("ns_") in _CORE else "supported"


def refuses_versions(table: Table, kind: str) -> bool:
    """Whether the backend is so deep in the server that asking for another version is refused as such."""
    return ALIASES[table].get(kind, kind) in _REFUSES_VERSIONS[table]
