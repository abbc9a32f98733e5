"""A world with an AWS engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unit.helpers import Reply, call, world

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandboxd.vault.world import World


@pytest.fixture
def bare() -> World:
    """An engine that is not configured."""
    made = world("vault")
    assert call(made, "POST", "sys/mounts/aws", {"type": "aws"}).status == 204
    return made


@pytest.fixture
def vault(bare: World) -> World:
    """An engine that knows its key."""
    sent = {"access_key": "AKIAROOT", "secret_key": "s3cret", "region": "eu-central-1"}
    assert call(bare, "POST", "aws/config/root", sent).status == 204
    return bare


@pytest.fixture
def send(vault: World) -> Callable[..., Reply]:
    """Send a request to the engine."""

    def sender(method: str, path: str, data: Any = None, **more: Any) -> Reply:
        return call(vault, method, f"aws/{path}", data, **more)

    return sender
