"""The simulated directory: which ids and names applications, groups and roles have there.

Everything that is asked for is taken to exist. What a client names by one of id and name gets the other made up, and
always the same one.
"""

from __future__ import annotations

from hashlib import sha256

BUILT_IN = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "User Access Administrator": "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "AcrPush": "8311e382-0749-4cb8-b61a-304f252e45ec",
    "Key Vault Administrator": "00482a5a-887f-4fb3-b363-3b7fe8e74483",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Reader": "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
    "Network Contributor": "4d97b98b-1d4f-4787-a291-c67834d212e7",
    "Storage Account Contributor": "17d1049b-9a84-46fb-8f53-869881c3d3ab",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Virtual Machine Contributor": "9980e02c-c2be-4d73-94e8-173b1dc7cf3c",
}
"""Roles that every subscription has, with their documented ids."""
_NAMES = {role_id: name for name, role_id in BUILT_IN.items()}
_FOLDED = {name.casefold(): (name, role_id) for name, role_id in BUILT_IN.items()}


def made_up_id(what: str, name: str) -> str:
    """The id that something has: always the same one for a name."""
    text = sha256(f"azure {what} {name}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"


def application_id(object_id: str) -> str:
    """The id by which an application logs in, from the one of its object."""
    return made_up_id("application", object_id)


def role_named(name: str, subscription: str) -> tuple[str, str]:
    """The name and the id of the role of a subscription that is called so, in any case of letters."""
    found = _FOLDED.get(name.casefold()) or (name, made_up_id("role", name))
    return found[0], f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{found[1]}"


def role_name(role_id: str, named: str) -> str:
    """What the role with an id is called; what a client calls it is believed of roles that aren't built in."""
    last = role_id.rpartition("/")[2]
    return _NAMES.get(last.lower()) or named or f"role-{last[:8]}"


def group_named(name: str) -> str:
    """The id of the group that is called so."""
    return made_up_id("group", name)


def group_name(group_id: str, named: str) -> str:
    """What the group with an id is called."""
    return named or f"group-{group_id[:8]}"
