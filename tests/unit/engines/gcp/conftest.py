"""What the tests of the Google Cloud engine share."""

import pytest
from unit.helpers import call, world


@pytest.fixture
def made():
    made = world("vault")
    assert call(made, "POST", "sys/mounts/gcp", {"type": "gcp"}).status == 204
    return made
