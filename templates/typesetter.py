"""The typesetter: a part as its author wrote it, rewritten into the loop over rows that the press runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from jinja2 import Template, nodes
from jinja2.sandbox import SandboxedEnvironment

from templates.names import Loop, Role, dotted, is_local, loop_of, mentions
from templates.positions import start
from templates.speech import ENTRIES, SAID, SAID_NAME

END = "\0"
"""What the compiled part prints after each row."""

ROWS = "rows"
"""The name under which the compiled part finds the rows."""

_ENTRY = "entry"
_Node = TypeVar("_Node", bound=nodes.Node)


class Typesetter:
    """Sets one part; the tree must have passed the grammar.

    `fields` maps each dotted name to the field of a row that holds it. `wanted` maps, once the part is set, the packed
    position of every expression to the names it cannot do without.
    """

    def __init__(self, fields: Mapping[str, str], environment: SandboxedEnvironment) -> None:
        self._fields = fields
        self._environment = environment
        self.wanted: dict[int, tuple[str, ...]] = {}

    def set(self, block: nodes.Block) -> Template:
        """Return the compiled part, which prints every row of `ROWS` and `END` after each."""
        body = [self._node(node, None) for node in block.body]
        end = nodes.Output([nodes.TemplateData(END, lineno=block.lineno)], lineno=block.lineno)
        target = nodes.Tuple([nodes.Name(name, "store") for name in self._fields.values()], "store")
        rows = nodes.For(target, nodes.Name(ROWS, "load"), [*body, end], [], None, False, lineno=block.lineno)
        tree = nodes.Template([rows], lineno=block.lineno)
        tree.set_environment(self._environment)
        code = self._environment.compile(tree, filename="<part>")
        return Template.from_code(self._environment, code, {})

    def _node(self, node: nodes.Node, loop: Loop | None) -> nodes.Node:
        """Return a copy of a tree in which names are fields and everything printed is checked."""
        if isinstance(node, nodes.Output):
            return nodes.Output([self._printed(child, loop) for child in node.nodes], lineno=node.lineno)
        if isinstance(node, nodes.For):
            return self._for(node, loop)
        if isinstance(node, (nodes.Name, nodes.Getattr)):
            return self._name(node, loop)
        if isinstance(node, nodes.If):
            self._want(node.lineno, node.test, loop)
        return self._copy(node, loop)

    def _copy(self, node: _Node, loop: Loop | None) -> _Node:
        values = []
        for name in node.fields:
            value = getattr(node, name)
            if isinstance(value, list):
                value = [self._node(item, loop) if isinstance(item, nodes.Node) else item for item in value]
            elif isinstance(value, nodes.Node):
                value = self._node(value, loop)
            values.append(value)
        return type(node)(*values, lineno=node.lineno)

    def _printed(self, node: nodes.Expr, loop: Loop | None) -> nodes.Expr:
        if isinstance(node, nodes.TemplateData):
            return self._copy(node, loop)
        position = start(node)
        self._want(position, node, loop)
        check = SAID_NAME if dotted(node) else SAID
        return self._filtered(self._node(node, loop), check, position)

    def _for(self, node: nodes.For, loop: Loop | None) -> nodes.For:
        self._want(node.lineno, node.iter, loop, Role.LIST)
        inner = loop_of(node)
        return nodes.For(
            nodes.Name(_ENTRY, "store", lineno=node.lineno),
            self._filtered(self._node(node.iter, loop), ENTRIES, node.lineno),
            [self._node(child, inner) for child in node.body],
            [self._node(child, loop) for child in node.else_],
            self._node(node.test, inner) if node.test else None,
            False,
            lineno=node.lineno,
        )

    def _name(self, node: nodes.Name | nodes.Getattr, loop: Loop | None) -> nodes.Expr:
        spelled = dotted(node)
        if spelled is None:
            raise TypeError("a field of what is no name: the grammar refuses it")
        name, position = spelled
        if not is_local(name, loop):
            return nodes.Name(self._fields[name], "load", lineno=position)
        root, _, field = name.partition(".")
        if root == "loop":
            return nodes.Getattr(nodes.Name("loop", "load", lineno=position), field, "load", lineno=position)
        entry = nodes.Name(_ENTRY, "load", lineno=position)
        return nodes.Getitem(entry, nodes.Const(field, lineno=position), "load", lineno=position) if field else entry

    def _filtered(self, node: nodes.Node, check: str, position: int) -> nodes.Filter:
        return nodes.Filter(node, check, [], [], None, None, lineno=position)

    def _want(self, position: int, node: nodes.Node, loop: Loop | None, role: Role = Role.VALUE) -> None:
        """Remember which names the expression at a position cannot do without."""
        found = mentions(node, loop, role)
        self.wanted[position] = tuple(m.name for m in found if m.role in {Role.VALUE, Role.LIST})
