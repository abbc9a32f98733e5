"""The tree of namespaces, and how a request finds its own."""

import pytest

from sandboxd.vault.entropy import Entropy
from sandboxd.vault.namespaces import ROOT, Namespaces, canonical, root_only
from sandboxd.vault.storage import Storage, View


@pytest.fixture
def tree() -> Namespaces:
    tree = Namespaces(View(Storage(), "ns/"), Entropy("tests"))
    team = tree.create(ROOT, "a/", {}, id_length=6)
    tree.create(team, "b/", {}, id_length=6)
    return tree


@pytest.mark.parametrize(
    ("header", "path", "namespace", "rest"),
    [
        ("", "kv/x", "", "kv/x"),
        ("", "a/kv/x", "a/", "kv/x"),
        ("a", "kv/x", "a/", "kv/x"),
        ("/a/", "b/kv/x", "a/b/", "kv/x"),
        ("a//b", "kv/x", "a/b/", "kv/x"),
        ("root", "kv/x", "", "kv/x"),
        ("", "a", "", "a"),
    ],
)
def test_header_and_path_together_name_a_namespace(
    tree: Namespaces, header: str, path: str, namespace: str, rest: str
) -> None:
    found = tree.resolve(header, path)
    assert found is not None
    assert (found[0].path, found[1]) == (namespace, rest)


def test_a_header_that_names_none_finds_none(tree: Namespaces) -> None:
    assert tree.resolve("none", "kv/x") is None
    assert tree.resolve("a/none", "kv/x") is None


def test_below_gives_children_or_all(tree: Namespaces) -> None:
    assert [found.path for found in tree.below(ROOT)] == ["a/"]
    assert [found.path for found in tree.below(ROOT, deep=True)] == ["a/", "a/b/"]


def test_a_reload_finds_what_was_kept(tree: Namespaces) -> None:
    before = [(found.id, found.path) for found in tree]
    tree.reload()
    assert [(found.id, found.path) for found in tree] == before


@pytest.mark.parametrize(
    ("path", "expected"), [("", ""), ("/", ""), ("a", "a/"), ("/a/", "a/"), ("a//b", "a/b/"), ("a/../b", "b/")]
)
def test_paths_are_made_canonical(path: str, expected: str) -> None:
    assert canonical(path) == expected


def test_what_only_the_root_has_goes_by_whole_folders() -> None:
    assert root_only("audit")
    assert root_only("audit/file")
    assert not root_only("audits")
    assert not root_only("mounts")
