"""A place to make values for."""

import pytest

from sandboxd.fakes import Source


@pytest.fixture
def source() -> Source:
    return Source(seed="example-seed", path="kv/data/app", field="token", version=1)
