"""HCL 1, the language of policies, password policies and server configuration, in its own notation and as JSON.

`parse` turns a text into **items**: an item has **keys** (one for `name = "x"`, more for a labelled block such as
`path "secret/*" { ... }`) and a value, a **node**: a literal, a list or an object. Order, duplicates and positions in
the source are kept. `decode` reads nodes as the plain values a caller wants, with the leniency of HashiCorp's decoder
(a number is good for a string, repeated lists add up, an object is a list of objects).

What is accepted and each refusal follow hashicorp/hcl v1.0.1-vault-7, oddities included, for clients see its error
texts. Two things differ on purpose: what makes that library panic raises HCLError here, and so does an input nested
more than MAX_DEPTH deep.
"""

from sandboxd.vault.hcl.jsonform import parse_json
from sandboxd.vault.hcl.nodes import MAX_DEPTH, HCLError, Item, Items, List, Literal, Node, Object, Position
from sandboxd.vault.hcl.parse import parse_hcl

__all__ = ["MAX_DEPTH", "HCLError", "Item", "Items", "List", "Literal", "Node", "Object", "Position", "parse"]


def parse(text: str) -> Items:
    """Return the items of an HCL text, or of a JSON one, which is known by its leading brace.

    Raises HCLError, whose text is that of the real library: `At 1:5: illegal char` for HCL, `1:5: illegal char: /` for
    JSON.
    """
    if text.lstrip()[:1] == "{":
        return parse_json(text)
    return parse_hcl(text)
