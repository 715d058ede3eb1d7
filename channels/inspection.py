"""The last look at the words: what the gateway prescribes is added, what it would refuse is named before it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from channels.contract import MEDIA, Profile
from channels.profiles import governing
from channels.segments import at_most, segments

OPT_OUT_MARKERS = {"zh": "回T退订", "en": "Reply STOP to opt out"}
"""Language to the customary words; English where the language is not listed."""
_JOINTS = {"zh": "，", "en": ". "}
_SIGNATURE = re.compile("【[^【】]+】")
_BRACKET = re.compile("[【】]")
_LINK = re.compile(r"https?://|www\.|\b[a-z0-9-]+\.(?:com|cn|net|org|io|cc|co|me|app|link|top|xyz)\b", re.IGNORECASE)
_SENTENCE_ENDS = "。！？!?.;；…"
Texts = Mapping[str, Sequence[str]]
"""The words of many messages: for each part a list, a text a message."""


@dataclass(frozen=True)
class Objection:
    """Why a gateway would not take these words: a code to count by, a sentence for the author."""

    reason_code: str
    words: str


_Objections = Iterator[tuple[int, Objection]]
"""Each with the position of the message it is about."""


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
    look = Inspection(profile, "sms", purpose, signature, locale)
    return {name: texts[0] for name, texts in look.finish(_alone(parts), [address]).items()}


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

    Without `parts` only the rules on content are looked at, which is what lint can know.
    """
    look = Inspection(profile, medium, purpose, signature, locale, insurance)
    return look.objections(_alone(parts), [address]).get(0, [])


def _alone(parts: Mapping[str, str]) -> dict[str, list[str]]:
    return {name: [text] for name, text in parts.items()}


