"""The dotted names a part mentions, such as customer.name, and what each is wanted for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from jinja2 import nodes

LIST_FILTERS = frozenset({"join_list", "join", "first"})
"""Filters that want a list."""

OFFER_FIELDS = ("name", "reason", "product_id")
"""What an entry of `offers` has."""

LOOP_FIELDS = ("index", "first", "last", "length")
"""What may be asked of `loop` inside a loop."""


class Role(Enum):
    """What a name is wanted for: its value, its entries, whether it is given, or its value if there is one."""

    VALUE = "value"
    LIST = "list"
    GIVEN = "given"
    DEFAULT = "default"


@dataclass(frozen=True)
class Mention:
    """A dotted name where it stands; `position` is packed."""

    name: str
    position: int
    role: Role = Role.VALUE


@dataclass(frozen=True)
class Loop:
    """The loop around an expression: what an entry is called there and the list it comes from."""

    entry: str
    of: str | None


def dotted(node: nodes.Node) -> tuple[str, int] | None:
    """Return the dotted name a node spells and the position of its start, or None where it is no plain name."""
    fields: list[str] = []
    while isinstance(node, nodes.Getattr):
        fields.append(node.attr)
        node = node.node
    if not isinstance(node, nodes.Name):
        return None
    return ".".join([node.name, *reversed(fields)]), node.lineno


def loop_of(node: nodes.For) -> Loop:
    """Return what the body of a `for` may use."""
    source = dotted(node.iter)
    entry = node.target.name if isinstance(node.target, nodes.Name) else ""
    return Loop(entry, source[0] if source else None)


def is_local(name: str, loop: Loop | None) -> bool:
    """Does the name belong to the loop around it rather than to the customer?"""
    return loop is not None and name.partition(".")[0] in {loop.entry, "loop"}


def mentions(node: nodes.Node, loop: Loop | None = None, role: Role = Role.VALUE) -> Iterator[Mention]:
    """Yield the names of a tree in the order they are written; names of a loop's own are left out."""
    spelled = dotted(node)
    if spelled:
        if not is_local(spelled[0], loop):
            yield Mention(*spelled, role)
    elif isinstance(node, nodes.For):
        yield from mentions(node.iter, loop, Role.LIST)
        for child in [*node.body, *([node.test] if node.test else [])]:
            yield from mentions(child, loop_of(node))
        for child in node.else_:
            yield from mentions(child, loop)
    else:
        for child in node.iter_child_nodes():
            yield from mentions(child, loop, _wanted(node, child))


def _wanted(parent: nodes.Node, child: nodes.Node) -> Role:
    """Return what a node wants its child for."""
    if isinstance(parent, nodes.Test) and parent.name == "given":
        return Role.GIVEN
    if isinstance(parent, nodes.Filter) and child is parent.node:
        if parent.name == "default":
            return Role.DEFAULT
        if parent.name in LIST_FILTERS:
            return Role.LIST
    return Role.VALUE


def optional(found: list[Mention]) -> frozenset[str]:
    """Return the names the part asks about with `is given`: facts without them will do."""
    return frozenset(mention.name for mention in found if mention.role is Role.GIVEN)
