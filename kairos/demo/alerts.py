"""The view `alerts`: a typhoon and a rainstorm in force on the day; others over, called off, a test, or to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from kairos.demo.columns import instants
from kairos.demo.schemas import table

HOUR = 3_600
TEXTS = ("event", "severity", "headline", "headline_en", "polygon", "status")


@dataclass(frozen=True)
class DemoAlert:
    """An alert; `starts` and `ends` in hours from `as_of`, 00:00 local."""

    name: str
    event: str
    severity: str
    starts: int
    ends: int
    regions: tuple[str, ...]
    headline: str
    headline_en: str
    polygon: str | None = None
    status: str = "active"


ALERTS = (
    DemoAlert(
        "typhoon",
        "typhoon",
        "severe",
        -14,
        52,
        ("330300", "350900", "350100", "331000"),
        "台风橙色预警：未来两天浙南闽东沿海有大风和强降雨",
        "Orange typhoon warning: gales and heavy rain on the Zhejiang and Fujian coast for two days",
        "POLYGON ((119.0 25.6, 121.9 27.2, 122.1 29.2, 120.6 29.2, 118.9 26.8, 119.0 25.6))",
    ),
    DemoAlert(
        "rainstorm",
        "rainstorm",
        "moderate",
        -6,
        30,
        ("440100", "440300", "440400", "440600"),
        "暴雨黄色预警：珠三角今明两天有暴雨",
        "Yellow rainstorm warning: heavy rain in the Pearl River Delta today and tomorrow",
    ),
    DemoAlert(
        "gale",
        "gale",
        "moderate",
        -60,
        -20,
        ("370200", "370600"),
        "大风黄色预警：青岛、烟台沿海阵风八到九级",
        "Yellow gale warning: gusts of force 8 to 9 on the coast of Qingdao and Yantai",
    ),
    DemoAlert(
        "fog",
        "fog",
        "minor",
        -30,
        20,
        ("320100",),
        "大雾蓝色预警：南京",
        "Blue fog warning: Nanjing",
        status="cancelled",
    ),
    DemoAlert(
        "test",
        "typhoon",
        "extreme",
        -4,
        24,
        ("310000",),
        "演练：台风红色预警（测试）",
        "Exercise: red typhoon warning (test)",
        status="test",
    ),
    DemoAlert(
        "snowstorm",
        "snowstorm",
        "severe",
        80,
        130,
        ("210000", "220000"),
        "暴雪橙色预警：辽宁、吉林",
        "Orange snowstorm warning: Liaoning and Jilin",
    ),
)


def alerts(as_of: date) -> pa.Table:
    """One row per alert."""
    texts = {name: pa.array([getattr(alert, name) for alert in ALERTS], pa.string()) for name in TEXTS}
    return table(
        "alerts",
        {
            **texts,
            "alert_id": pa.array([f"demo-{as_of:%Y%m%d}-{alert.name}" for alert in ALERTS]),
            "source": pa.array(["demo weather office"] * len(ALERTS)),
            "effective_at": instants(as_of, np.array([alert.starts * HOUR for alert in ALERTS])),
            "expires_at": instants(as_of, np.array([alert.ends * HOUR for alert in ALERTS])),
            "region_codes": pa.array([list(alert.regions) for alert in ALERTS]),
        },
    )
