"""The shape that dynamic engines share, seen through the engines that are declared with it."""

from unit.helpers import call, world

from sandboxd.engines.nomad import ACCESS, ROLES
from sandboxd.engines.rabbitmq import LEASE
from sandboxd.vault.framework.fields import params
from sandboxd.vault.framework.resources import Collection, Named, Single, kept


def test_a_check_finds_nothing_unless_one_is_given():
    assert Single("config", dict, "Help.").check is kept
    assert kept(None, "record") == "record"
    whole = Collection("roles", dict, "Help.")
    assert whole.check(None, Named("name", "record")) == "record"


def test_a_collection_takes_its_records_with_a_name():
    assert [field.name for field in params(ROLES.args)] == ["policies", "global", "type", "name"]
    assert [field.name for field in params(ROLES.named)] == ["name"]
    assert ROLES.name_of(ROLES.named(name="app")) == "app"


def test_paths_follow_the_declaration():
    each, whole = ROLES.paths()
    assert (each.template, whole.template) == ("role/{name}", "role/?")
    (access,) = ACCESS.paths()
    (lease,) = LEASE.paths()
    assert (access.delete is None, lease.delete is None) == (False, True)
    assert (access.exists is None, lease.exists is None) == (False, True)


def test_lists_are_taken_in_parts_where_they_can_be():
    made = world()
    call(made, "POST", "sys/mounts/rabbitmq", {"type": "rabbitmq"})
    for name in ("a", "b", "c"):
        call(made, "POST", f"rabbitmq/roles/{name}", {"tags": "x"})
    assert call(made, "LIST", "rabbitmq/roles?after=a&limit=1").data == {"keys": ["b"]}


def test_a_record_is_merged_or_replaced_as_declared():
    made = world("vault")
    call(made, "POST", "sys/mounts/nomad", {"type": "nomad"})
    call(made, "POST", "nomad/role/app", {"policies": "a", "global": True})
    call(made, "POST", "nomad/role/app", {"policies": "b"})
    assert call(made, "GET", "nomad/role/app").data["global"] is True
    call(made, "POST", "nomad/config/lease", {"ttl": 1})
    call(made, "POST", "nomad/config/lease", {"max_ttl": 2})
    assert call(made, "GET", "nomad/config/lease").data == {"ttl": 0, "max_ttl": 2}
