"""Trials on public data sets: each laid out as the files `kairos recommend evaluate` takes, then read through its door."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from recommender.trial import Trial, read_trial

GUARANTEES = ("Windscreen", "DamAll", "Fire", "Acc1", "Acc2", "Legal", "TPLM", "TPLV", "Serv", "Theft")
SERVICES = (
    "analysis",
    "dentistry",
    "diagnostics",
    "endoscopy",
    "hospitalizations",
    "mammography",
    "operations",
    "visits",
)
LIKED, FANS, LAST = 4.0, 10, 0.2
"""A film is liked from this rating on, kept with this many who like it, and the last share of a user's likes is foreseen."""


def bruun(data: Path) -> Trial:
    """The authors' split and filter: which insurance product is bought next."""
    place = data / "bruun-insurance-purchases"
    train, test, could = ("purchase_events_train", "purchase_events_test", "filter_test")
    return read_trial(place / f"{train}.csv.gz", place / f"{test}.csv.gz", eligible=place / f"{could}.csv.gz")


def health(data: Path) -> Trial:
    """The publishers' split: of each member of the test who used a service, one is hidden; which is it?"""
    place = data / "cas-health-services" / "euhealthinsurance.csv.gz"
    used = " UNION ALL ".join(
        f"SELECT id_anon AS user_id, '{name}' AS item_id, \"group\" AS part FROM members WHERE num_{name} > 0"
        for name in SERVICES
    )
    hidden = "part = 'test' AND row_number() OVER (PARTITION BY user_id ORDER BY md5(user_id || item_id)) = 1"
    return _read(
        f"CREATE TABLE members AS FROM read_csv('{place}'); CREATE TABLE uses AS SELECT *, {hidden} AS hidden FROM ({used})",
        train="SELECT user_id, item_id, CAST(part = 'valid' AS INTEGER) AS valid FROM uses WHERE NOT hidden",
        test="SELECT user_id, item_id FROM uses WHERE hidden",
        users="""SELECT id_anon AS user_id, relation, gender, gender || CASE WHEN age_at_inception < 18 THEN ' child'
                   WHEN age_at_inception < 45 THEN ' younger' ELSE ' older' END AS kind,
                   'a' || CAST(floor((age_at_inception + policy_years) / 5) AS INTEGER) AS age_band, policy_years
                   FROM members WHERE id_anon IN (SELECT user_id FROM uses)""",
    )


def caravan(data: Path) -> Trial:
    """The challenge's split: does a customer of the evaluation set hold a caravan policy? Two items, yes and no."""
    place = data / "coil2000-caravan" / "ticdata.csv.gz"
    asked = "SELECT row_number() OVER () AS user_id, * FROM read_csv($place, all_varchar=true)".replace(
        "$place", f"'{place}'"
    )
    taken = "CASE WHEN CARAVAN = 'insurance' THEN 'caravan' ELSE 'none' END AS item_id"
    return _read(
        f"CREATE TABLE customers AS {asked}",
        train=f"""SELECT user_id, {taken}, CAST(md5_number_lower(CAST(user_id AS VARCHAR)) % 5 = 0 AS INTEGER) AS valid
                    FROM customers WHERE ORIGIN = 'train'""",
        test=f"SELECT user_id, {taken} FROM customers WHERE ORIGIN <> 'train'",
        users="""SELECT user_id, PPERSAUT || ' ' || PBRAND AS car_and_fire, MKOOPKLA || ' ' || PPERSAUT AS means_and_car,
                        * EXCLUDE (user_id, ORIGIN, CARAVAN) FROM customers""",
    )


def motor(data: Path) -> Trial:
    """Contracts of 2003 that went on: which guarantee was added in 2004? Each contract's own are all it is known by."""
    place = data / "cas-motor-guarantees" / "fremotor1prem0304a.csv.gz"
    held = " UNION ALL ".join(
        f"SELECT IDpol AS user_id, '{name}' AS item_id, Year FROM contracts WHERE Prem{name} > 0" for name in GUARANTEES
    )
    return _read(
        f"CREATE TABLE contracts AS FROM read_csv('{place}'); CREATE TABLE held AS {held}",
        train="SELECT user_id, item_id FROM held WHERE Year = 2003",
        test="""SELECT user_id, item_id, user_id AS event_id FROM held WHERE Year = 2004 AND user_id IN
                  (SELECT user_id FROM held WHERE Year = 2003) AND (user_id, item_id) NOT IN
                  (SELECT (user_id, item_id) FROM held WHERE Year = 2003)""",
        users="""SELECT IDpol AS user_id, DrivAge, DrivGender, MaritalStatus, BonusMalus, LicenceNb, PayFreq, JobCode,
                        VehAge, VehClass, VehPower, VehGas, VehUsage, Garage, Area, Region, Channel, Marketing
                   FROM contracts WHERE Year = 2003
                QUALIFY row_number() OVER (PARTITION BY IDpol ORDER BY DrivAge, PremTot) = 1""",
    )


def movielens(data: Path) -> Trial:
    """Films with enough fans: the last fifth of what each user liked, from what they liked before."""
    place = data / "movielens-latest-small" / "ratings.csv.gz"
    rank = "percent_rank() OVER (PARTITION BY userId ORDER BY timestamp, movieId)"
    return _read(
        f"""CREATE TABLE likes AS SELECT userId AS user_id, movieId AS item_id, make_timestamp(timestamp * 1000000) AS time,
              {rank} > {1 - LAST} AS last FROM read_csv('{place}') WHERE rating >= {LIKED}
              QUALIFY count(*) OVER (PARTITION BY movieId) >= {FANS}""",
        train="SELECT user_id, item_id, time FROM likes WHERE NOT last",
        test="SELECT user_id, item_id, user_id AS event_id, max(time) OVER (PARTITION BY user_id) AS time FROM likes WHERE last",
    )


TRIALS: dict[str, tuple[Callable[[Path], Trial], int]] = {
    "bruun-insurance-purchases": (bruun, 3),
    "cas-health-services": (health, 3),
    "coil2000-caravan": (caravan, 1),
    "cas-motor-guarantees": (motor, 1),
    "movielens-latest-small": (movielens, 10),
}
"""How each data set is laid out, and how many offers count."""


def _read(prepare: str, **files: str) -> Trial:
    with TemporaryDirectory() as folder, duckdb.connect() as db:
        db.execute(prepare)
        places = {name: Path(folder) / f"{name}.parquet" for name in files}
        for name, query in files.items():
            db.execute(f"COPY ({query}) TO '{places[name]}' (FORMAT parquet)")
        return read_trial(places.pop("train"), places.pop("test"), **places)
