"""The fields of a pydantic model as rows of a table: name, what it takes, default, example, meaning."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import time
from typing import Any

from markdown import code, table
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from campaigns.policy import PURPOSES

COLUMNS = ("field", "takes", "default", "example", "meaning")


def field_table(model: type[BaseModel], leave_out: Collection[str] = ()) -> str:
    """The fields of a model, in the order they are declared."""
    properties = model.model_json_schema(by_alias=True)["properties"]
    rows = [
        (code(name), takes(properties[name]), default(field), example(field), meaning(name, field))
        for name, field in named(model)
        if name not in leave_out
    ]
    return table(COLUMNS, rows)


def named(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Fields by the name they have in a file."""
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def meaning(name: str, field: FieldInfo) -> str:
    """What the field is for; one that is named after a purpose holds for messages of that purpose."""
    if field.description:
        return field.description
    return f"for messages of the purpose `{name}`" if name in PURPOSES else ""


def gaps(model: type[BaseModel], leave_out: Collection[str] = ()) -> list[str]:
    """Fields nobody has described."""
    return [
        f"{model.__name__}.{name}" for name, field in named(model) if name not in leave_out and not meaning(name, field)
    ]


def takes(schema: dict[str, Any]) -> str:
    """What may be written, from the field's JSON schema."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(takes(part) for part in schema["anyOf"] if part.get("type") != "null"))
    if "enum" in schema or "const" in schema:
        return ", ".join(code(value) for value in schema.get("enum", [schema.get("const")]))
    if "$ref" in schema:
        return f"mapping ([{_last(schema['$ref'])}](#{_last(schema['$ref']).lower()}))"
    return f"list of {takes(schema.get('items', {}))}" if schema.get("type") == "array" else _plain(schema)


def _plain(schema: dict[str, Any]) -> str:
    if schema.get("le") == 1:
        return "percentage"
    if "(h|d|w|mo)" in schema.get("pattern", ""):
        return "length of time"
    words = {"string": "text", "boolean": "true or false", "integer": "whole number", "number": "number"}
    return words.get(str(schema.get("type")), "mapping")


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]


def default(field: FieldInfo) -> str:
    """The default as one would write it."""
    if field.is_required():
        return "(required)"
    value = field.get_default(call_default_factory=True, validated_data={})
    return code(written(value)) if written(value) else ""


def written(value: Any) -> str:
    """A value as it stands in a YAML file; nothing for what is empty, of a table what differs from its own defaults."""
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, BaseModel):
        return written({name: getattr(value, key) for key, name in _changed(value)})
    if isinstance(value, tuple | list):
        return f"[{', '.join(written(each) for each in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {written(each)}" for name, each in value.items()) + "}"
    return f"{value:%H:%M}" if isinstance(value, time) else _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _changed(value: BaseModel) -> list[tuple[str, str]]:
    """Attribute and name in a file of every field that is not as it would be by itself."""
    usual = {key: field.get_default(call_default_factory=True, validated_data={}) for key, field in _fields(value)}
    return [(key, field.alias or key) for key, field in _fields(value) if getattr(value, key) != usual[key]]


def _fields(value: BaseModel) -> list[tuple[str, FieldInfo]]:
    return list(type(value).model_fields.items())


def example(field: FieldInfo) -> str:
    """The first example."""
    return code(written(field.examples[0])) if field.examples else ""
