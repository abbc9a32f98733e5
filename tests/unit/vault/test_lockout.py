"""User lockout, and `sys/locked-users`. Expected answers were recorded from OpenBao 2.7.2."""

import pytest
from unit.helpers import call, world

MINUTE = 60


@pytest.fixture
def vault():
    made = world()
    call(made, "POST", "sys/auth/userpass", {"type": "userpass"})
    for name in ("ann", "bob"):
        call(made, "POST", f"auth/userpass/users/{name}", {"password": "pw"})
    return made


def login(vault, password="pw", name="ann", namespace=""):
    headers = {"x-vault-namespace": namespace} if namespace else {}
    path = f"auth/userpass/login/{name}"
    return call(vault, "POST", path, {"password": password}, token="", headers=headers).status


def fail(vault, times=5, name="ann", namespace=""):
    return [login(vault, "bad", name, namespace) for _ in range(times)]


def tune(vault, **config):
    path = "sys/auth/userpass/tune"
    assert call(vault, "POST", path, {"user_lockout_config": config}).status == 204


def listed(vault, query="", namespace=""):
    headers = {"x-vault-namespace": namespace} if namespace else {}
    return call(vault, "GET", f"sys/locked-users{query}", headers=headers).data


def users(vault):
    return [
        user
        for namespace in listed(vault)["by_namespace"]
        for mount in namespace["mount_accessors"]
        for user in mount["alias_identifiers"]
    ]


def accessor(vault):
    return call(vault, "GET", "sys/auth/userpass").data["accessor"]


def unlock(vault, name="ann"):
    return call(vault, "POST", f"sys/locked-users/{accessor(vault)}/unlock/{name}", {}).status


def test_five_failures_lock_a_user_out(vault):
    assert fail(vault, 6) == [400] * 5 + [403]
    assert login(vault) == 403


def test_others_can_still_log_in(vault):
    fail(vault)
    assert login(vault, name="bob") == 200


def test_a_success_starts_the_count_afresh(vault):
    fail(vault, 4)
    assert login(vault) == 200
    assert fail(vault, 4) == [400] * 4
    assert login(vault) == 200


def test_the_lock_ends_with_its_time(vault):
    fail(vault)
    vault.clock.advance(15 * MINUTE - 1)
    assert login(vault) == 403
    vault.clock.advance(1)
    assert login(vault) == 200


def test_what_is_refused_while_locked_does_not_prolong_the_lock(vault):
    fail(vault)
    vault.clock.advance(10 * MINUTE)
    fail(vault)
    vault.clock.advance(5 * MINUTE)
    assert login(vault) == 200


def test_one_more_failure_after_the_lock_locks_again(vault):
    tune(vault, lockout_duration="1m")
    fail(vault)
    vault.clock.advance(MINUTE)
    assert fail(vault, 2) == [400, 403]


def test_failures_are_forgotten_after_a_while(vault):
    fail(vault, 4)
    vault.clock.advance(15 * MINUTE + 1)
    assert fail(vault, 4) == [400] * 4
    assert login(vault) == 200


def test_failures_just_before_that_still_count(vault):
    fail(vault, 4)
    vault.clock.advance(15 * MINUTE)
    assert fail(vault, 2) == [400, 403]


def test_a_mount_may_have_limits_of_its_own(vault):
    tune(vault, lockout_threshold="2", lockout_duration="30s", lockout_counter_reset_duration="10s")
    assert fail(vault, 3) == [400, 400, 403]
    vault.clock.advance(30)
    assert fail(vault, 1) == [400]
    assert login(vault) == 200


def test_zero_stands_for_the_default(vault):
    tune(vault, lockout_threshold="0", lockout_duration="0")
    assert fail(vault, 6) == [400] * 5 + [403]


def test_lockout_can_be_switched_off_and_on_again(vault):
    fail(vault)
    tune(vault, lockout_disable=True)
    assert login(vault) == 200
    assert set(fail(vault, 7)) == {400}
    tune(vault, lockout_disable=False)
    assert login(vault) == 403


def test_tokens_do_not_lock_out(vault):
    wrong = [call(vault, "GET", "auth/token/lookup-self", token="wrong").status for _ in range(7)]
    assert set(wrong) == {403}
    assert users(vault) == []


def test_locked_users_are_listed(vault):
    fail(vault)
    fail(vault, name="bob")
    fail(vault, 4, name="nobody")
    mount = {"mount_accessor": accessor(vault), "counts": 2, "alias_identifiers": ["ann", "bob"]}
    assert listed(vault) == {
        "by_namespace": [{"namespace_id": "root", "namespace_path": "", "counts": 2, "mount_accessors": [mount]}],
        "total": 2,
    }


