"""The words: templates in every language of the insurer, checked before use and printed by the column."""

from templates.faults import BrokenTemplateError, TemplateError, TemplateFault
from templates.library import OWN, Library
from templates.parts import PARTS, Draft
from templates.vocabulary import LISTS

__all__ = ["LISTS", "OWN", "PARTS", "BrokenTemplateError", "Draft", "Library", "TemplateError", "TemplateFault"]
