"""Making values, and what belongs to them."""

import subprocess
import sys

import pytest

from sandboxd.fakes import FakeError, Source, UnknownKind, generate, kind, parts, verify

PROGRAM = """
import sys
from sandboxd.fakes import Source, generate, kinds, parts
assert "cryptography" not in sys.modules
place = Source("across", "kv/data/x", "f", 3)
generate("github.pat", place)
generate("postgres.url", place)
generate("password", place)
assert "cryptography" not in sys.modules, "only a key needs it"
import hashlib
whole = hashlib.sha256()
for kind in kinds():
    for name, value in sorted(parts(kind, place).items()):
        whole.update(f"{kind.id} {name} {value}".encode())
print(whole.hexdigest())
"""


def test_values_are_the_same_in_every_process_whatever_its_hash_seed():
    printed = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
    assert len(printed.pop()) == 65


def test_a_sibling_is_made_for_the_same_place_and_verifies(source):
    whole = parts("aws.access_key_id", source)
    assert whole["secret_access_key"] == generate("aws.secret_access_key", source)
    assert verify(whole["secret_access_key"]).kind.id == "aws_secret_access_key"
    assert generate("google.oauth_client_id", source, part="client_secret").startswith("GOC" + "SPX-")


def test_a_part_that_is_not_there_is_an_error_that_names_those_that_are(source):
    with pytest.raises(FakeError, match="has no part 'publick'; it has public_key, public_key_openssh"):
        generate("rsa.private_key", source, part="publick")
    with pytest.raises(FakeError, match=r"github\.pat has no part 'x'; it has none"):
        generate("github.pat", source, part="x")


def test_an_unknown_kind_is_an_error(source):
    with pytest.raises(UnknownKind):
        generate("github.pta", source)


def test_a_kind_may_be_given_itself(source):
    assert generate(kind("github.pat"), source) == generate("github.pat", source)


def test_every_version_has_its_own_value():
    values = {generate("github.pat", Source("s", "p", "f", version)) for version in range(500)}
    assert len(values) == 500
