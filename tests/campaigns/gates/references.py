"""Every gate once more as plain Python, one moment at a time: a world drawn by dice, and what is to be said of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from court import HOME, NOW, Answer, World, days_ago, today

from channels.contract import Profile

PASS: Answer = ("pass", "")
PEOPLE = ("C0", "C1", "C2")
ZONES = (None, "Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "Nowhere/Land")
References = dict[str, tuple[Callable[[Random], World], Callable[[World], dict[int, Answer]]]]


def some(dice: Random, world: World, most: int = 6, **columns: Callable[[], object]) -> World:
    """Moments of a few customers, in the order in which they are judged."""
    for customer in sorted(dice.choice(PEOPLE) for _ in range(dice.randint(1, most))):
        world.moment(customer, **{name: draw() for name, draw in columns.items()})
    return world


def each(world: World, say: Callable[[dict], Answer]) -> dict[int, Answer]:
    return {row["moment_id"]: say(row) for row in world.moments}


def zone_of(name: str | None) -> ZoneInfo:
    return ZoneInfo(name) if name and name != "Nowhere/Land" else HOME


# --- already ---------------------------------------------------------------------------------------------------------


def already_world(dice: Random) -> World:
    world = World(campaign={"goal": {"event": "paid", "within": "30d"}} if dice.random() < 0.7 else {})
    some(dice, world, standing=lambda: dice.random() < 0.85)
    for row in world.moments:
        if dice.random() < 0.9:
            status = dice.choice(["active", "active", "active", "renewed", "cancelled", "lapsed"])
            ends = date(2027, 1, 22) if dice.random() < 0.8 else date(2027, 3, 1)
            world.add(
                "policies", policy_id=row["policy_id"], customer_id=row["customer_id"], status=status, expiry_date=ends
            )
        if dice.random() < 0.3:
            at, subject = days_ago(dice.choice([0.01, 5, 29, 31])), dice.choice([row["policy_id"], None, "other"])
            world.add("events", event_id=f"E{row['moment_id']}", customer_id=row["customer_id"], type=dice.choice(["paid", "seen"]),
                      occurred_at=at, subject_id=subject)  # fmt: skip
        if dice.random() < 0.2:
            successor, begun = f"S{row['moment_id']}", dice.choice([date(2026, 11, 1), date(2027, 1, 23)])
            world.add(
                "policies", policy_id=successor, customer_id=row["customer_id"], status="active", effective_date=begun
            )
            world.add("events", event_id=f"renewal:{successor}", customer_id=row["customer_id"], type="policy_renewed",
                      occurred_at=days_ago(2), subject_id=row["policy_id"])  # fmt: skip
        world.given[row["moment_id"]] = {"step_removed": dice.random() < 0.1}
    return world


def already(world: World) -> dict[int, Answer]:
    events, policies = world.tables.get("events", []), {p["policy_id"]: p for p in world.tables.get("policies", [])}

    def reached(row: dict) -> bool:
        for event in events if world.campaign else []:
            if event["type"] == "paid" and event["customer_id"] == row["customer_id"]:
                if event["subject_id"] == row["policy_id"] and event["occurred_at"] >= row["due_at"] - timedelta(
                    days=30
                ):
                    return True
                if event["occurred_at"] >= row["due_at"] and event["subject_id"] is None:
                    return True
        return False

    def say(row: dict) -> Answer:
        policy = policies.get(row["policy_id"])
        renewals = [e for e in events if e["type"] == "policy_renewed" and e["subject_id"] == row["policy_id"]]
        begun = [policies[e["event_id"].removeprefix("renewal:")]["effective_date"] for e in renewals]
        replaced = policy is not None and any(day <= today() and day < policy["expiry_date"] for day in begun)
        checks = [
            ("step_removed", world.given[row["moment_id"]]["step_removed"]),
            ("goal_reached", reached(row)),
            ("policy_renewed", policy is not None and policy["status"] == "renewed"),
            ("policy_cancelled", policy is not None and policy["status"] == "cancelled"),
            ("policy_replaced", replaced),
            ("policy_renewed", bool(renewals)),
            ("date_moved", policy is not None and policy["expiry_date"] != date(2027, 1, 22)),
            ("gone", not row["standing"]),
        ]
        return next((("retracted", reason) for reason, hit in checks if hit), PASS)

    return each(world, say)


# --- overdue ---------------------------------------------------------------------------------------------------------


def overdue_world(dice: Random) -> World:
    trigger = {
        "kind": "date",
        "of": "policies.expiry_date",
        "offset": "-60d",
        "max_age": "20d",
        "late": dice.choice(["fire", "skip", "nearest"]),
    }
    return some(
        dice,
        World(campaign={"trigger": trigger}),
        step_due_at=lambda: days_ago(dice.choice([0, 0.05, 0.5, 1, 19, 20, 20.01, 40])),
    )


def overdue(world: World) -> dict[int, Answer]:
    def say(row: dict) -> Answer:
        due, now = row["step_due_at"].astimezone(HOME), NOW.astimezone(HOME)
        if due < now - timedelta(days=20):
            return ("expired", "too_old")
        late = world.campaign["trigger"]["late"] == "skip" and due.date() != now.date()
        return ("expired", "not_today") if late else PASS

    return each(world, say)


# --- branch ----------------------------------------------------------------------------------------------------------


def branch_world(dice: Random) -> World:
    wait = {"wait": "1d", "unless": dice.choice([[], ["delivered"], ["answered"], ["answered", "delivered"]])}
    last = {"send": {"template": "note", "channels": ["sms"], "id": "last"}}
    if when := dice.choice([None, "delivered", "not_delivered", "answered", "not_answered"]):
        last["when"] = when
    steps = [{"send": {"template": "note", "channels": ["ai_outbound"]}}, {k: v for k, v in wait.items() if v}, last]
    world = some(dice, World(campaign={"steps": steps}), step=lambda: "last")
    for row in world.moments:
        if dice.random() < 0.8:
            world.deliveries[row["moment_id"]] = (dice.choice(["delivered", "failed", "accepted"]), dice.random() < 0.5)
    return world


def branch(world: World) -> dict[int, Answer]:
    wait, last = world.campaign["steps"][1], world.campaign["steps"][2]

    def say(row: dict) -> Answer:
        state, answered = world.deliveries.get(row["moment_id"], (None, False))
        fared = {"delivered": state == "delivered", "answered": answered}
        for ending in sorted(wait.get("unless", [])):
            if fared[ending]:
                return ("retracted", ending)
        when = last.get("when")
        taken = when is None or fared[when.removeprefix("not_")] != when.startswith("not_")
        return PASS if taken else ("skipped", "not_taken")

    return each(world, say)


# --- reachable, gateway, hours ---------------------------------------------------------------------------------------


def reachable_world(dice: Random) -> World:
    world = some(dice, World(medium=dice.choice(["sms", "email"])))
    for name in PEOPLE[: dice.randint(0, 3)]:
        world.customer(
            name, phone=dice.choice([None, "", "  ", "+8613800000000"]), email=dice.choice([None, "a@example.com"])
        )
    return world


def reachable(world: World) -> dict[int, Answer]:
    known = {row["customer_id"]: row for row in world.tables.get("customers", [])}
    column = {"sms": "phone", "email": "email"}[world.medium]

    def say(row: dict) -> Answer:
        if row["customer_id"] not in known:
            return ("refused", "unknown_customer")
        return PASS if (known[row["customer_id"]][column] or "").strip() else ("refused", "no_address")

    return each(world, say)


def gateway_world(dice: Random) -> World:
    purpose = dice.choice(["marketing", "service"])
    return some(dice, World(campaign={"purpose": purpose}, profile=Profile(promotes_insurance=dice.random() < 0.5)))


def gateway(world: World) -> dict[int, Answer]:
    refused = world.campaign["purpose"] == "marketing" and not world.profile.promotes_insurance
    return each(world, lambda _: ("refused", "promotion_refused") if refused else PASS)


def hours_world(dice: Random) -> World:
    valid = dice.choice(["1h", "4h", "6h", "1d"])
    opens = dice.choice(["09:00", "10:30", "14:00"])
    world = World(campaign={"valid_for": valid, "hours": {"from": opens, "to": "20:00"}})
    some(dice, world)
    for name in PEOPLE:
        world.customer(name, phone="+8613800000000", timezone=dice.choice(ZONES[:4]))
    return world


def hours(world: World) -> dict[int, Answer]:
    zones = {row["customer_id"]: zone_of(row["timezone"]) for row in world.tables["customers"]}
    lasts = {"1h": 1, "4h": 4, "6h": 6, "1d": 24}[world.campaign["valid_for"]]
    opens = time.fromisoformat(world.campaign["hours"]["from"])

    def say(row: dict) -> Answer:
        minutes = (NOW + timedelta(minutes=minute) for minute in range(lasts * 60))
        local = (each.astimezone(zones[row["customer_id"]]).time() for each in minutes)
        return PASS if any(opens <= clock < time(20) for clock in local) else ("expired", "no_window")

    return each(world, say)


# --- circumstance ----------------------------------------------------------------------------------------------------


def circumstance_world(dice: Random) -> World:
    world = some(dice, World(campaign={"purpose": dice.choice(["marketing", "service", "care", "contract"])}))
    for name in PEOPLE:
        dead = dice.choice([None, None, None, date(2026, 10, 1), date(2026, 12, 1)])
        world.customer(name, region_code=dice.choice([None, "440300", "110000"]), deceased_on=dead)
        if dice.random() < 0.3:
            world.add("claims", claim_id=f"L{name}", policy_id=f"X{name}", customer_id=name, status=dice.choice(["denied", "paid", "in_review"]),
                      reported_at=days_ago(100), updated_at=days_ago(dice.choice([1, 89, 91])))  # fmt: skip
        if dice.random() < 0.3:
            closed = dice.choice([None, days_ago(1), days_ago(-1)])
            world.add("complaints", complaint_id=f"K{name}", customer_id=name, opened_at=days_ago(9), closed_at=closed)
        if dice.random() < 0.2:
            world.add(
                "events",
                event_id=f"E{name}",
                customer_id=name,
                type="bereavement",
                occurred_at=days_ago(dice.choice([10, 200])),
            )
    if dice.random() < 0.6:
        ends = dice.choice([days_ago(-1), days_ago(0.5), None])
        began = days_ago(dice.choice([1, 8]))
        world.add(
            "alerts",
            alert_id="A",
            event="typhoon",
            status=dice.choice(["active", "cancelled"]),
            effective_at=began,
            expires_at=ends,
        )
        world.add("alert_cover", alert_id="A", region_code="440300")
    return world


SILENT = {
    "contract": (),
    "service": ("deceased", "bereavement"),
    "care": ("deceased",),
    "marketing": ("deceased", "bereavement", "open_claim", "denied_claim", "open_complaint", "disaster"),
}


def circumstance(world: World) -> dict[int, Answer]:
    def under(name: str) -> dict[str, bool]:
        mine = {
            view: [r for r in world.tables.get(view, []) if r.get("customer_id") == name]
            for view in ("claims", "complaints", "events", "customers")
        }
        person = mine["customers"][0]
        alerts = [
            a for a in world.tables.get("alerts", [])
            if a["status"] == "active" and (a["expires_at"] or a["effective_at"] + timedelta(days=7)) > NOW and person["region_code"] == "440300"
        ]  # fmt: skip
        return {
            "deceased": person["deceased_on"] is not None and person["deceased_on"] <= today(),
            "bereavement": any(e["occurred_at"] > days_ago(180) for e in mine["events"]),
            "open_claim": any(c["status"] == "in_review" for c in mine["claims"]),
            "denied_claim": any(c["status"] == "denied" and c["updated_at"] > days_ago(90) for c in mine["claims"]),
            "open_complaint": any(k["closed_at"] is None or k["closed_at"] > NOW for k in mine["complaints"]),
            "disaster": bool(alerts),
        }

    def say(row: dict) -> Answer:
        found = under(row["customer_id"])
        return next((("refused", kind) for kind in SILENT[world.campaign["purpose"]] if found[kind]), PASS)

    return each(world, say)


# --- suitability -----------------------------------------------------------------------------------------------------


def suitability_world(dice: Random) -> World:
    suits = {}
    if dice.random() < 0.6:
        suits["product"] = dice.choice(["health", "gone", "unknown"])
    if dice.random() < 0.5:
        suits |= {"age_from": 18, "age_to": dice.choice([40, 60])}
    if dice.random() < 0.4:
        suits["regions" if dice.random() < 0.5 else "not_regions"] = ["31"]
    if dice.random() < 0.4 or not suits:
        suits["where"] = "holds_motor and gender = 'female'"
    world = some(dice, World(campaign={"suits": suits, "purpose": dice.choice(["service", "marketing"])}))
    for product, active in (("health", True), ("gone", False), ("motor", True)):
        rule = "age between 18 and 55" if product == "health" else None
        world.add(
            "products",
            product_id=product,
            name=product,
            kind="insurance",
            line=product,
            active=active,
            eligibility=rule,
        )
    for name in PEOPLE:
        born = dice.choice(
            [
                None,
                date(1980, 1, 1),
                date(1990, 1, 1),
                date(1968, 1, 1),
                date(2015, 1, 1),
                date(2008, 11, 23),
                date(2008, 11, 24),
            ]
        )
        world.customer(
            name,
            birth_date=born,
            region_code=dice.choice([None, "310115", "110000"]),
            gender=dice.choice(["female", "male", None]),
        )
        for product in ("health", "motor"):
            if dice.random() < 0.4:
                world.add("policies", policy_id=f"{product}{name}", customer_id=name, product_id=product, line=product,
                          status=dice.choice(["active", "active", "lapsed"]), effective_date=date(2026, 1, 1))  # fmt: skip
    return world


def suitability(world: World) -> dict[int, Answer]:
    suits = world.campaign["suits"]
    people = {row["customer_id"]: row for row in world.tables["customers"]}

    def say(row: dict) -> Answer:
        person = people[row["customer_id"]]
        born, day = person["birth_date"], today()
        age = None if born is None else day.year - born.year - ((day.month, day.day) < (born.month, born.day))
        held = {
            p["product_id"]
            for p in world.tables.get("policies", [])
            if p["customer_id"] == row["customer_id"] and p["status"] == "active"
        }
        product, region = suits.get("product"), person["region_code"]
        eligible = product == "health" and age is not None and 18 <= age <= 55
        checks = [
            ("already_held", product in held),
            ("not_eligible", product is not None and not eligible),
            ("age", "age_from" in suits and not (age is not None and 18 <= age <= suits["age_to"])),
            ("region", "regions" in suits and not (region or "").startswith("31")),
            ("region", "not_regions" in suits and (region is None or region.startswith("31"))),
            ("not_suited", "where" in suits and not ("motor" in held and person["gender"] == "female")),
        ]
        return next((("refused", reason) for reason, hit in checks if hit), PASS)

    return each(world, say)


# --- uplift ----------------------------------------------------------------------------------------------------------


def uplift_world(dice: Random) -> World:
    rule = {
        "least": dice.choice([0.0, 0.01]),
        "unknown": dice.choice(["send", "leave_out"]),
        "explore": dice.choice([0, 0, 0.3]),
    }
    if dice.random() < 0.3:
        rule["model"] = "call"
    world = some(dice, World(campaign={"uplift": rule}, policy={"salt": f"s{dice.randint(0, 9)}"}))
    for name in PEOPLE:
        world.customer(name, personalisation=dice.choice([None, True, True, False]))
        for _ in range(dice.choice([0, 1, 1, 2])):
            world.add(
                "uplift", customer_id=name, campaign=dice.choice(["own", "own", "other"]), propensity=dice.choice([None, 0.5]),
                uplift=dice.choice([None, -0.03, 0.0, 0.015, 0.2]), model=dice.choice([None, "call", "call@1", "caller"]),
            )  # fmt: skip
    return world


def uplift(world: World) -> dict[int, Answer]:
    rule = world.campaign["uplift"]
    people = {row["customer_id"]: row for row in world.tables["customers"]}

    def say(row: dict) -> Answer:
        name = row["customer_id"]
        said = [
            each["uplift"] * (1 if each["propensity"] is None else each["propensity"])
            for each in world.tables.get("uplift", [])
            if each["customer_id"] == name and each["campaign"] == "own" and each["uplift"] is not None
            and ("model" not in rule or (each["model"] or "").split("@")[0] == "call")
        ]  # fmt: skip
        key = f"{world.policy['salt']}:explore:own:{name}"
        explored = int(hashlib.md5(key.encode()).hexdigest()[:13], 16) / 2**52 < rule["explore"]
        if explored:
            return PASS
        if not said or people[name]["personalisation"] is False:
            return ("refused", "not_known") if rule["unknown"] == "leave_out" else PASS
        return ("refused", "put_off") if max(said) < rule["least"] else PASS

    return each(world, say)


# --- holdout ---------------------------------------------------------------------------------------------------------


def holdout_world(dice: Random) -> World:
    purpose = dice.choice(["service", "marketing", "contract"])
    own = 0 if purpose == "contract" else dice.choice([0, 0.3, 1])
    return some(
        dice,
        World(
            campaign={"purpose": purpose, "holdout": own},
            policy={"holdout": dice.choice([0, 0.3]), "salt": f"s{dice.randint(0, 9)}"},
        ),
    )


def holdout(world: World) -> dict[int, Answer]:
    def draw(scope: str, customer: str) -> float:
        return int(hashlib.md5(f"{world.policy['salt']}:{scope}:{customer}".encode()).hexdigest()[:13], 16) / 2**52

    def say(row: dict) -> Answer:
        if world.campaign["purpose"] == "contract":
            return PASS
        if draw("global", row["customer_id"]) < world.policy["holdout"]:
            return ("held_out", "holdout_global")
        return ("held_out", "holdout_campaign") if draw("own", row["customer_id"]) < world.campaign["holdout"] else PASS

    return each(world, say)


# --- arbitrate -------------------------------------------------------------------------------------------------------

CLASSES = {"notice": 4, "service": 5, "care": 6, "marketing": 7, "urgent": 3, "own": 6}
"""Priority x 4 + purpose: `urgent` is marketing of high priority, `own` is care."""
KINDS = {
    "notice": "contract",
    "service": "service",
    "care": "care",
    "marketing": "marketing",
    "urgent": "marketing",
    "forgotten": "service",
}


def within(at: datetime, zone: str | None, days: int) -> bool:
    """In the last calendar days of the zone, today included, or ahead."""
    return at.astimezone(zone_of(zone)).date() > today(zone_of(zone)) - timedelta(days=days)


def arbitrate_world(dice: Random) -> World:
    lose = dice.choice(["wait", "next", "expire"])
    world = World(
        campaign={"purpose": "care", "arbitrate": {"lose": lose}},
        policy={"arbitrate": {"window": dice.choice(["1d", "3d"])}},
    )
    some(dice, world)
    world.classes = {name: number for name, number in CLASSES.items() if name != "forgotten"}
    for name in PEOPLE:
        world.customer(name, timezone=dice.choice(ZONES))
        for _ in range(dice.choice([0, 0, 1, 2])):
            rival = dice.choice(sorted(KINDS))
            world.contacts.append(
                (
                    name,
                    dice.choice(["sms", "push"]),
                    KINDS[rival],
                    rival,
                    900 + len(world.contacts),
                    days_ago(dice.choice([-0.5, 0.1, 0.6, 1.2, 2.5, 4])),
                )
            )
    for row in world.moments:
        if dice.random() < 0.2:  # what was sent on the moment itself is no rival
            world.contacts.append((row["customer_id"], "sms", "care", "own", row["moment_id"], days_ago(0.1)))
        channels = dice.choice([None, None, ",sms,push,", ",push,", ""])
        world.stakes.append(
            {
                "moment_id": row["moment_id"],
                "propensity": 0.5,
                "value": 2.0,
                "uplift": None,
                "expected": 1.0,
                "rivals": 2,
                "channels": channels,
            }
        )
    return world


def arbitrate(world: World) -> dict[int, Answer]:
    zones = {row["customer_id"]: row["timezone"] for row in world.tables["customers"]}
    lose, days = world.campaign["arbitrate"]["lose"], int(world.policy["arbitrate"]["window"][:-1])
    outcome = {"wait": "held", "next": "refused", "expire": "expired"}[lose]
    before: Counter[str] = Counter()

    def say(row: dict) -> Answer:
        name = row["customer_id"]
        taken = [
            CLASSES.get(rival, 5)
            for who, medium, purpose, rival, moment, at in world.contacts
            if who == name and moment != row["moment_id"] and purpose != "contract" and within(at, zones[name], days)
            and (lose != "next" or medium == "sms") and CLASSES.get(rival, 5) <= CLASSES["own"]
        ]  # fmt: skip
        before[name] += 1
        if taken and min(taken) < CLASSES["own"]:
            return (outcome, "outranked")
        if taken or before[name] > 1:
            return (outcome, "outvalued")
        channels = next(each["channels"] for each in world.stakes if each["moment_id"] == row["moment_id"])
        if channels is None or ",sms," in channels:
            return PASS
        return (outcome, "outbid") if channels == "" else ("refused", "outbid")

    return each(world, say)


# --- cap -------------------------------------------------------------------------------------------------------------


def cap_world(dice: Random) -> World:
    caps = [
        {"max": dice.choice([0, 1, 1, 1, 2]), "per": dice.choice(["1d", "1d", "7d", "1w", "24h", "1mo"]), "channels": dice.choice([[], [], ["sms", "push"], ["push"]])}
        for _ in range(dice.randint(0, 3))
    ]  # fmt: skip
    purpose = dice.choice(["service"] * 5 + ["contract"])
    world = World(campaign={"cap": dice.choice(["drop", "hold", "next"]), "purpose": purpose}, policy={"caps": caps})
    some(dice, world)
    for name in PEOPLE[: dice.choice([1, 3, 3])]:
        world.customer(name, timezone=dice.choice(ZONES))
    for _ in range(dice.randint(0, 4)):
        when = days_ago(dice.choice([-0.6, 0.3, 0.45, 0.5, 0.6, 1, 1.1, 6, 6.45, 6.6, 7, 30, 30.45, 30.6, 32]))
        medium, purpose = dice.choice(["sms", "sms", "push", "email"]), dice.choice(["service", "service", "contract"])
        world.contacts.append((dice.choice(PEOPLE), medium, purpose, "other", 900, when))
    return world


def cap(world: World) -> dict[int, Answer]:
    zones = {row["customer_id"]: row["timezone"] for row in world.tables.get("customers", [])}
    outcome = "held" if world.campaign["cap"] == "hold" else "refused"
    before: Counter[str] = Counter()

    def counts(at: datetime, per: str, zone: str | None) -> bool:
        if per == "24h":
            return at > NOW - timedelta(hours=24)
        if per == "1mo":  # from 24 October on: the day after the same day of the month before
            return at.astimezone(zone_of(zone)).date() > month_before(today(zone_of(zone)))
        return within(at, zone, 1 if per == "1d" else 7)

    def say(row: dict) -> Answer:
        name, earlier = row["customer_id"], before[row["customer_id"]]
        before[name] += 1
        for rule in world.policy["caps"] if world.campaign["purpose"] != "contract" else []:
            if rule["channels"] and "sms" not in rule["channels"]:
                continue
            n = sum(
                1 for who, medium, purpose, _, _, at in world.contacts
                if who == name and purpose != "contract" and (not rule["channels"] or medium in rule["channels"]) and counts(at, rule["per"], zones.get(name))
            )  # fmt: skip
            if n + earlier >= rule["max"]:
                return (outcome, "cap_met")
        return PASS

    return each(world, say)


def month_before(day: date) -> date:
    """The same day of the month before; now is late November, so every month before has it."""
    return day.replace(month=day.month - 1)


# --- budget ----------------------------------------------------------------------------------------------------------


def limit(dice: Random) -> dict:
    drawn = {"over": dice.choice(["wait", "drop", "next"])}
    if dice.random() < 0.7:
        drawn["volume"] = dice.randint(0, 5)
    if dice.random() < 0.5 or len(drawn) == 1:
        drawn["cost"] = dice.choice([0.0, 0.25, 1.0])
    return drawn


def budget_world(dice: Random) -> World:
    world = World(prices={"sms": 0.25} if dice.random() < 0.8 else {})
    if dice.random() < 0.7:
        world.campaign["budget"] = limit(dice)
    if dice.random() < 0.7:
        world.policy["budgets"] = {dice.choice(["sms", "push"]): limit(dice)}
    some(dice, world, most=8)
    for row in world.moments:
        world.given[row["moment_id"]] = {
            "not_before": dice.choice(
                [NOW - timedelta(hours=1), NOW, NOW + timedelta(hours=13), NOW + timedelta(hours=14)]
            )
        }
    for day in ("2026-11-23", "2026-11-24"):
        for name in ("own", "other"):
            for medium in ("sms", "push"):
                if dice.random() < 0.4:
                    world.spent.append((day, name, medium, dice.randint(0, 2), dice.choice([0.0, 0.25, 0.5])))
    return world


def budget(world: World) -> dict[int, Answer]:
    place: Counter[str] = Counter()

    def say(row: dict) -> Answer:
        goes = max(world.given[row["moment_id"]]["not_before"], NOW).astimezone(HOME).date().isoformat()
        place[goes] += 1
        rules = [
            ("campaign", world.campaign.get("budget"), 1, "own"),
            ("channel", world.policy.get("budgets", {}).get("sms"), 2, "sms"),
        ]
        for scope, rule, column, name in rules:
            if rule is None:
                continue
            mine = [each for each in world.spent if each[0] == goes and each[column] == name]
            volume, cost = sum(each[3] for each in mine), sum(each[4] for each in mine)
            stop = "held" if rule["over"] == "wait" else "refused"
            if "volume" in rule and volume + place[goes] > rule["volume"]:
                return (stop, f"{scope}_volume")
            price = world.prices.get("sms", 0.0)
            if "cost" in rule and place[goes] * price > max(rule["cost"] - cost, 0.0) + 1e-9:
                return (stop, f"{scope}_cost")
        return PASS

    return each(world, say)


REFERENCES: References = {
    "already": (already_world, already),
    "overdue": (overdue_world, overdue),
    "branch": (branch_world, branch),
    "reachable": (reachable_world, reachable),
    "circumstance": (circumstance_world, circumstance),
    "suitability": (suitability_world, suitability),
    "uplift": (uplift_world, uplift),
    "holdout": (holdout_world, holdout),
    "arbitrate": (arbitrate_world, arbitrate),
    "cap": (cap_world, cap),
    "hours": (hours_world, hours),
    "gateway": (gateway_world, gateway),
    "budget": (budget_world, budget),
}
"""Gate -> (a world for it, what is to be said of each moment). The gate `consent` has its own page of them."""
ELSEWHERE = {"gateway": {"content_refused", "template_failed", "no_offer"}, "already": {"stopped"}}
"""Reasons given where words are rendered or a campaign is stopped, not by the judgement of the gate."""
