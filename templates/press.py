"""The printing press: one part of one template, compiled to print whole columns of customers.

Jinja2 spends most of a short message on entering the template and looking names up in a sandbox. So the press wraps the
part into `{% for (f0, f1, ...) in rows %}` and replaces every dotted name by a field of the row: the compiled code runs
once for many customers and never looks up an attribute of anything a customer's facts hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

from jinja2 import StrictUndefined, Template, TemplateRuntimeError, nodes
from jinja2.sandbox import SandboxedEnvironment

from templates.faults import UnsayableError
from templates.filters import filters
from templates.filters.lists import entries
from templates.names import Loop, Mention, Role, dotted, is_local, loop_of, mentions, optional
from templates.parts import HTML_PARTS, MAX_CHARACTERS
from templates.positions import unpack

_END = "\0"
_ROWS = "rows"
_ENTRY = "entry"
_SPOKEN = (str, int)
_Node = TypeVar("_Node", bound=nodes.Node)


@dataclass(frozen=True)
class Misprint:
    """Why one customer's text could not be printed, and where in the template."""

    line: int
    column: int
    message: str
    hint: str = ""


class Press:
    """One part of a template, ready to print.

    `names` are the dotted names it wants, in the order of a row's fields; those in `optional` may be unknown.
    """

    def __init__(self, block: nodes.Block, part: str, locale: str) -> None:
        found = [mention for node in block.body for mention in mentions(node)]
        self.names: tuple[str, ...] = tuple(sorted({mention.name for mention in found}))
        self.optional = optional(found)
        self.start = unpack(block.lineno)
        environment = _environment(locale, part in HTML_PARTS)
        setter = _Setter({name: f"f{index}" for index, name in enumerate(self.names)}, environment)
        self._template = setter.set(block)
        self._wanted = setter.wanted

    def print(self, columns: Sequence[Iterable[object]], count: int) -> list[str | Misprint]:
        """Print `count` rows; `columns` hold the values of `names`, in order."""
        rows = list(zip(*columns, strict=True)) if columns else [()] * count
        printed = self._print(iter(rows), rows)
        if len(printed) != count:  # a value holds the mark that ends a text
            printed = [self._print_alone(row) for row in rows]
        return [self._checked(text) for text in printed]

    def _print(self, coming: Iterator[tuple[object, ...]], rows: Sequence[tuple[object, ...]]) -> list[str | Misprint]:
        """Print row after row; after a row that cannot be printed go on with the next one."""
        printed: list[str | Misprint] = []
        while True:
            pieces: list[str] = []
            misprint = None
            try:
                for piece in self._template.root_render_func(self._template.new_context({_ROWS: coming})):
                    pieces.append(piece)
            except (TemplateRuntimeError, TypeError, ValueError, ArithmeticError, LookupError) as error:
                misprint = error
            printed += "".join(pieces).split(_END)[:-1]
            if misprint is None:
                return printed
            if len(printed) >= len(rows):
                return []
            printed.append(self._misprint(misprint, rows[len(printed)]))

    def _print_alone(self, row: tuple[object, ...]) -> str | Misprint:
        printed = self._print(iter([row]), [row])
        if len(printed) == 1:
            return printed[0]
        return Misprint(*self.start, "a value holds a control character", "clean the insurer's table")

    def _checked(self, text: str | Misprint) -> str | Misprint:
        if isinstance(text, str) and len(text) > MAX_CHARACTERS:
            return Misprint(*self.start, f"the text has {len(text):,} characters, at most {MAX_CHARACTERS:,} are sent")
        return text

    def _misprint(self, error: Exception, row: tuple[object, ...]) -> Misprint:
        """Say why: mostly because a name of the expression has no value for this customer."""
        position = self._position(error.__traceback__)
        line, column = unpack(position) if position in self._wanted else self.start
        values = dict(zip(self.names, row, strict=True))
        empty = [name for name in self._wanted.get(position, ()) if _is_blank(values[name])]
        if not empty:
            return Misprint(line, column, str(error))
        verb = "is" if len(empty) == 1 else "are"
        hint = f"add default(...), or ask first: {{% if {empty[0]} is given %}}"
        return Misprint(line, column, f"{' and '.join(empty)} {verb} empty for this customer", hint)

    def _position(self, trace: TracebackType | None) -> int:
        """Return the packed position of the expression that was being printed."""
        position = 0
        while trace:
            if trace.tb_frame.f_code is self._template.root_render_func.__code__:
                position = self._template.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        return position


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _said(value: object) -> object:
    """Let text and whole numbers through: anything else would be printed as the machine keeps it."""
    if value.__class__ in _SPOKEN:
        return value
    if isinstance(value, StrictUndefined):
        str(value)  # raises, and names what is missing
    if value is None:
        raise UnsayableError("there is no value")
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise UnsayableError(f"{value!r} is not text: a filter such as date, money, number or join_list says it")


