#!/usr/bin/env python3
"""Writes card transactions as JSON lines, drawn as schema.json describes.

    python3 events.py SCHEMA COUNT [SEED] > events.jsonl
"""

import json
import math
import random
import sys
from datetime import datetime, timedelta, timezone


def poisson(rng, mean):
    limit, k, p = math.exp(-mean), 0, 1.0
    while True:
        p *= rng.random()
        if p <= limit:
            return k
        k += 1


def draw(rng, dist, state):
    """One value of a distribution, before rounding."""
    kind = dist["kind"]
    if kind == "uuid":
        h = f"{rng.getrandbits(128):032x}"
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
    if kind == "timestamp":
        state["now"] += timedelta(milliseconds=rng.expovariate(1 / dist["mean_step_ms"]))
        return state["now"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if kind == "pool":
        return f"{dist['prefix']}{int(dist['size'] * rng.random() ** dist['skew']):0{dist['width']}d}"
    if kind == "categorical":
        return rng.choices(dist["values"], dist["weights"])[0]
    if kind == "bernoulli":
        return rng.random() < dist["p"]
    value = {
        "lognormal": lambda: math.exp(dist["mu"] + dist["sigma"] * rng.gauss(0, 1)),
        "normal": lambda: rng.gauss(dist["mean"], dist["sd"]),
        "exponential": lambda: rng.expovariate(1 / dist["mean"]),
        "poisson": lambda: poisson(rng, dist["lambda"]),
        "power": lambda: dist["min"] + (dist["max"] - dist["min"]) * rng.random() ** dist["exponent"],
        "uniform_int": lambda: rng.randint(dist["min"], dist["max"]),
    }[kind]()
    return min(max(value, dist.get("min", -math.inf)), dist.get("max", math.inf))


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        fields = json.load(f)["fields"]
    count = int(sys.argv[2])
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    state = {"now": datetime(2026, 5, 28, 20, 0, tzinfo=timezone.utc)}
    for _ in range(count):
        event = {}
        for field in fields:
            value = draw(rng, field["dist"], state)
            if rng.random() < field.get("absent_rate", 0):
                continue
            if rng.random() < field.get("null_rate", 0):
                value = None
            elif field["type"] == "int":
                value = int(value)
            elif field["type"] == "float":
                value = round(value, field["decimals"])
            target = event
            *parents, name = field["path"].split(".")
            for parent in parents:
                target = target.setdefault(parent, {})
            target[name] = value
        sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
