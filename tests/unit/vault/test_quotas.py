"""Rate limits, as requests meet them. Expected answers were observed on a running OpenBao 2.7.2."""

import json

import pytest
from unit.helpers import call, world

LIMIT = {"path": "secret/", "rate": 1, "interval": "1h"}


@pytest.fixture
def made():
    made = world()
    call(made, "POST", "sys/quotas/rate-limit/one", LIMIT)
    return made


def test_a_request_too_many_is_refused_by_its_path(made):
    call(made, "GET", "secret/data/a")
    refused = call(made, "GET", "secret/data/a")
    assert (refused.status, refused.errors) == (429, ['request path "secret/data/a": rate limit quota exceeded'])


@pytest.mark.parametrize(("method", "path"), [("LIST", "secret/metadata/a"), ("GET", "secret/metadata/a?list=true")])
def test_a_listing_is_named_with_its_slash(made, method, path):
    call(made, "GET", "secret/data/a")
    refused = call(made, method, path)
    assert refused.errors == ['request path "secret/metadata/a/": rate limit quota exceeded']


@pytest.mark.parametrize(("wanted", "told"), [(True, 1), (False, 0)])
def test_a_refusal_is_audited_where_that_is_asked_for(made, tmp_path, wanted, told):
    file = tmp_path / "audit.log"
    made.audit.enable("file/", "file", options={"file_path": str(file)})
    call(made, "POST", "sys/quotas/config", {"enable_rate_limit_audit_logging": wanted})
    call(made, "GET", "secret/data/a")
    before = len(file.read_text().splitlines())
    call(made, "GET", "secret/data/a")
    lines = [json.loads(line) for line in file.read_text().splitlines()[before:]]
    assert [line["error"] for line in lines] == [
        'request path "secret/data/a": rate limit quota exceeded' for _ in range(told)
    ]
