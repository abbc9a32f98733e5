"""Fakes: credentials that apps accept, that no provider can have issued, and that anyone can recognise.

    from sandboxd.fakes import Source, generate, verify

    token = generate("github.pat", Source(seed="demo", path="kv/data/app", field="token"))
    verify(token).status        # Status.MADE_HERE

A **kind** is a declared format (`kinds`, `kind`). `generate` makes its value for a **source** (seed, path, field,
version), always the same one, and `parts` all that belongs together. `verify` and `identify` say whose a value is,
`find` does so for the values in a text, and `guard` refuses real ones. To add a kind, add an entry to a module in
`entries/`.
"""

from sandboxd.fakes.errors import FakeError, OptionError, UnknownKind
from sandboxd.fakes.finding import Span, find
from sandboxd.fakes.guarding import Caution, Refusal, Rule, fingerprint, guard
from sandboxd.fakes.making import generate, parts
from sandboxd.fakes.model import Kind, Nature, Proof
from sandboxd.fakes.options import Option
from sandboxd.fakes.proving import Finding, Status, Verdict, identify, verify
from sandboxd.fakes.registry import kind, kinds
from sandboxd.fakes.stream import Source

__all__ = [
    "Caution",
    "FakeError",
    "Finding",
    "Kind",
    "Nature",
    "Option",
    "OptionError",
    "Proof",
    "Refusal",
    "Rule",
    "Source",
    "Span",
    "Status",
    "UnknownKind",
    "Verdict",
    "find",
    "fingerprint",
    "generate",
    "guard",
    "identify",
    "kind",
    "kinds",
    "parts",
    "verify",
]