def _said_name(value: object) -> object:
    """Let a value that stands by itself through unless it is blank."""
    if value.__class__ is str and value and not value.isspace():
        return value
    if _is_blank(value):
        raise UnsayableError("there is no value")
    return _said(value)


def _environment(locale: str, html: bool) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(autoescape=html, undefined=StrictUndefined, cache_size=0)
    environment.globals.clear()
    environment.filters = {**filters(locale), "_said": _said, "_said_name": _said_name, "_entries": entries}
    environment.tests = {"given": lambda value: not _is_blank(value), "none": lambda value: value is None}
    return environment


class _Setter:
    """Sets the type: rewrites the tree of a part into the loop over rows and compiles it."""

    def __init__(self, fields: Mapping[str, str], environment: SandboxedEnvironment) -> None:
        self._fields = fields
        self._environment = environment
        self.wanted: dict[int, tuple[str, ...]] = {}

    def set(self, block: nodes.Block) -> Template:
        body = [self._node(node, None) for node in block.body]
        end = nodes.Output([nodes.TemplateData(_END, lineno=block.lineno)], lineno=block.lineno)
        target = nodes.Tuple([nodes.Name(name, "store") for name in self._fields.values()], "store")
        rows = nodes.For(target, nodes.Name(_ROWS, "load"), [*body, end], [], None, False, lineno=block.lineno)
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
        start = min([node.lineno, *(child.lineno for child in node.find_all(nodes.Node))])
        self._want(start, node, loop)
        check = "_said_name" if dotted(node) else "_said"
        return self._filtered(self._node(node, loop), check, start)

    def _for(self, node: nodes.For, loop: Loop | None) -> nodes.For:
        self._want(node.lineno, node.iter, loop, Role.LIST)
        inner = loop_of(node)
        return nodes.For(
            nodes.Name(_ENTRY, "store", lineno=node.lineno),
            self._filtered(self._node(node.iter, loop), "_entries", node.lineno),
            [self._node(child, inner) for child in node.body],
            [self._node(child, loop) for child in node.else_],
            self._node(node.test, inner) if node.test else None,
            False,
            lineno=node.lineno,
        )

    def _name(self, node: nodes.Name | nodes.Getattr, loop: Loop | None) -> nodes.Expr:
        spelled = dotted(node)
        assert spelled is not None  # noqa: S101 - the grammar lets no other field through
        name, position = spelled
        if not is_local(name, loop):
            return nodes.Name(self._fields[name], "load", lineno=position)
        root, _, field = name.partition(".")
        if root == "loop":
            return (
                self._copy(node, None)
                if isinstance(node, nodes.Name)
                else nodes.Getattr(nodes.Name("loop", "load", lineno=position), field, "load", lineno=position)
            )
        entry = nodes.Name(_ENTRY, "load", lineno=position)
        return nodes.Getitem(entry, nodes.Const(field, lineno=position), "load", lineno=position) if field else entry

    def _filtered(self, node: nodes.Node, check: str, position: int) -> nodes.Filter:
        return nodes.Filter(node, check, [], [], None, None, lineno=position)

    def _want(self, position: int, node: nodes.Node, loop: Loop | None, role: Role = Role.VALUE) -> None:
        """Remember which names the expression at a position cannot do without."""
        found: Iterable[Mention] = mentions(node, loop, role)
        self.wanted[position] = tuple(m.name for m in found if m.role in {Role.VALUE, Role.LIST})