@dataclass(frozen=True)
class Inspection:
    """The last look at messages that differ in nothing but their words and addresses.

    `insurance`: the words are about insurance (an offer of a service alone may not be). `signature` counts where the
    gateway adds it.
    """

    profile: Profile
    medium: str
    purpose: str
    signature: str = ""
    locale: str = "zh-CN"
    insurance: bool = True

    def finish(self, texts: Texts, addresses: Sequence[str]) -> dict[str, list[str]]:
        """The words with what the gateway prescribes (`finish`)."""
        finished = {name: list(own) for name, own in texts.items()}
        if "sms" in texts:
            for rules, places in _governing(self.profile, addresses):
                own = self._finished(rules, [texts["sms"][place] for place in places])
                for place, text in zip(places, own, strict=True):
                    finished["sms"][place] = text
        return finished

    def objections(self, texts: Texts, addresses: Sequence[str]) -> dict[int, list[Objection]]:
        """Everything the gateway would refuse in finished words, by position; of those that may go there is nothing."""
        found: dict[int, list[Objection]] = {}
        for rules, places in _governing(self.profile, addresses):
            own = {name: [each[place] for place in places] for name, each in texts.items()}
            for number, objection in self._objections(rules, own, len(places)):
                found.setdefault(places[number], []).append(objection)
        return found

    def _finished(self, rules: Profile, texts: Sequence[str]) -> list[str]:
        """SMS with signature and marker where they are wanted and not there yet."""
        finished = [text.strip() for text in texts]
        if rules.signature == "required" and (signature := self._signature):
            finished = [text if text.startswith(signature) else signature + text for text in finished]
        marker = opt_out_marker(rules, self.locale) if self.purpose == "marketing" else ""
        if not marker:
            return finished
        return [text if text.endswith(marker) else text + _joint(text, self.locale) + marker for text in finished]

    @property
    def _signature(self) -> str:
        return f"【{self.signature}】" if self.signature else ""

    def _objections(self, rules: Profile, texts: Texts, size: int) -> _Objections:
        for objection in self._content(rules):
            yield from ((number, objection) for number in range(size))
        if texts:
            yield from self._completeness(texts, size)
            yield from self._length(rules, texts, size)
            if self.medium == "sms":
                words = texts.get("sms", [""] * size)
                yield from _marks(rules, words)
                yield from self._opt_out(rules, words)

    def _content(self, rules: Profile) -> Iterator[Objection]:
        if self.insurance and not rules.carries_insurance:
            yield Objection("insurance_refused", f"the gateway takes nothing about insurance ({rules.source})")
        elif self.insurance and self.purpose == "marketing" and not rules.promotes_insurance:
            said = f"the gateway takes no promotion of insurance by {self.medium} ({rules.source})"
            yield Objection("promotion_refused", said)

    def _completeness(self, texts: Texts, size: int) -> _Objections:
        for name in MEDIA[self.medium].parts:
            for number, text in enumerate(texts.get(name, [""] * size)):
                if not text or text.isspace():
                    yield number, Objection("part_empty", f"the part {name} has no words")
        for number, text in enumerate(texts.get("email_subject", ())):
            if "\r" in text or "\n" in text:
                yield number, Objection("line_break_in_subject", "the subject of an e-mail is one line")

    def _length(self, rules: Profile, texts: Texts, size: int) -> _Objections:
        if self.medium not in ("sms", "push"):
            return
        added = self._signature if rules.signature == "added_by_gateway" else ""
        columns = [texts.get(name, [""] * size) for name in MEDIA[self.medium].parts]
        for number, parts in enumerate(zip(*columns, strict=True)):
            text = added + "".join(parts)
            if self.medium == "sms" and 0 < rules.max_segments < at_most(text):
                sized = segments(text)
                if sized.count > rules.max_segments:
                    words = f"{sized.count} parts in {sized.encoding}, the gateway takes {rules.max_segments}"
                    yield number, Objection("too_many_segments", words)
            if 0 < rules.max_characters < len(text):
                words = f"{len(text)} characters, the gateway takes {rules.max_characters}"
                yield number, Objection("too_long", words)

    def _opt_out(self, rules: Profile, texts: Sequence[str]) -> _Objections:
        if self.purpose != "marketing":
            return
        marker = opt_out_marker(rules, self.locale)
        for number, text in enumerate(texts):
            if not marker:
                said = "the gateway passes no replies on, so nobody could refuse by one"
                yield number, Objection("opt_out_unreachable", said)
            elif not text.rstrip("。. ").endswith(marker):
                yield number, Objection("opt_out_missing", f"marketing must end with {marker}")


def _governing(profile: Profile, addresses: Sequence[str]) -> Iterator[tuple[Profile, Sequence[int]]]:
    """The profiles that hold for these addresses, each with the positions of its own."""
    if not profile.prefixes:
        yield profile, range(len(addresses))
        return
    places: dict[str, list[int]] = {}
    for place, address in enumerate(addresses):
        prefix = next((prefix for prefix, _ in profile.prefixes if address.startswith(prefix)), "")
        places.setdefault(prefix, []).append(place)
    for prefix, own in places.items():
        yield governing(profile, prefix), own


def _joint(text: str, locale: str) -> str:
    chinese = locale[:2].lower() == "zh"
    if text[-1:] in _SENTENCE_ENDS:
        return "" if chinese else " "
    return _JOINTS["zh" if chinese else "en"]


def _marks(rules: Profile, texts: Sequence[str]) -> _Objections:
    signed = rules.signature == "required"
    for number, text in enumerate(texts):
        if not rules.links and (link := _LINK.search(text)):
            yield number, Objection("link_refused", f"the gateway takes no links, here is {link.group()}")
        signature = _SIGNATURE.match(text) if signed else None
        if signed and not signature:
            yield number, Objection("signature_missing", "the gateway wants the words to start with 【company】")
        if rules.signature != "none" and _BRACKET.search(text, signature.end() if signature else 0):
            yield number, Objection("signature_in_body", "【】 are for the signature only")
