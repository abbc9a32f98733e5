"""Names of resources: relative (`projects/x/topics/y`), full (`//pubsub.googleapis.com/projects/…`), and self-links.

What a name can be of is checked as the plugin checks it before it asks Google. Source: its public source, and that of
go-gcp-common.
"""

from __future__ import annotations

import re

from sandboxd.engines.gcp.resource_types import UNSETTLED, services

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_BROKEN = re.compile(r"[\x00-\x1f\x7f]|%(?![0-9a-fA-F]{2})")
_FULL = re.compile(r"//([a-z]+)\.googleapis\.com/(.+)")
_COLLECTION = re.compile(r"[a-z][a-zA-Z]*")
_ID = re.compile(r"[^\t\n\f\r]+")
_SINGLE = ("global",)
_PROJECTS = "projects/"


def check_resource(name: str) -> None:
    """Raise ValueError, with the plugin's text, for what names no resource that has a policy."""
    if _BROKEN.search(name) or (":" in name.split("/", maxsplit=1)[0] and not _SCHEME.match(name)):
        raise ValueError(f'resource "{name}" is invalid URI')
    service, link = "", False
    if _SCHEME.match(name):
        kind, link = _of_link(name), True
    elif name.startswith("//"):
        service, kind = _of_full_name(name)
    else:
        kind = _type(name)
    known = services().get(kind)
    if known is None:
        raise _invalid(name, f"unsupported resource type: {kind}")
    if service and service not in known:
        raise _invalid(name, f"unsupported service {service} for resource {kind}")
    if not service and not link and len(known) > 1:
        raise _invalid(name, "please provide a self-link or full resource name for non-service-unique resource type")
    if not link and kind in UNSETTLED:
        raise _invalid(
            name,
            "please provide a self-link with version instead; multiple versions of this resource exist, "
            "all non-preferred",
        )


def _invalid(name: str, reason: str) -> ValueError:
    return ValueError(f'invalid resource "{name}": {reason}')


def _of_link(name: str) -> str:
    if not re.match(r"[^:]+://[^/?#]", name):
        raise ValueError(f"invalid self link '{name}' must have scheme/host")
    _, found, rest = name.partition(_PROJECTS)
    if not found:
        raise ValueError(f"self link '{name}' is not for project-level resource, must contain '{_PROJECTS}')")
    try:
        return _type(_PROJECTS + rest)
    except ValueError as error:
        raise ValueError(f"error parsing relative resource path in self-link '{name}': {error}") from None


def _of_full_name(name: str) -> tuple[str, str]:
    found = _FULL.fullmatch(name)
    if found is None:
        raise ValueError(f"invalid full name '{name}'")
    try:
        return found[1], _type(found[2].strip("/"))
    except ValueError as error:
        text = f"error parsing relative resource path in full resource name '{name}': {error}"
        raise ValueError(text) from None


def _type(name: str) -> str:
    """The type of a relative name: its collections, without the ids between them."""
    tokens = name.split("/")
    wrong = f"invalid relative resource name {name}"
    if len(tokens) < 2:
        raise ValueError(f"{wrong} (too few tokens)")
    collections: list[str] = []
    collection = ""
    for index, token in enumerate(tokens):
        if collection:
            if not _ID.fullmatch(token):
                raise ValueError(f"{wrong} (invalid resource sub-ID {token})")
            collection = ""
        elif token in _SINGLE:
            if index == len(tokens) - 1:
                raise ValueError(f"{wrong} (last collection '{collection}' has no ID)")
        elif not _COLLECTION.fullmatch(token):
            raise ValueError(f"{wrong} (invalid collection ID {token})")
        else:
            collection = token
            collections.append(collection)
    return "/".join(collections)