def test_the_list_keeps_the_order_of_its_fields(vault):
    fail(vault)
    text = call(vault, "GET", "sys/locked-users").text
    assert (
        '"by_namespace":[{"namespace_id":"root","namespace_path":"","counts":1,"mount_accessors":[{"mount_acc' in text
    )


def test_nobody_is_listed_where_nobody_is_locked(vault):
    empty = {"namespace_id": "root", "namespace_path": "", "counts": 0, "mount_accessors": []}
    assert listed(vault) == {"by_namespace": [empty], "total": 0}


def test_the_list_can_be_of_one_mount(vault):
    fail(vault)
    known = listed(vault, f"?mount_accessor={accessor(vault)}")
    assert known["by_namespace"][0]["mount_accessors"][0]["alias_identifiers"] == ["ann"]
    unknown = {"mount_accessor": "none", "counts": 0, "alias_identifiers": None}
    assert listed(vault, "?mount_accessor=none")["by_namespace"][0]["mount_accessors"] == [unknown]


def test_a_lock_that_is_over_is_listed_until_the_next_sweep(vault):
    login(vault)
    tune(vault, lockout_duration="1m")
    fail(vault)
    vault.clock.advance(2 * MINUTE)
    assert login(vault) == 200
    assert users(vault) == ["ann"]
    vault.clock.advance(15 * MINUTE)
    assert users(vault) == []


def test_an_unlocked_user_can_log_in(vault):
    fail(vault)
    assert unlock(vault) == 204
    assert users(vault) == []
    assert login(vault) == 200


def test_unlocking_forgets_the_failures_of_who_is_not_locked(vault):
    fail(vault, 4)
    assert unlock(vault) == 204
    assert fail(vault, 4) == [400] * 4
    assert unlock(vault, "nobody") == 204


def test_aliases_with_slashes_are_listed_as_folders(vault):
    call(vault, "POST", "sys/auth/approle", {"type": "approle"})
    for name in ("a/b", "a/c", "a/"):
        call(vault, "POST", f"auth/approle/role/{name.replace('/', '-')}x", {"role_id": name})
        for _ in range(5):
            call(vault, "POST", "auth/approle/login", {"role_id": name, "secret_id": "wrong"}, token="")
    assert users(vault) == ["a/"]
    locked = call(vault, "GET", "sys/auth/approle").data["accessor"]
    assert call(vault, "POST", f"sys/locked-users/{locked}/unlock/a/b", {}).status == 204
    answer = call(vault, "POST", "auth/approle/login", {"role_id": "a/b", "secret_id": "wrong"}, token="")
    assert answer.status == 400


def test_a_namespace_shows_its_own_and_those_below(vault):
    for parent, name in (("", "a"), ("a", "c"), ("", "b")):
        headers = {"x-vault-namespace": parent} if parent else {}
        call(vault, "POST", f"sys/namespaces/{name}", {}, headers=headers)
    for namespace in ("a", "a/c", "b"):
        headers = {"x-vault-namespace": namespace}
        call(vault, "POST", "sys/auth/userpass", {"type": "userpass"}, headers=headers)
        for user in ("ann", "bob"):
            call(vault, "POST", f"auth/userpass/users/{user}", {"password": "pw"}, headers=headers)
    fail(vault, namespace="a/c")
    fail(vault, name="bob", namespace="a/c")
    fail(vault, namespace="b")
    shown = [(found["namespace_path"], found["counts"]) for found in listed(vault)["by_namespace"]]
    assert shown[:2] == [("a/c/", 2), ("b/", 1)]
    assert {path for path, _ in shown} == {"", "a/", "a/c/", "b/"}
    below = listed(vault, namespace="a")
    assert (below["total"], [found["namespace_path"] for found in below["by_namespace"]]) == (2, ["a/c/", "a/"])
    assert login(vault) == 200


def test_locks_last_when_the_world_is_read_again(vault):
    fail(vault)
    fail(vault, 4, "bob")
    vault.restore(vault.snapshot())
    assert (login(vault), fail(vault, 4, "bob")) == (403, [400] * 4)
    vault.clock.advance(15 * MINUTE)
    assert fail(vault, 2) == [400, 403]


def test_a_lock_ends_with_its_mount(vault):
    fail(vault)
    call(vault, "DELETE", "sys/auth/userpass")
    call(vault, "POST", "sys/auth/userpass", {"type": "userpass"})
    call(vault, "POST", "auth/userpass/users/ann", {"password": "pw"})
    assert login(vault) == 200
