"""Kairos' words for what alerts warn of, and how the codes and names of issuers lead to them."""

from __future__ import annotations

import re

NAMES: dict[str, str] = {
    "typhoon": r"typhoon|tropical (cyclone|storm|depression)|hurricane(?![- ]force)|台风|热带气旋|热带风暴|热带低气压",
    "tornado": r"tornado|龙卷风",
    "tsunami": r"tsunami|海啸",
    "earthquake": r"earthquake|地震",
    "volcano": r"volcan|ashfall|火山",
    "storm_surge": r"storm surge|coastal flood|king tide|风暴潮|沿海洪水|特大潮汐",
    "landslide": r"landsli|debris flow|mudflow|geological hazard|滑坡|泥石流|山体崩塌|山泥倾泻|地质灾害",
    "waterlogging": r"waterlog|urban flood|内涝|渍涝",
    "flood": r"flood|洪水|洪涝|山洪|淹水|水浸|防汛",
    "rainstorm": r"rain ?storm|heavy rain|heavy precipitation|^rainfall|暴雨|强降雨|强降水|^大雨",
    "hail": r"\bhail|冰雹",
    "thunderstorm": r"thunder|lightning|strong convection|雷暴|雷雨|雷电|强对流",
    "snowstorm": r"snow ?storm|heavy snow|blizzard|winter storm|ice storm|snow squall|snow disaster|"
    r"暴雪|大雪|雪灾|冬季风暴|冰风暴",
    "road_icing": r"road ic|road snow|freezing rain|snow-ice|道路结冰|道路冰雪|道路积雪|冻雨",
    "gale": r"\bgale|(strong|high|damaging|extreme|active) (surface )?winds?\b|(hurricane|storm)[- ]force|"
    r"^wind( advisory)?$|"
    r"大风|强风|烈风",
    "high_temperature": r"high temperature|\bheat|very hot|高温|热浪|炎热|中暑|过热",
    "cold_wave": r"cold (wave|surge)|(extreme|severe) cold|severely falling temperature|寒潮|强降温|严寒|极寒|极端寒冷",
    "wildfire": r"wild ?fire|(forest|grass|grassland|bush|veld) ?-?fire|fire (weather|danger)|森林|草原火|林火|野火",
    "sandstorm": r"sand ?storm|dust ?storm|沙尘暴",
    "fog": r"\bfog\b|大雾|浓雾|冻雾",
    "drought": r"drought|干旱|枯旱|旱情",
    "air_pollution": r"air (pollution|quality)|heavy (air )?pollution|重污染|空气污染|大气污染|空气质量",
}
"""Word -> the names (English and Chinese) that mean it; where a name means two, the first word here is meant."""

CODES: dict[str, str] = {
    "typhoon": "1001 1049 1055 1604 1704 1803 2314 2330 2331 2365 2366 2368 2421 2422 2423 2424 2615 2616 2847",
    "tornado": "1002 2123 2210 2346 2372 2846",
    "tsunami": "2348 2373 2400",
    "earthquake": "2322",
    "volcano": "1247 2320 2321 2378",
    "storm_surge": "1802 2319 2333 2358 2369 2392 2418 2611 2612 2753 2755",
    "landslide": "1037 1241 1242 1243 1248 1249 1250 1251 1603 2163 3144",
    "waterlogging": "1036 1075 1202 1206 1213",
    "flood": "1073 1076 1201 1205 1207 1209 1211 1212 1214 1219 1606 1708 2007 2033 2161 2162 2317 2318 "
    "2341 2356 2357 2370 2393 2395 2409 2417 2426 2749 2751 2756 3142 3148",
    "rainstorm": "1003 1038 1063 1064 1609 1703 1804 2084 2104 2126 2135 2203 2501 2502 2523 2550 2605 2606 2641 2843",
    "hail": "1015 2076 2125 2842",
    "thunderstorm": "1014 1020 1031 1043 1052 1054 1058 1085 1608 1706 1805 2029 2075 2101 2102 2106 2124 2153 "
    "2190 2200 2343 2371 2553 2581 2722 2723 2845 3134",
    "snowstorm": "1004 1033 1040 2079 2133 2211 2213 2221 2324 2325 2326 2327 2361 2552 2607 2608 2840",
    "road_icing": "1021 1057 2002 2165 2209 2554 3105 3146",
    "gale": "1006 1023 1062 1702 2001 2051 2071 2127 2150 2191 2208 2307 2315 2332 2345 2355 2362 2367 "
    "2380 2526 2528 2551 2601 2602 2793 2794 2802 2803 2873 3102 3131",
    "high_temperature": "1009 1010 1024 1066 1601 1707 2030 2081 2128 2155 2205 2308 2354 2396 2529 2619 2620 2850 "
    "3136",
    "cold_wave": "1005 1039 1050 1701 2082 2122 2134 2217 2305 2353 2530 2613 2614",
    "wildfire": "1025 1026 1041 1077 1084 1605 2005 2132 2158 2192 2207 2349 2414 2743 3139",
    "sandstorm": "1007 2080 2164 2312 2841 3145",
    "fog": "1017 1053 1065 1705 2003 2083 2100 2154 2204 2377 2390 2531 2532 3104 3135",
    "drought": "1022 1078 1215 1217 1221 1710 2131",
    "air_pollution": "1029 1067 1074 1271 1272 1273 1274 2202 2413",
}
"""Word -> QWeather's codes of event types."""

GDACS: dict[str, str] = {
    "EQ": "earthquake",
    "TC": "typhoon",
    "FL": "flood",
    "DR": "drought",
    "VO": "volcano",
    "WF": "wildfire",
    "TS": "tsunami",
}

_BY_CODE = {code: word for word, codes in CODES.items() for code in codes.split()}
_PATTERNS = [(word, re.compile(pattern, re.IGNORECASE)) for word, pattern in NAMES.items()]


def peril_of_name(name: str) -> str | None:
    """The word for an event an issuer calls by this English or Chinese name; None where Kairos has none."""
    return next((word for word, pattern in _PATTERNS if pattern.search(name)), None)


def peril_of_code(code: str) -> str | None:
    """The word for one of QWeather's codes of event types; None where Kairos has none."""
    return _BY_CODE.get(code)
