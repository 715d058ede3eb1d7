"""The parts of personal names, Chinese and Western."""

from __future__ import annotations

import re

_CHINESE = re.compile(r"[㐀-鿿\U00020000-\U0003134f][㐀-鿿\U00020000-\U0003134f·•\s]*")

_COMPOUND = (
    "欧阳 司马 诸葛 上官 司徒 夏侯 皇甫 尉迟 公孙 慕容 令狐 长孙 宇文 轩辕 东方 独孤 南宫 端木 百里 呼延 淳于 单于 "
    "太史 申屠 公冶 宗政 濮阳 闻人 赫连 澹台 钟离 拓跋 鲜于 东郭 南门 西门 闾丘 司空 司寇 仲孙 万俟 "
    "歐陽 司馬 諸葛 長孫 東方 獨孤 南宮 鍾離 鮮于"
)
COMPOUND_SURNAMES = frozenset(_COMPOUND.split())
"""Chinese surnames of two characters, simplified and traditional."""

_PINYIN = (
    "wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he gao lin luo zheng liang xie song tang deng "
    "han feng cao peng zeng xiao tian dong pan yuan cai jiang yu du ye cheng wei su lu ding ren yao shen qian lyu fang "
    "tan shi jin cui jia liao xiong meng qin yan xue hou lei bai long duan hao kong shao mao chang wan gu lai kang qiu "
    "niu ouyang sima zhuge shangguan situ xiahou huangpu murong linghu"
)
PINYIN_SURNAMES = frozenset(_PINYIN.split())
"""Common Chinese surnames in pinyin: where one stands first or last, the order of a name says nothing."""

_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "md"})


def is_chinese(name: str) -> bool:
    """Is the name written in Chinese characters?"""
    return _CHINESE.fullmatch(name.strip()) is not None


def chinese_parts(name: str) -> tuple[str, str]:
    """Return surname and given name; a name of an unusual form (买买提·吐尔逊) is all surname but its last part."""
    if "·" in name or "•" in name:
        first, *rest = re.split(r"[·•]", "".join(name.split()))
        return first, "".join(rest)
    letters = "".join(name.split())
    cut = 2 if letters[:2] in COMPOUND_SURNAMES and len(letters) > 2 else 1
    return letters[:cut], letters[cut:]


def western_surname(name: str) -> str | None:
    """Return the surname of a Western name, with its particles; None where it cannot be told from the given name."""
    before, comma, _ = name.partition(",")
    if comma and before.strip():
        return before.strip()
    words = [word for word in name.split() if word.lower().strip(".") not in _SUFFIXES]
    if len(words) < 2 or {words[0].lower(), words[-1].lower()} & PINYIN_SURNAMES:
        return None
    start = next((index for index, word in enumerate(words[1:-1], 1) if word.islower()), len(words) - 1)
    return " ".join(words[start:])
