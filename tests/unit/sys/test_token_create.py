"""Making tokens. Expected answers were recorded from OpenBao 2.7.2."""

import pytest
from unit.helpers import call, world

MAKER = 'path "auth/token/*" { capabilities = ["create", "update", "read", "list"] }'
SUDO = 'path "auth/token/*" { capabilities = ["create", "update", "read", "list", "sudo"] }'


@pytest.fixture
def vault():
    made = world()
    for name, rules in (("maker", MAKER), ("sudoer", SUDO), ("a", ""), ("b", "")):
        call(made, "PUT", f"sys/policies/acl/{name}", {"policy": rules or 'path "x" { capabilities = ["read"] }'})
    return made


def create(vault, path="create", by="root", **fields):
    return call(vault, "POST", f"auth/token/{path}", fields, token=by)


def token(vault, *policies, **fields):
    return create(vault, policies=list(policies), **fields).json["auth"]["client_token"]


def test_a_token_without_policies_gets_those_of_its_maker(vault):
    parent = token(vault, "maker", "a")
    auth = create(vault, by=parent).json["auth"]
    assert auth["policies"] == auth["token_policies"] == ["a", "default", "maker"]
    assert (auth["orphan"], auth["renewable"], auth["lease_duration"], auth["token_type"]) == (
        False,
        True,
        2764800,
        "service",
    )


def test_policies_are_lowered_sorted_and_said_once(vault):
    assert create(vault, policies=["B", "a", "a", " c ", ""]).json["auth"]["policies"] == ["a", "b", "c", "default"]


def test_a_policy_that_is_not_there_is_warned_of(vault):
    assert create(vault, policies=["a", "none"]).warnings == ['Policy "none" does not exist']


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"policies": ["b"]}, "child policies must be subset of parent"),
        ({"policies": ["root"]}, "child policies must be subset of parent"),
        ({"id": "mine", "policies": ["a"]}, "root or sudo privileges required to specify token id"),
        ({"no_parent": True, "policies": ["a"]}, "root or sudo privileges required to create orphan token"),
        ({"period": "1h", "policies": ["a"]}, "root or sudo privileges required to create periodic token"),
        ({"entity_alias": "x"}, "'entity_alias' is only allowed in combination with token role"),
    ],
)
def test_without_sudo_a_child_gets_no_more_than_its_parent(vault, fields, error):
    reply = create(vault, by=token(vault, "maker", "a"), **fields)
    assert (reply.status, reply.errors) == (400, [error])


def test_with_sudo_a_child_gets_any_policy_but_root(vault):
    parent = token(vault, "sudoer")
    assert create(vault, by=parent, policies=["b"]).json["auth"]["policies"] == ["b", "default"]
    reply = create(vault, by=parent, policies=["root"])
    assert reply.errors == ["root tokens may not be created without parent token being root"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"type": "other"}, "invalid 'token_type' value"),
        ({"type": "batch", "num_uses": 1}, 'batch tokens cannot have "num_uses" set'),
        ({"type": "batch", "period": "1h"}, 'batch tokens cannot have "period" set'),
        ({"type": "batch", "explicit_max_ttl": "x"}, "'explicit_max_ttl' value could not be parsed"),
        ({"type": "batch", "policies": ["root"]}, "batch tokens cannot be root tokens"),
        ({"num_uses": -1}, "number of uses cannot be negative"),
        ({"ttl": "-1s"}, "ttl must be positive"),
        ({"ttl": "x"}, 'time: invalid duration "x"'),
        ({"policies": ["response-wrapping"]}, 'cannot assign policy "response-wrapping"'),
        ({"id": "s.mine", "policies": ["a"]}, "custom token ID cannot have the 's.' prefix"),
        ({"id": "hvs.mine", "policies": ["a"]}, "custom token ID cannot have the 'hvs.' prefix"),
        ({"id": "my.own", "policies": ["a"]}, "custom token ID cannot have a '.' in the value"),
        ({"id": "root", "policies": ["a"]}, "cannot create a token with a duplicate ID"),
    ],
)
def test_wrong_fields_are_refused(vault, fields, error):
    reply = create(vault, **fields)
    assert (reply.status, reply.errors) == (400, [error])


def test_a_chosen_id_is_taken_with_a_warning(vault):
    reply = create(vault, id="mine", policies=["a"])
    assert reply.json["auth"]["client_token"] == "mine"
    assert reply.warnings[0].startswith("Supplying a custom ID for the token uses the weaker SHA1 hashing")
    (lease,) = [
        name for name in vault.leases.walk("auth/token/create/") if not name.endswith(vault.tokens.lookup("root").hash)
    ]
    assert len(lease.removeprefix("auth/token/create/")) == 40


