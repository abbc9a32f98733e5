"""A world with the LDAP engine, which knows its directory."""

import pytest
from unit.helpers import call, world

DIRECTORY = {"binddn": "cn=vault,dc=example,dc=com", "bindpass": "old", "url": "ldaps://127.0.0.1"}


@pytest.fixture
def bare():
    """The engine without a configuration."""
    made = world("vault")
    call(made, "POST", "sys/mounts/ldap", {"type": "ldap"})
    return made


@pytest.fixture
def vault(bare):
    assert call(bare, "POST", "ldap/config", DIRECTORY).status == 204
    return bare
