"""What a condition may say: operators, functions and types that read nothing but the row and answer alike every time.

SQLGlot passes functions it does not know through to the database, so whatever is not listed here is refused.
"""

from __future__ import annotations

from sqlglot import exp

OPERATORS: frozenset[type[exp.Expr]] = frozenset({
    exp.And, exp.Or, exp.Not, exp.Paren, exp.Is, exp.In, exp.Between, exp.Like, exp.ILike, exp.Escape, exp.Tuple,
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ,
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.DPipe,
    exp.Case, exp.If, exp.Cast, exp.TryCast,
})  # fmt: skip
"""Operators, comparisons and the forms of `case` and `cast`."""

FUNCTIONS: dict[type[exp.Expr], str] = {
    exp.Lower: "lower", exp.Upper: "upper", exp.Trim: "trim", exp.Length: "length", exp.Concat: "concat",
    exp.Substring: "substring", exp.Left: "left", exp.Right: "right", exp.Replace: "replace",
    exp.StartsWith: "starts_with", exp.EndsWith: "ends_with", exp.Contains: "contains",
    exp.Coalesce: "coalesce", exp.Nullif: "nullif", exp.Greatest: "greatest", exp.Least: "least",
    exp.Abs: "abs", exp.Round: "round", exp.Floor: "floor", exp.Ceil: "ceil",
    exp.DateDiff: "date_diff", exp.DateAdd: "date_add", exp.DateSub: "date_sub",
    exp.DateTrunc: "date_trunc", exp.TimestampTrunc: "date_trunc",
    exp.Extract: "extract", exp.Year: "year", exp.Quarter: "quarter", exp.Month: "month", exp.Week: "week",
    exp.Day: "day", exp.DayOfMonth: "dayofmonth", exp.DayOfWeek: "dayofweek", exp.DayOfYear: "dayofyear",
    exp.ArrayContains: "list_contains", exp.JSONExtractScalar: "json_extract_string",
}  # fmt: skip
"""Functions a condition may call, by the node they are parsed to, with the name to write."""

PARTS: frozenset[type[exp.Expr]] = frozenset({
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Var, exp.Interval, exp.DataType,
    exp.DataTypeParam, exp.JSONPath, exp.JSONPathRoot, exp.JSONPathKey, exp.JSONPathSubscript,
})  # fmt: skip
"""What operators and functions are applied to."""

_TYPE = exp.DataType.Type
TYPES = frozenset({
    _TYPE.VARCHAR, _TYPE.TEXT, _TYPE.CHAR, _TYPE.BOOLEAN, _TYPE.DATE, _TYPE.TIMESTAMP, _TYPE.TIMESTAMPTZ,
    _TYPE.TINYINT, _TYPE.SMALLINT, _TYPE.INT, _TYPE.BIGINT, _TYPE.FLOAT, _TYPE.DOUBLE, _TYPE.DECIMAL,
})  # fmt: skip
"""Types a value may be cast to."""

REPLACEMENTS = {
    "now": "write now, without brackets",
    "today": "write today, without brackets",
    "current_date": "write today",
    "current_timestamp": "write now",
    "date_part": "write extract(year from ...)",
    "datepart": "write extract(year from ...)",
    "weekday": "write dayofweek(...), 0 is Sunday",
    "age": "write date_diff('year', ..., today)",
    "if": "write case when ... then ... else ... end",
    "ifnull": "write coalesce(...)",
    "intdiv": "write floor(a / b): // means other things for other kinds of number, and in other databases",
}
"""What to write instead of functions people reach for and a condition may not call."""


def allowed(node: exp.Expr) -> bool:
    """Whether a condition may contain this node, looked at by itself."""
    if isinstance(node, exp.In):
        return not any(node.args.get(part) for part in ("query", "unnest", "field"))
    if isinstance(node, exp.DataType):
        return node.this in TYPES
    return type(node) in OPERATORS or type(node) in FUNCTIONS or type(node) in PARTS


def spoken(node: exp.Expr) -> str:
    """How the node would be called in a message to whoever wrote it."""
    for nodes, words in _SPOKEN:
        if isinstance(node, nodes):
            return words.format(name=node.name.lower(), called=node.key, written=node.sql("duckdb"))
    return f"the function {node.sql_name().lower()}()" if isinstance(node, exp.Func) else f"'{node.sql('duckdb')}'"


_SPOKEN: tuple[tuple[tuple[type, ...], str], ...] = (
    ((exp.Anonymous,), "the function {name}()"),
    ((exp.Query, exp.SubqueryPredicate, exp.In), "a query inside the condition"),
    ((exp.AggFunc,), "the aggregate {called}()"),
    ((exp.Window,), "a window over other rows"),
    ((exp.Placeholder, exp.Parameter), "a parameter"),
    ((exp.DataType,), "a cast to {written}"),
)