@pytest.mark.parametrize(
    ("fields", "ttl", "warnings"),
    [
        ({}, 2764800, None),
        ({"ttl": "1h"}, 3600, None),
        ({"lease": "1h"}, 3600, None),
        (
            {"ttl": "1000h"},
            2764800,
            ['TTL of "1000h" exceeded the effective max_ttl of "768h"; TTL value is capped accordingly'],
        ),
        (
            {"ttl": "2h", "explicit_max_ttl": "1h"},
            3600,
            ['TTL of "2h" exceeded the effective max_ttl of "1h"; TTL value is capped accordingly'],
        ),
        ({"period": "1h", "ttl": "2h"}, 3600, None),
        (
            {"period": "3h", "explicit_max_ttl": "2h"},
            7200,
            ['period of "3h" exceeded the effective max_ttl of "2h"; period value is capped accordingly'],
        ),
    ],
)
def test_the_time_of_a_token_is_capped(vault, fields, ttl, warnings):
    reply = create(vault, policies=["a"], **fields)
    assert (reply.json["auth"]["lease_duration"], reply.warnings) == (ttl, warnings)


def test_a_root_token_without_ttl_never_ends(vault):
    auth = create(vault, policies=["root"]).json["auth"]
    assert (auth["lease_duration"], auth["renewable"], auth["policies"]) == (0, False, ["root"])


def test_a_root_token_that_ends_makes_none_that_does_not(vault):
    parent = token(vault, "root", ttl="1h")
    assert create(vault, by=parent).errors == ["expiring root tokens cannot create non-expiring root tokens"]
    assert create(vault, by=parent, ttl="2h").json["auth"]["lease_duration"] == 7200


def test_a_token_with_limited_uses_makes_no_tokens(vault):
    parent = token(vault, "sudoer", num_uses=2)
    assert create(vault, by=parent).errors == ["restricted use token cannot generate child tokens"]
    assert create(vault, by=parent).errors == ["parent token lookup failed: no parent found"]


def test_a_batch_token_makes_no_tokens(vault):
    reply = create(vault, by=token(vault, "sudoer", type="batch"))
    assert (reply.status, reply.errors) == (400, ["batch tokens cannot create more tokens"])


def test_a_batch_token_has_neither_accessor_nor_lease(vault):
    auth = create(vault, policies=["a"], type="batch").json["auth"]
    assert (auth["accessor"], auth["renewable"], auth["token_type"]) == ("", False, "batch")
    assert vault.leases.walk("auth/token/create/") == [vault.leases.of_token(vault.tokens.lookup("root")).id]


def test_a_display_name_is_made_plain(vault):
    made = token(vault, "default", display_name="Über Name!/x!")
    assert call(vault, "GET", "auth/token/lookup-self", token=made).data["display_name"] == "token--ber-Name--x"


def test_metadata_that_was_not_given_is_null(vault):
    assert create(vault, policies=["a"]).json["auth"]["metadata"] is None
    assert create(vault, policies=["a"], meta={}).json["auth"]["metadata"] == {}


def test_default_is_left_off_on_request(vault):
    assert create(vault, policies=["a"], no_default_policy=True).json["auth"]["policies"] == ["a"]


