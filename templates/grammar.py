"""What a template may say: far less than Jinja2 can.

Words are written by people outside the engineering team and rendered by the million, so the language is a list of what
is allowed. Nothing in it multiplies, calls, stores or fetches, hence nothing runs away: a text grows at most with its
source times the longest list.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Literal, get_args, get_origin, get_type_hints

from jinja2 import nodes

from templates.filters import Filter
from templates.names import LOOP_FIELDS, OFFER_FIELDS, Loop, dotted, loop_of
from templates.positions import start

TESTS = ("given", "none")
"""Tests after `is`; `given` means neither unknown nor blank."""

DEEPEST = 40
"""How deep expressions and blocks may be nested."""

_ALLOWED = (
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.For,
    nodes.Name,
    nodes.Getattr,
    nodes.Const,
    nodes.Filter,
    nodes.Keyword,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Add,
    nodes.Sub,
    nodes.Neg,
    nodes.Concat,
    nodes.Tuple,
    nodes.List,
)
_IN_WORDS: tuple[tuple[type[nodes.Node], str, str], ...] = (
    (nodes.Call, "nothing can be called", "use a filter, as in {{ customer.name | upper }}"),
    (nodes.Getitem, "square brackets are not allowed", "write customer.name, or go through a list with for"),
    (nodes.BinExpr, "only + and - can be computed", "work the figure out in the insurer's tables"),
    (nodes.Assign, "set is not allowed", "write the expression where it is used"),
    (nodes.AssignBlock, "set is not allowed", "write the words where they are used"),
    (nodes.Block, "a part cannot stand inside another", "close it with {% endblock %} first"),
    (nodes.Scope, "autoescape is not allowed", "the part email escapes, the others do not"),
    (nodes.CallBlock, "call is not allowed", "write the words out"),
    (nodes.FilterBlock, "filter is not allowed as a tag", "as in {{ customer.name | upper }}"),
    (nodes.Macro, "macro is not allowed", "write the words out"),
    (nodes.Include, "include is not allowed", "a template is one file"),
    (nodes.Import, "import is not allowed", "a template is one file"),
    (nodes.FromImport, "import is not allowed", "a template is one file"),
    (nodes.Extends, "extends is not allowed", "a template is one file"),
)

Complaint = tuple[int, str, str]
"""A packed position, what is wrong, and what to do about it."""


def complaints(
    node: nodes.Node, filters: Mapping[str, Filter], loop: Loop | None = None, depth: int = 0
) -> Iterator[Complaint]:
    """Yield everything below a part's block that the language does not have."""
    if depth > DEEPEST:
        yield node.lineno, "is nested too deeply", f"at most {DEEPEST} levels"
    elif not isinstance(node, _ALLOWED):
        yield _refusal(node)
    elif isinstance(node, (nodes.Getattr, nodes.Name)):
        yield from _field(node, loop)
    else:
        yield from _own(node, filters, loop)
        inner = loop_of(node) if isinstance(node, nodes.For) else loop
        for child in node.iter_child_nodes(exclude=("target", "iter") if isinstance(node, nodes.For) else None):
            yield from complaints(child, filters, inner, depth + 1)


def _refusal(node: nodes.Node) -> Complaint:
    for kind, message, hint in _IN_WORDS:
        if isinstance(node, kind):
            return start(node), message, hint
    return start(node), f"{type(node).__name__.lower()} is not allowed", "the tags are block, if, elif, else and for"


def _field(node: nodes.Expr, loop: Loop | None) -> Iterator[Complaint]:
    spelled = dotted(node)
    if spelled is None:
        yield node.lineno, "a field can only follow a name", "as in customer.name"
        return
    root, _, field = spelled[0].partition(".")
    if loop and root == "loop" and field not in LOOP_FIELDS:
        yield spelled[1], f"there is no {spelled[0]}", f"loop has {', '.join(LOOP_FIELDS)}"
    elif loop and root == loop.entry:
        yield from _entry_field(spelled[0], spelled[1], field, loop)


def _entry_field(name: str, position: int, field: str, loop: Loop) -> Iterator[Complaint]:
    if loop.of == "offers" and field not in OFFER_FIELDS:
        fields = ", ".join(f"{loop.entry}.{known}" for known in OFFER_FIELDS)
        yield position, f"there is no {name}" if field else f"{name} is not a text", f"an offer has {fields}"
    elif loop.of != "offers" and field:
        yield position, f"there is no {name}", f"an entry of {loop.of} is a text: write {loop.entry}"


def _own(node: nodes.Node, filters: Mapping[str, Filter], loop: Loop | None) -> Iterator[Complaint]:
    """Yield what is wrong with the node itself rather than with what it holds."""
    if isinstance(node, nodes.For):
        yield from _for(node, loop)
    elif isinstance(node, nodes.Filter):
        yield from _filter(node, filters)
    elif isinstance(node, nodes.Test):
        yield from _test(node)
    elif isinstance(node, nodes.CondExpr) and node.expr2 is None:
        yield node.lineno, "does not say what to write otherwise", "add else, as in {{ 'a' if x is given else 'b' }}"


def _for(node: nodes.For, loop: Loop | None) -> Iterator[Complaint]:
    if loop:
        yield node.lineno, "a loop cannot stand inside another", "a message goes through one list at a time"
    if node.recursive:
        yield node.lineno, "recursive is not allowed", "a message goes through one list at a time"
    if not isinstance(node.target, nodes.Name) or node.target.name == "loop":
        yield node.target.lineno, "an entry has one name", "as in {% for offer in offers %}"
    if dotted(node.iter) is None:
        yield node.iter.lineno, "a loop goes through offers or a list column", "as in claim.missing_documents"


def _filter(node: nodes.Filter, filters: Mapping[str, Filter]) -> Iterator[Complaint]:
    if node.name not in filters:
        near = get_close_matches(node.name, filters, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(filters))}"
        yield node.lineno, f"there is no filter named {node.name}", hint
    elif node.dyn_args or node.dyn_kwargs:
        yield node.lineno, f"{node.name} takes its arguments one by one", ""
    else:
        yield from _arguments(node, filters[node.name])


def _arguments(node: nodes.Filter, filter_: Filter) -> Iterator[Complaint]:
    signature = inspect.signature(filter_)
    named = {str(pair.key): pair.value for pair in node.kwargs}
    try:
        bound = signature.bind(node.node, *node.args, **named)
    except TypeError as error:
        takes = ", ".join(str(parameter.name) for parameter in list(signature.parameters.values())[1:])
        yield node.lineno, f"{node.name}: {error}", f"it takes ({takes})" if takes else "it takes no arguments"
        return
    hints = get_type_hints(filter_)
    for name, value in bound.arguments.items():
        choices = get_args(hints.get(name)) if get_origin(hints.get(name)) is Literal else ()
        if choices and isinstance(value, nodes.Const) and value.value not in choices:
            yield value.lineno, f"{node.name} has no {name} {value.value!r}", f"there are {', '.join(choices)}"


def _test(node: nodes.Test) -> Iterator[Complaint]:
    if node.name not in TESTS:
        hint = "did you mean given?" if node.name == "defined" else f"there are {', '.join(TESTS)}"
        yield node.lineno, f"there is no test named {node.name}", hint
    elif node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
        yield node.lineno, f"is {node.name} takes no arguments", ""
    elif node.name == "given" and dotted(node.node) is None:
        yield node.lineno, "only a name can be given", "as in policy.renewal_premium is given"
