"""A server with an engine that only Vault has, and hvac's client of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import hvac
import pytest
from conformance.servers import ROOT_TOKEN, start

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def client_of(subject: str, engine: str) -> Iterator[hvac.Client]:
    """A client of a fresh server in Vault's profile, with the engine mounted at its usual place."""
    if subject == "oracle":
        pytest.skip("OpenBao does not have the engine")
    server = start(subject, flags=("-as=vault",))
    client = hvac.Client(url=server.address, token=ROOT_TOKEN)
    client.sys.enable_secrets_engine(engine)
    yield client
    client.adapter.close()
    server.stop()
