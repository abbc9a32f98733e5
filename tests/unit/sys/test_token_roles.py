"""Token roles. Expected answers were recorded from OpenBao 2.7.2."""

import pytest
from unit.helpers import call, world


@pytest.fixture
def vault():
    return world()


def write(vault, **fields):
    return call(vault, "POST", "auth/token/roles/r", fields)


def read(vault):
    return call(vault, "GET", "auth/token/roles/r").data


def test_a_role_is_read_back_with_its_defaults(vault):
    assert write(vault).status == 204
    assert read(vault) == {
        "allowed_entity_aliases": None,
        "allowed_policies": [],
        "allowed_policies_glob": [],
        "disallowed_policies": [],
        "disallowed_policies_glob": [],
        "explicit_max_ttl": 0,
        "name": "r",
        "orphan": False,
        "path_suffix": "",
        "period": 0,
        "renewable": True,
        "token_explicit_max_ttl": 0,
        "token_no_default_policy": False,
        "token_period": 0,
        "token_type": "default-service",
    }


def test_only_the_fields_that_are_sent_change(vault):
    write(vault, orphan=True, allowed_policies=["B", "a", "a"], token_num_uses=5, token_bound_cidrs="127.0.0.1")
    write(vault, renewable=False)
    data = read(vault)
    assert (data["orphan"], data["renewable"], data["allowed_policies"]) == (True, False, ["a", "b"])
    assert (data["token_num_uses"], data["token_bound_cidrs"]) == (5, ["127.0.0.1"])


def test_a_deprecated_field_is_read_back_beside_its_successor(vault):
    write(vault, period="1h", explicit_max_ttl=60, bound_cidrs=["10.0.0.0/8"])
    data = read(vault)
    assert (data["period"], data["token_period"]) == (3600, 3600)
    assert (data["explicit_max_ttl"], data["token_explicit_max_ttl"]) == (60, 60)
    assert (data["bound_cidrs"], data["token_bound_cidrs"]) == (["10.0.0.0/8"], ["10.0.0.0/8"])


def test_a_deprecated_field_gives_way_to_its_successor(vault):
    reply = write(vault, period="2h", token_period="1h")
    assert reply.warnings == [
        "Both 'token_period' and deprecated 'period' value supplied, ignoring the deprecated value"
    ]
    assert (read(vault)["period"], read(vault)["token_period"]) == (0, 3600)


def test_a_maximum_beyond_the_mount_is_warned_of(vault):
    assert write(vault, token_explicit_max_ttl="1000h").warnings == [
        (
            "Given explicit max TTL of 3600000 is greater than system/mount allowed value of 2764800 seconds; until "
            "this is fixed attempting to create tokens against this role will result in an error"
        )
    ]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"path_suffix": "a/b?"}, None),
        ({"path_suffix": "/"}, r"given role path suffix contains invalid characters; must match \w[\w-.]+\w"),
        ({"path_suffix": "a..b"}, "error registering path suffix: path cannot contain parent references"),
        ({"token_type": "other"}, """invalid 'token_type' value "other\""""),
        ({"token_type": None}, "Invalid 'token_type' value: null"),
        ({"token_num_uses": -1}, "error parsing role fields: 'token_num_uses' cannot be negative"),
        ({"token_type": "batch"}, "'token_type' cannot be 'batch' when role is set to generate non-orphan tokens"),
        (
            {"token_type": "batch", "orphan": True},
            "'token_type' cannot be 'batch' when role is set to generate renewable tokens",
        ),
        (
            {"token_type": "batch", "orphan": True, "period": "1h"},
            "'token_type' cannot be 'batch' when role is set to generate periodic tokens",
        ),
        (
            {"token_type": "batch", "orphan": True, "renewable": False, "explicit_max_ttl": "1h"},
            "'token_type' cannot be 'batch' when role is set to generate tokens with an explicit max TTL",
        ),
    ],
)
def test_wrong_fields_are_refused(vault, fields, error):
    reply = write(vault, **fields)
    if error is None:
        assert reply.errors == [r"given role path suffix contains invalid characters; must match \w[\w-.]+\w"]
    else:
        assert (reply.status, reply.errors) == (400, [error])


def test_a_batch_role_needs_all_that_batch_tokens_need(vault):
    assert write(vault, token_type="batch", orphan=True, renewable=False).status == 204
    reply = write(vault, token_period="1h")
    assert reply.errors == [
        (
            "error parsing role fields: 'token_type' cannot be 'batch' or 'default_batch' when set to generate "
            "periodic tokens"
        )
    ]


def test_roles_are_listed_and_deleted(vault):
    assert call(vault, "LIST", "auth/token/roles").status == 404
    for name in ("b", "a"):
        call(vault, "POST", f"auth/token/roles/{name}", {})
    assert call(vault, "LIST", "auth/token/roles").data == {"keys": ["a", "b"]}
    assert call(vault, "DELETE", "auth/token/roles/a").status == 204
    assert call(vault, "GET", "auth/token/roles/a").status == 404
    assert call(vault, "DELETE", "auth/token/roles/a").status == 204
