"""Accounts that are lent; what is done with them is proven with the engines that lend."""

from unit.helpers import call, world

from sandboxd.vault.framework.lending import Password, in_library


def test_a_password_is_not_printed():
    assert "hush" not in repr(Password("hush"))


def test_an_account_is_in_a_library_or_not():
    vault = world("vault")
    call(vault, "POST", "sys/mounts/ad", {"type": "ad"})
    call(vault, "POST", "ad/config", {"binddn": "x", "bindpass": "y"})
    call(vault, "POST", "ad/library/team", {"service_account_names": "one/two@x"})
    accessor = call(vault, "GET", "sys/mounts").data["ad/"]["accessor"]

    class Call:
        storage = vault.mounts.by_accessor(accessor).view

    assert in_library(Call, "one/two@x")
    assert not in_library(Call, "two")
