"""A sentence of a report: its form and the values in it, so that another language can say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Sentence(str):
    """The sentence in English; `form` with places for `values`, as `str.format` has them. A value may be a sentence itself."""

    form: str
    values: dict[str, Any]

    def __new__(cls, form: str, **values: Any) -> Sentence:
        """A form with its values."""
        made = super().__new__(cls, form.format(**values))
        made.form, made.values = form, values
        return made


def said(words: str, forms: Mapping[str, str]) -> str:
    """The same in another language, by the English form of each sentence; what is not among `forms` stays as it is."""
    if not isinstance(words, Sentence):
        return forms.get(words, words)
    values = {name: said(value, forms) if isinstance(value, str) else value for name, value in words.values.items()}
    return forms.get(words.form, words.form).format(**values)
