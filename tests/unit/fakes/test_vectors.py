"""The published vectors of `sandboxd/gen/1` and `sandboxd/wm/1`.

Parts are joined here, so that no value stands in the source as a scanner would look for it.
"""

import pytest

from sandboxd.fakes import Source, Status, generate, verify

VECTORS = {
    "github_ghp": ("ghp_", "Hd5azuhu37WLboJXKbaJ", "boGzhRRunM", "YhKAMp"),
    "github_fine_grained_pat": (
        "github_pat_11",
        "KNySLVsYHEAcPuQc2rWO",
        "_",
        "3RjksJ6cdtI2tFGYdvIdR7jeut07NoD2IP7S93RBBjI",
        "ewBGRorM",
        "QqfgLQI6",
    ),
    "gitlab_pat_routable": ("glpat-", "Mbkxp8PBGMAzSA32g", "a8esdpl_Ok", ".01.0r", "w4r2koe"),
    "grafana_service_account": ("glsa_", "8LBUep5xhkjcPBtBaLDnkC", "cs3RsO5S1e", "_", "740001fe"),
    "azure_client_secret": ("9FJ", "8Q~", "Cjqy936Am7DyCoUQFsw.", "iHFzCFOic5r", "nRZ"),
    "sendgrid_key": ("SG.", "5Dilshj1d7d8t23dr79gij", ".", "hwpV_hF2OB-rXaftjBA-BAmgFcBzT-_Y", "_UAAh_pys3f"),
    "twilio_account_sid": ("AC", "8b3e755fb5ab8cb6", "7bef6766fb85b24d"),
    "stripe_webhook_secret": ("whsec_", "8At2sdlwbmboRrgo8RxQC", "3k8uQIX1xgu"),
    "totp_seed": ("ADDAV5BVKFTKSPEJVGS", "U565EJ7VRRQT6"),
    "password_marked": ("Sbx1-", "I0ASS0icTVnVYI", "MLA2jye5x3e"),
}


@pytest.mark.parametrize("kind", VECTORS)
def test_a_published_vector_is_made_again(kind, source):
    assert generate(kind, source) == "".join(VECTORS[kind])


@pytest.mark.parametrize("kind", VECTORS)
def test_a_published_vector_verifies_as_its_kind(kind):
    verdict = verify("".join(VECTORS[kind]))
    assert (verdict.status, verdict.kind.id) == (Status.MADE_HERE, kind)


@pytest.mark.parametrize(
    "other",
    [
        Source("example-seed2", "kv/data/app", "token", 1),
        Source("example-seed", "kv/data/app2", "token", 1),
        Source("example-seed", "kv/data/app", "token2", 1),
        Source("example-seed", "kv/data/app", "token", 2),
        Source("example-seed", "kv/data", "app/token", 1),
    ],
)
def test_seed_path_field_and_version_each_change_the_value(other):
    assert generate("github_ghp", other) != "".join(VECTORS["github_ghp"])


def test_a_seed_may_be_text_or_its_bytes(source):
    same = Source(b"example-seed", source.path, source.field, source.version)
    assert generate("github_ghp", same) == generate("github_ghp", source)
