"""Errors that no request can be told of."""

import logging

from sandboxd.vault.errors import Failure
from sandboxd.vault.reporting import report


def test_a_refusals_text_is_told_and_another_errors_is_not(caplog):
    with caplog.at_level(logging.ERROR):
        report(Failure("cannot write"))
        report(ValueError("hunter2"))
    told, hidden = (record.getMessage() for record in caplog.records)
    assert told == "cannot write"
    assert hidden.startswith("unexpected ValueError; please report it")
    assert "hunter2" not in hidden
