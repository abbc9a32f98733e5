"""Go's text/template: templates that clients write into Vault, run here as there.

A **template** is text with **actions** between `{{` and `}}`. An action prints a **pipeline** or steers what follows
(`if`, `with`, `range`, `define`, `template`, `block`). `Template.parse` reads one, `Template.run` fills it in; both
raise `TemplateError` with the text of Go's package, since the real server hands it on to clients.

    lexer.py       text to tokens              values.py      Go's types, and a Python value as one of them
    parser.py      tokens to nodes             formatting.py  Go's fmt: Sprint, Sprintf
    nodes.py       nodes, and how they print   builtins.py    the functions that every template has
    running.py     nodes and data to text

Text may hold bytes that are no UTF-8, as surrogate escapes: Go cuts text at bytes. Where Go would run as long as it
takes, a run here ends with an error after `running.STEPS` steps or `values.LARGEST` bytes of text.
"""

from sandboxd.vault.gotemplate.running import Template
from sandboxd.vault.gotemplate.values import Function, Record, TemplateError

__all__ = ["Function", "Record", "Template", "TemplateError"]
