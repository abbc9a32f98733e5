import pytest

from sandboxd.vault import errors
from sandboxd.vault.errors import Failure, Refusal, VaultError, fail, in_one_line, listed, refuse


def test_a_list_of_one_and_of_more_are_worded_as_by_the_real_server():
    assert listed(("a",)) == "1 error occurred:\n\t* a\n\n"
    assert listed(("a", "b")) == "2 errors occurred:\n\t* a\n\t* b\n\n"


def test_a_refusal_has_its_text_and_status():
    with pytest.raises(Refusal) as caught:
        refuse("no such role")
    assert (caught.value.errors, caught.value.status) == (("no such role",), 400)
    with pytest.raises(Refusal) as caught:
        refuse("gone", 404)
    assert caught.value.status == 404


def test_a_failure_has_its_text_and_status():
    with pytest.raises(Failure) as caught:
        fail("broken")
    assert (caught.value.errors, caught.value.status) == (("broken",), 500)


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        (errors.InvalidRequest, 400, "invalid request"),
        (errors.PermissionDenied, 403, "permission denied"),
        (errors.UnsupportedPath, 404, "unsupported path"),
        (errors.UnsupportedOperation, 405, "unsupported operation"),
        (errors.InvalidWrappingToken, 400, "wrapping token is not valid or does not exist"),
        (errors.Sealed, 503, "Vault is sealed"),
        (errors.InternalError, 500, "internal error"),
    ],
)
def test_named_failures_have_texts_of_their_own(kind, status, text):
    assert (kind().status, kind().errors) == (status, (text,))


def test_every_refusal_stands_in_the_tree_at_the_head_of_the_module():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, VaultError)]
    assert errors.__doc__ is not None
    assert all(kind.__name__ in errors.__doc__ for kind in kinds)


def test_errors_are_told_in_a_line_without_the_form_of_a_list():
    assert in_one_line(["1 error occurred:\n\t* no such role\n\n", "sealed"]) == "no such role; sealed"
    assert in_one_line([]) == "it gives no reason"
