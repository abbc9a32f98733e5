"""What the tests of the Azure engine share."""

import json

import pytest
from unit.helpers import call, world

CONFIG = {"subscription_id": "sub", "tenant_id": "tenant", "client_id": "app", "client_secret": "s3cret"}
READER = json.dumps([{"role_name": "Reader", "scope": "/subscriptions/sub"}])


@pytest.fixture
def made():
    made = world("vault")
    assert call(made, "POST", "sys/mounts/azure", {"type": "azure"}).status == 204
    return made


@pytest.fixture
def configured(made):
    assert call(made, "POST", "azure/config", CONFIG).status == 204
    return made


@pytest.fixture
def ready(configured):
    role = {"azure_roles": READER, "ttl": "1h", "max_ttl": "2h"}
    assert call(configured, "POST", "azure/roles/app", role).status == 204
    return configured
