#!/usr/bin/env python3
"""Prints expiry.json: when certificates are due, calculated from the text of the rules with exact fractions.

- Without a setting, a third of the validity is left (`step ca rekey --daemon`: before 2/3 of it has passed).
- A window is a duration or a share of the validity. A period counts from notBefore.
- The jitter makes the time earlier by less than a twentieth of the window or period. Its share is a fraction: the first 48
  bits of the SHA-256 of the secret's ARN, a line feed and notBefore.
- The answer is the first whole second at which the certificate is due.
"""
import hashlib
import json
from datetime import datetime, timedelta, timezone
from fractions import Fraction

UNITS = {"h": 3600, "m": 60, "s": 1, "ms": Fraction(1, 1000)}
ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:%s"


def at(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def rfc3339(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(setting, validity):
    """The length of a window or period, in seconds, exactly."""
    if setting is None:
        return Fraction(validity, 3)
    for sign in ("%", "pct"):
        if setting.endswith(sign):
            return Fraction(setting[: -len(sign)]) * validity / 100
    total, number, rest = Fraction(0), "", setting
    while rest:
        if rest[0].isdigit() or rest[0] == ".":
            number, rest = number + rest[0], rest[1:]
            continue
        unit = next(u for u in ("ms", "h", "m", "s") if rest.startswith(u))
        total, number, rest = total + Fraction(number) * UNITS[unit], "", rest[len(unit):]
    return total


def share(arn, not_before):
    digest = hashlib.sha256(f"{arn}\n{rfc3339(not_before)}".encode()).digest()
    return Fraction(int.from_bytes(digest[:6], "big"), 2**48)


def ceil(moment, offset):
    """The first whole second at or after moment + offset seconds."""
    return moment + timedelta(seconds=-((-offset.numerator) // offset.denominator))


def row(name, not_before, not_after, kind=None, setting=None):
    arn, start, end = ARN % name, at(not_before), at(not_after)
    validity = int((end - start).total_seconds())
    length = seconds(setting, validity)
    begin = length if kind == "rekeyPeriod" else validity - length
    return {
        "arn": arn,
        "notBefore": not_before,
        "notAfter": not_after,
        "kind": kind,
        "setting": setting,
        # The latest and the earliest time that the jitter can give.
        "latest": rfc3339(ceil(start, begin)),
        "earliest": rfc3339(ceil(start, begin - length / 20)),
        "due": rfc3339(ceil(start, begin - length / 20 * share(arn, start))),
        # Overdue: late by a fifth of the window. Emergency: the last twentieth of the validity, in which every scan tries.
        "overdue": rfc3339(ceil(start, begin - length / 20 * share(arn, start) + length / 5)),
        "emergency": rfc3339(ceil(start, validity - Fraction(validity, 20))),
    }


VALIDITIES = {
    "an hour": ("2026-11-22T11:00:00Z", "2026-11-22T12:00:00Z"),
    "a day": ("2026-11-22T12:00:00Z", "2026-11-23T12:00:00Z"),
    "a day and a minute": ("2026-11-22T11:59:00Z", "2026-11-23T12:00:00Z"),
    "over a leap day": ("2028-02-28T23:59:59Z", "2028-03-01T23:59:59Z"),
    "47 days": ("2026-10-01T00:00:00Z", "2026-11-17T00:00:00Z"),
    "90 days less a second": ("2026-10-20T06:07:08Z", "2027-01-18T06:07:07Z"),
    "a year and a day": ("2026-03-29T01:30:00Z", "2027-03-30T01:30:00Z"),
    "ten years": ("2026-12-31T23:59:59Z", "2036-12-29T23:59:59Z"),
}
SETTINGS = [
    (None, None),
    ("expiresIn", "1m"),
    ("expiresIn", "17m30s"),
    ("expiresIn", "0.5h"),
    ("expiresIn", "33%"),
    ("expiresIn", "66.6%"),
    ("expiresIn", "12.5pct"),
    ("expiresIn", "0.1%"),
    ("expiresIn", "90%"),
    ("rekeyPeriod", "1s"),
    ("rekeyPeriod", "40m"),
    ("rekeyPeriod", "59m59s"),
]
LONG = [("expiresIn", "8h"), ("expiresIn", "8h30m"), ("rekeyPeriod", "16h"), ("rekeyPeriod", "23h59m")]

rows = []
for validity, dates in VALIDITIES.items():
    for kind, setting in SETTINGS + ([] if validity == "an hour" else LONG):
        rows.append(row(f"{validity}/{len(rows)}".replace(" ", "-"), *dates, kind, setting))
print("[\n" + ",\n".join(json.dumps(each) for each in rows) + "\n]")
