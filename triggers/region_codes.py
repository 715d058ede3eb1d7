"""Codes of regions, and which of them contain which.

In China GB/T 2260: 310000 is Shanghai, 310100 its city level, 310104 the district of Xuhui; statistics add three
digits for the town and three for the village. Elsewhere ISO 3166: AU-NSW lies in AU. All codes are compared in
canonical form: six digits (nine, twelve) for divisions of China however they were written (31, 3101, CN-SH, HK),
upper case for the others.
"""

from __future__ import annotations

COUNTRY = "CN"
_ISO = (
    "BJ11 TJ12 HE13 SX14 NM15 LN21 JL22 HL23 SH31 JS32 ZJ33 AH34 FJ35 JX36 SD37 HA41 HB42 HN43 GD44 GX45 HI46 CQ50 "
    "SC51 GZ52 YN53 XZ54 SN61 GS62 QH63 NX64 XJ65 TW71 HK81 MO82"
)
_PROVINCES = {f"CN-{each[:2]}": f"{each[2:]}0000" for each in _ISO.split()}
_OWN_COUNTRY_CODE = {iso: _PROVINCES[f"CN-{iso}"] for iso in ("HK", "MO", "TW")}
_LENGTHS = (2, 4, 6, 9, 12)


def canonical(code: str) -> str:
    """The one way in which Kairos writes this code: 310000 for `31` and `CN-SH`, 310104 for `310104000000`."""
    tidy = code.strip().upper()
    tidy = _PROVINCES.get(tidy) or _OWN_COUNTRY_CODE.get(tidy) or tidy
    if not (tidy.isascii() and tidy.isdigit() and len(tidy) in _LENGTHS):
        return tidy
    return stem(tidy).ljust(6, "0")


def stem(code: str) -> str:
    """The digits that all codes below this code of GB/T 2260 begin with: 31 for 310000, 3101 for 310100."""
    length = next((length for length in reversed(_LENGTHS) if code[_above(length) : length].strip("0")), _LENGTHS[0])
    return code[:length]


def _above(length: int) -> int:
    """Length of the codes one level above codes of this length."""
    place = _LENGTHS.index(length)
    return _LENGTHS[place - 1] if place else 0


def ancestors(code: str) -> tuple[str, ...]:
    """Canonical codes of what contains this region, the smallest first: 310100, 310000, CN for 310104."""
    own = canonical(code)
    if own.isascii() and own.isdigit() and len(own) in _LENGTHS:
        digits = stem(own)
        above = (digits[:length].ljust(6, "0") for length in reversed(_LENGTHS) if length < len(digits))
        return (*dict.fromkeys(above), COUNTRY)
    country, _, subdivision = own.partition("-")
    return (country,) if subdivision else ()


def covers(area: str, place: str) -> bool:
    """Does the region `area` contain the region `place`, or are they one?"""
    return canonical(area) in (canonical(place), *ancestors(place))
