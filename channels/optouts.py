"""Does an answer refuse further messages? Exact words only; what merely sounds like it goes to a person."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

OPT_OUT_WORDS = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "opt-out", "revoke"}
    | {"td", "t", "r", "n", "退订", "回t退订", "回td退订", "退订回t", "拒收", "拒绝", "取消订阅"}
)
"""Whole answers, casefolded, that are an opt-out. Twilio's defaults and the markers Chinese gateways prescribe."""

CONFIRM_WORDS = frozenset({"yes", "y", "confirm", "是", "同意", "确认"})
"""Whole answers, casefolded, that confirm a consent somebody asked for; to anything else they say nothing."""

HELP_WORDS = frozenset({"help", "info", "帮助", "帮帮我", "客服"})
"""Whole answers, casefolded, that ask who is writing and how to stop it."""

_SOUNDS_LIKE = re.compile(
    r"\b(?:stop|unsubscribe|opt[- ]?out|remove me|leave me alone)\b"
    r"|退订|拒收|取消订阅|别再发|不要再发|骚扰|投诉"
)
_NEGATED = re.compile(
    r"\b(?:don't|dont|do not|never|didn't|not)\s+(?:\w+\s+)?(?:stop|unsubscribe|opt)"
    r"|(?:不|别|没有?|不要|不想)(?:退订|拒收|取消订阅)"
)
_EDGES = " \t\r\n\"'“”‘’.。,，!！?？、;；()（）"


def opt_out_word(text: str) -> Literal["opt_out", "person", "nothing"]:
    """Read an answer: `opt_out` only if all of it is such a word, `person` if it sounds like one, else `nothing`."""
    words = _bare(text)
    if words in OPT_OUT_WORDS:
        return "opt_out"
    if _SOUNDS_LIKE.search(_NEGATED.sub(" ", words)):
        return "person"
    return "nothing"


def read_answer(text: str) -> Literal["opt_out", "confirm", "help", "person", "nothing"]:
    """Read an answer: as `opt_out_word`, and `confirm` or `help` only if all of it is such a word."""
    words = _bare(text)
    if words in CONFIRM_WORDS:
        return "confirm"
    return "help" if words in HELP_WORDS else opt_out_word(text)


def _bare(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("’", "'").casefold().strip(_EDGES)
