"""Which region a weather office, a place name or a weather service's location id stands for.

A name is looked up as it is written (临桂区), then without its administrative suffix (临桂), offices without what
makes them one (临桂区气象台, Guilin Meteorological Observatory). A longer text is read from its end: its longest
ending that is a name counts, if what stands before it names something above that region (北京市朝阳区). A name that
several regions have, and nothing tells apart, is resolved to none of them: warning half the country is no answer.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from triggers.region_codes import ancestors

_OFFICE = re.compile(
    r"(中心|专业|海洋|公共)*气象(灾害防御)?(台|局|站|中心|服务中心|预警中心)$"
    r"|(应急管理|水利|水务|水文|自然资源|自然资源和规划)(局|厅)$"
    r"|\s+((central|municipal|provincial|district|county|city)\s+)*(meteorological|weather)"
    r"\s+(observatory|bureau|station|office|service|center|centre)$",
    re.IGNORECASE,
)
_PEOPLES = (
    "蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|高山|拉祜|水|东乡|纳西|景颇|柯尔克孜|土|达斡尔|仫佬|羌|"
    "布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|乌孜别克|俄罗斯|鄂温克|德昂|保安|裕固|京|塔塔尔|独龙|鄂伦春|赫哲|门巴|珞巴|基诺|各"
)
_SUFFIX = re.compile(
    rf"(特别行政区|((?:{_PEOPLES})族?)*自治[区州县旗]|地区|新区|林区|矿区|特区|[省市区县旗盟州])$"
    r"|\s+(province|city|prefecture|district|county)$",
    re.IGNORECASE,
)
_SHORTEST = 2


@dataclass(frozen=True)
class Region:
    """One row of the `regions` view, its code in canonical form."""

    code: str
    names: tuple[str, ...]
    location_id: str | None = None


@dataclass(frozen=True)
class Resolution:
    """What a place was resolved to: a region, or none and why (`unknown`, `ambiguous`)."""

    region_code: str | None
    reason: str | None = None


@dataclass
class Gazetteer:
    """Names, names without suffix and location ids of all regions."""

    full: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    short: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    locations: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, regions: Iterable[Region]) -> Gazetteer:
        """The gazetteer of these regions."""
        gazetteer = cls()
        for region in regions:
            if region.location_id:
                gazetteer.locations[region.location_id] = region.code
            for name in map(_folded, region.names):
                gazetteer.full[name].add(region.code)
                gazetteer.short[_stem(name)].add(region.code)
                gazetteer.names[region.code] |= {name, _stem(name)}
        return gazetteer

    def resolve(self, place: str) -> Resolution:
        """The one region this place is, or why there is none."""
        if place in self.locations:
            return Resolution(self.locations[place])
        text = _OFFICE.sub("", _folded(place))
        for start in range(len(text) - _SHORTEST + 1):
            found = self._named(text[start:]) if _begins_word(text, start) else set()
            if start:
                found = self._below(found, text[:start])
            if len(found) == 1:
                return Resolution(next(iter(found)))
            if found:
                return Resolution(None, "ambiguous")
        return Resolution(None, "unknown")

    def _named(self, name: str) -> set[str]:
        """Regions of exactly this name, else of this name but for its suffix, those of the suffix's level preferred."""
        if name in self.full and _stem(name) != name:
            return self.full[name]
        if name in self.short:
            return self.short[name]
        similar = self.short.get(_stem(name), set())
        return {code for code in similar if _is_level(code, name[-1])} or similar

    def _below(self, codes: set[str], before: str) -> set[str]:
        """Those of the codes of which the text before names something above, the longest name deciding."""
        weights = {code: self._weight(code, before) for code in codes}
        heaviest = max(weights.values(), default=0)
        return {code for code, weight in weights.items() if weight == heaviest > 0}

    def _weight(self, code: str, before: str) -> int:
        above = (name for ancestor in ancestors(code) for name in self.names.get(ancestor, ()))
        return max((len(name) for name in above if name in before), default=0)


def _folded(name: str) -> str:
    return re.sub(r"\s+", " ", name).strip().casefold()


def _stem(name: str) -> str:
    """The name without its administrative suffix, unless too little is left of it (东区 stays)."""
    stem = _SUFFIX.sub("", name)
    return stem if len(stem) >= _SHORTEST else name


def _begins_word(text: str, start: int) -> bool:
    """No name begins in the middle of a word written in an alphabet."""
    return start == 0 or not (text[start - 1].isascii() and text[start - 1].isalnum())


def _is_level(code: str, suffix: str) -> bool:
    """Is this a code as GB/T 2260 gives to provinces (省), cities (市), districts (区), counties (县, 旗)?"""
    if len(code) != 6 or not code.isdigit():
        return False
    last = int(code[4:])
    levels = {
        "省": code.endswith("0000"),
        "市": last == 0 or last > 80,
        "区": 0 < last <= 20 or 50 < last <= 80,
        "县": 20 < last <= 50,
        "旗": 20 < last <= 50,
        "州": last == 0,
        "盟": last == 0,
    }
    return levels.get(suffix, False)
