"""Libraries of service accounts; what they do is proven with the engines that have them."""

import pytest
from unit.helpers import call, world


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("ldap", {"ldap-library-check-in", "ldap-library-check-out", "ldap-library-force-check-in"}),
        ("ad", {"ad-write-library-name-check-in"}),
    ],
)
def test_operations_have_the_ids_of_the_real_engine_where_it_gives_them(kind, wanted):
    vault = world("vault")
    call(vault, "POST", f"sys/mounts/{kind}", {"type": kind})
    paths = call(vault, "GET", "sys/internal/specs/openapi").json["paths"]
    ids = {
        operation.get("operationId")
        for path in paths.values()
        for operation in path.values()
        if isinstance(operation, dict)
    }
    assert wanted <= ids


def test_accounts_are_compared_in_lower_case_as_the_real_engine_does():
    vault = world("vault")
    call(vault, "POST", "sys/mounts/ldap", {"type": "ldap"})
    call(vault, "POST", "ldap/config", {"binddn": "x", "bindpass": "y"})
    call(vault, "POST", "ldap/library/team", {"service_account_names": "One"})
    assert call(vault, "POST", "ldap/library/team", {"service_account_names": "ONE, two"}).status == 204
    assert call(vault, "GET", "ldap/library/team/status").errors == ["1 error occurred:\n\t* not found\n\n"]
