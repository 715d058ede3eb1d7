"""Rewriting a query tree node by node, what stands inside a rewritten node included."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp


def rewritten(tree: exp.Expr, rewrite: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """A copy of the tree in which `rewrite` was asked of every node, innermost first.

    SQLGlot's own `transform` goes from the outside in and leaves whatever is inside a node it has replaced as it was.
    """
    root = tree.copy()
    for node in reversed(list(root.walk(bfs=True))):
        new = rewrite(node)
        if new is node:
            continue
        if node is root:
            root = new
        else:
            node.replace(new)
    return root