class TestRoles:
    """Tokens that are made through a role."""

    def role(self, vault, **fields):
        assert call(vault, "POST", "auth/token/roles/r", fields).status in (200, 204)

    def test_an_unknown_role_is_refused(self, vault):
        assert create(vault, "create/none").errors == ["unknown role none"]

    def test_allowed_policies_are_what_a_token_gets(self, vault):
        self.role(vault, allowed_policies=["a", "b"], path_suffix="sfx")
        auth = create(vault, "create/r").json["auth"]
        assert auth["policies"] == ["a", "b", "default"]
        data = call(vault, "POST", "auth/token/lookup", {"token": auth["client_token"]}).data
        assert (data["path"], data["role"]) == ("auth/token/create/r/sfx", "r")

    def test_a_policy_that_is_not_allowed_is_refused(self, vault):
        self.role(vault, allowed_policies=["a"], allowed_policies_glob=["app-*"])
        assert create(vault, "create/r", policies=["app-1"]).json["auth"]["policies"] == ["app-1", "default"]
        assert create(vault, "create/r", policies=["c"]).errors == [
            (
                'token policies (["c" "default"]) must be subset of the role\'s allowed policies (["a" "default"]) '
                'or glob policies (["app-*"])'
            )
        ]

    def test_a_disallowed_policy_is_refused(self, vault):
        self.role(vault, disallowed_policies=["x"], disallowed_policies_glob=["no-*"])
        for name in ("x", "no-way"):
            assert create(vault, "create/r", policies=[name]).errors == [
                f'token policy "{name}" is disallowed by this role'
            ]
        assert create(vault, "create/r", policies=["a"]).json["auth"]["policies"] == ["a", "default"]

    def test_a_role_lets_a_token_ask_for_what_its_policies_do_not_hold(self, vault):
        self.role(vault, allowed_policies=["b"])
        auth = create(vault, "create/r", by=token(vault, "maker"), policies=["b"]).json["auth"]
        assert auth["policies"] == ["b", "default"]

    def test_the_lesser_of_two_limits_holds(self, vault):
        self.role(vault, token_explicit_max_ttl="1h", token_period="1h", token_num_uses=3)
        reply = create(vault, "create/r", policies=["a"], explicit_max_ttl="2h", period="30m", num_uses=9)
        assert reply.warnings == [
            "Explicit max TTL specified both during creation call and in role; using the lesser value of 3600 seconds",
            "Period specified both during creation call and in role; using the lesser value of 1800 seconds",
        ]
        assert (reply.json["auth"]["lease_duration"], reply.json["auth"]["num_uses"]) == (1800, 3)

    def test_a_role_says_the_type(self, vault):
        self.role(vault, token_type="service")
        assert create(vault, "create/r", policies=["a"], type="batch").json["auth"]["token_type"] == "service"
        self.role(vault, token_type="default-batch")
        assert create(vault, "create/r", policies=["a"]).json["auth"]["token_type"] == "batch"
        assert create(vault, "create/r", policies=["a"], type="service").json["auth"]["token_type"] == "service"

    def test_a_role_makes_orphans_that_cannot_be_renewed(self, vault):
        self.role(vault, orphan=True, renewable=False)
        auth = create(vault, "create/r", policies=["a"]).json["auth"]
        assert (auth["orphan"], auth["renewable"]) == (True, False)

    def test_a_token_bound_to_other_addresses_is_refused(self, vault):
        self.role(vault, token_bound_cidrs=["10.0.0.0/8"])
        made = create(vault, "create/r", policies=["default"]).json["auth"]["client_token"]
        reply = call(vault, "GET", "auth/token/lookup-self", token=made)
        assert (reply.status, reply.errors) == (403, ["permission denied"])

    def test_an_entity_alias_must_be_allowed(self, vault):
        self.role(vault, allowed_entity_aliases=["Ann", "team-*"])
        first = create(vault, "create/r", policies=["a"], entity_alias="ann").json["auth"]["entity_id"]
        assert first
        assert create(vault, "create/r", policies=["a"], entity_alias="team-1").json["auth"]["entity_id"] != first
        assert create(vault, "create/r", policies=["a"], entity_alias="bob").errors == ["invalid 'entity_alias' value"]

    def test_a_token_is_renewed_as_its_role_says_by_then(self, vault):
        self.role(vault, token_period="1h")
        made = create(vault, "create/r", policies=["default"]).json["auth"]["client_token"]
        self.role(vault, token_period="30m")
        auth = call(vault, "POST", "auth/token/renew-self", {}, token=made).json["auth"]
        assert auth["lease_duration"] == 1800

    def test_a_token_whose_role_is_gone_is_not_renewed(self, vault):
        self.role(vault, token_period="1h")
        made = create(vault, "create/r", policies=["default"]).json["auth"]["client_token"]
        call(vault, "DELETE", "auth/token/roles/r")
        reply = call(vault, "POST", "auth/token/renew-self", {}, token=made)
        assert (reply.status, reply.errors) == (
            500,
            [
                (
                    '1 error occurred:\n\t* failed to renew entry: original token role "r" could not be found, not '
                    "renewing\n\n"
                )
            ],
        )


class TestNamespaces:
    """Tokens that are made below the namespace of their maker."""

    def test_root_makes_tokens_below_it_but_no_root_tokens(self, vault):
        call(vault, "POST", "sys/namespaces/a", {})
        headers = {"x-vault-namespace": "a"}
        made = call(vault, "POST", "auth/token/create", {"policies": ["default"]}, headers=headers)
        assert made.json["auth"]["policies"] == ["default"]
        made = call(vault, "POST", "auth/token/create", {}, headers=headers)
        assert made.json["auth"]["policies"] == ["default"]
        reply = call(vault, "POST", "auth/token/create", {"policies": ["root"]}, headers=headers)
        assert reply.errors == ["root tokens may not be created from a parent namespace"]
        reply = call(vault, "POST", "auth/token/create", {"id": "mine"}, headers=headers)
        assert reply.errors == ["token IDs can only be manually specified in the root namespace"]
