"""The last look at the words: what the gateway prescribes is added, what it would refuse is named before it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from channels.contract import MEDIA, Profile
from channels.profiles import governing
from channels.segments import segments

OPT_OUT_MARKERS = {"zh": "回T退订", "en": "Reply STOP to opt out"}
"""Language to the customary words; English where the language is not listed."""
_JOINTS = {"zh": "，", "en": ". "}
_LINK = re.compile(r"https?://|www\.|\b[a-z0-9-]+\.(?:com|cn|net|org|io|cc|co|me|app|link|top|xyz)\b", re.IGNORECASE)
_SENTENCE_ENDS = "。！？!?.;；…"


@dataclass(frozen=True)
class Objection:
    """Why a gateway would not take these words: a code to count by, a sentence for the author."""

    reason_code: str
    words: str


def opt_out_marker(profile: Profile, locale: str) -> str:
    """Words that say how to refuse: those the gateway prescribes, or the customary ones if an answer can arrive."""
    if profile.opt_out_marker:
        return profile.opt_out_marker
    language = locale[:2].lower()
    return OPT_OUT_MARKERS.get(language, OPT_OUT_MARKERS["en"]) if profile.replies else ""


def finish(
    profile: Profile,
    parts: Mapping[str, str],
    purpose: str,
    signature: str,
    *,
    locale: str = "zh-CN",
    address: str = "",
) -> dict[str, str]:
    """Give an SMS the signature 【company】 and marketing its opt-out marker; doing it twice changes nothing."""
    finished = dict(parts)
    if "sms" not in finished:
        return finished
    rules = governing(profile, address)
    text = finished["sms"].strip()
    if rules.signature == "required" and signature and not text.startswith(f"【{signature}】"):
        text = f"【{signature}】{text}"
    marker = opt_out_marker(rules, locale) if purpose == "marketing" else ""
    if marker and not text.endswith(marker):
        text += _joint(text, locale) + marker
    return finished | {"sms": text}


def _joint(text: str, locale: str) -> str:
    chinese = locale[:2].lower() == "zh"
    if text[-1:] in _SENTENCE_ENDS:
        return "" if chinese else " "
    return _JOINTS["zh" if chinese else "en"]


def inspect(
    profile: Profile,
    medium: str,
    purpose: str,
    parts: Mapping[str, str],
    *,
    insurance: bool = True,
    locale: str = "zh-CN",
    signature: str = "",
    address: str = "",
) -> list[Objection]:
    """Everything this gateway would refuse in finished words; empty when they may go.

    `insurance`: the words are about insurance (an offer of a service alone may not be). `signature` counts where the
    gateway adds it. Without `parts` only the rules on content are looked at, which is what lint can know.
    """
    rules = governing(profile, address)
    objections = _content(rules, medium, purpose, insurance)
    if parts:
        objections += _completeness(medium, parts) + _length(rules, medium, parts, signature)
        objections += _marks(rules, medium, parts, signature)
        objections += _opt_out(rules, medium, purpose, parts, locale)
    return objections


def _content(rules: Profile, medium: str, purpose: str, insurance: bool) -> list[Objection]:
    if not insurance:
        return []
    if not rules.carries_insurance:
        return [Objection("insurance_refused", f"the gateway takes nothing about insurance ({rules.source})")]
    if purpose == "marketing" and not rules.promotes_insurance:
        return [
            Objection("promotion_refused", f"the gateway takes no promotion of insurance by {medium} ({rules.source})")
        ]
    return []


def _completeness(medium: str, parts: Mapping[str, str]) -> list[Objection]:
    found = [
        Objection("part_empty", f"the part {name} has no words")
        for name in MEDIA[medium].parts
        if not parts.get(name, "").strip()
    ]
    if any(char in parts.get("email_subject", "") for char in "\r\n"):
        found.append(Objection("line_break_in_subject", "the subject of an e-mail is one line"))
    return found


def _length(rules: Profile, medium: str, parts: Mapping[str, str], signature: str) -> list[Objection]:
    added = f"【{signature}】" if rules.signature == "added_by_gateway" and signature else ""
    text = added + "".join(parts.get(name, "") for name in MEDIA[medium].parts)
    found = []
    if medium == "sms" and rules.max_segments and (size := segments(text)).count > rules.max_segments:
        words = f"{size.count} parts in {size.encoding}, the gateway takes {rules.max_segments}"
        found.append(Objection("too_many_segments", words))
    if medium in ("sms", "push") and rules.max_characters and len(text) > rules.max_characters:
        found.append(Objection("too_long", f"{len(text)} characters, the gateway takes {rules.max_characters}"))
    return found


def _marks(rules: Profile, medium: str, parts: Mapping[str, str], signature: str) -> list[Objection]:
    if medium != "sms":
        return []
    text, found = parts.get("sms", ""), []
    if not rules.links and (link := _LINK.search(text)):
        found.append(Objection("link_refused", f"the gateway takes no links, here is {link.group()}"))
    if rules.signature == "required" and not re.match("【[^【】]+】", text):
        found.append(Objection("signature_missing", "the gateway wants the words to start with 【company】"))
    body = re.sub("^【[^【】]+】", "", text) if rules.signature == "required" else text
    if rules.signature != "none" and re.search("[【】]", body):
        found.append(Objection("signature_in_body", "【】 are for the signature only"))
    return found


def _opt_out(rules: Profile, medium: str, purpose: str, parts: Mapping[str, str], locale: str) -> list[Objection]:
    if medium != "sms" or purpose != "marketing":
        return []
    marker = opt_out_marker(rules, locale)
    if not marker:
        return [Objection("opt_out_unreachable", "the gateway passes no replies on, so nobody could refuse by one")]
    if parts.get("sms", "").rstrip("。. ").endswith(marker):
        return []
    return [Objection("opt_out_missing", f"marketing must end with {marker}")]
