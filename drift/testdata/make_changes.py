#!/usr/bin/env python3
"""Writes change_series.json: series, and where river's detectors find changes.

It was run with Python 3.11 and river 0.26.1 (numpy 2.4.6, scipy 1.17.1). CUSUM is
not in that release: its changes are those of the example in its documentation,
over the same series.
"""

import json
import os
import random

from river import drift

binary = drift.binary
CLASSES = {
    "adwin": drift.ADWIN, "page_hinkley": drift.PageHinkley, "ddm": binary.DDM, "eddm": binary.EDDM,
    "hddm_a": binary.HDDMA, "hddm_w": binary.HDDMW,
}


def errors(seed, *segments):
    rng = random.Random(seed)
    return [int(rng.random() < rate) for rows, rate in segments for _ in range(rows)]


rng = random.Random(42)
four = [v for choice in ([0, 1], range(4, 8)) * 2 for v in rng.choices(choice, k=1000)]
rng = random.Random(12345)
steps = [rng.gauss(0, 1) for _ in range(200)] + [rng.gauss(3, 1) for _ in range(200)]
rng = random.Random(7)
noise = [round(rng.gauss(0, 1), 6) for _ in range(1500)]
slope = [round(v + max(0, i - 500) / 200, 6) for i, v in enumerate(noise)]
series = {
    "four segments": four,
    "three deviations up": steps,
    "noise": noise,
    "slope": slope,
    "zeros, then errors": errors(1, (200, 0), (300, 0.3)),
    "errors more often": errors(2, (700, 0.1), (700, 0.3), (700, 0.6)),
    "errors less often": errors(3, (700, 0.6), (700, 0.2), (700, 0.5)),
    "errors as ever": errors(4, (2000, 0.2)),
    "few whole numbers": [int(rng.random() * 3) + 2 * (i // 40 % 2) for i in range(160)],
    "few errors": errors(5, (40, 0.1), (40, 0.7), (40, 0.1), (40, 0.9)),
}
# With small parameters and ties, warm-ups end and bounds are met in the very value.
few, some = ["few whole numbers", "few errors"], ["few errors"]
rates = ["zeros, then errors", "errors more often", "errors less often", "errors as ever"]
values = ["four segments", "three deviations up", "noise", "slope"]
runs = []
for detector, parameters, names in [
    ("adwin", {}, values + rates),
    ("adwin", {"clock": 1}, values + rates),
    ("adwin", {"delta": 0.05, "clock": 8, "max_buckets": 3, "min_window_length": 1, "grace_period": 100}, values + rates),
    ("page_hinkley", {}, values + rates),
    ("page_hinkley", {"threshold": 10, "delta": 0.1, "min_instances": 5}, values + rates),
    ("page_hinkley", {"threshold": 5, "mode": "up", "alpha": 0.99}, values + rates),
    ("page_hinkley", {"threshold": 5, "mode": "down"}, values + rates),
    ("ddm", {}, rates),
    ("ddm", {"warm_start": 100, "drift_threshold": 2}, rates),
    ("eddm", {}, rates),
    ("eddm", {"warm_start": 10, "beta": 0.7}, rates),
    ("hddm_a", {}, rates),
    ("hddm_a", {"two_sided_test": True, "drift_confidence": 0.01}, rates),
    ("hddm_w", {}, rates),
    ("hddm_w", {"two_sided_test": True, "lambda_val": 0.1, "drift_confidence": 0.01}, rates),
] + [
    ("page_hinkley", {"min_instances": n, "threshold": t, "delta": d, "mode": mode}, few)
    for n, t, d in [(1, 1, 0.5), (4, 0.5, 0), (9, 2, 0.25)] for mode in ["up", "down", "both"]
] + [
    ("adwin", {"delta": 0.9, "clock": 1, "min_window_length": n, "grace_period": g, "max_buckets": b}, few)
    for n, g, b in [(1, 0, 2), (2, 7, 5), (6, 20, 3)]
] + [
    ("ddm", {"warm_start": n, "drift_threshold": t}, some) for n in [2, 5, 12] for t in [0.5, 1, 2]
] + [
    ("eddm", {"warm_start": n, "beta": b}, some) for n in [2, 4, 7] for b in [0.7, 0.9, 0.95]
] + [
    (name, {"drift_confidence": c, "two_sided_test": two}, some)
    for name in ["hddm_a", "hddm_w"] for c in [0.1, 0.5, 0.9] for two in [False, True]
]:
    for name in names:
        one, found = CLASSES[detector](**parameters), []
        for i, x in enumerate(series[name]):
            one.update(x)
            if one.drift_detected:
                found.append(i)
        runs.append({"detector": detector, "parameters": parameters, "series": name, "changes": found})
runs.append({"detector": "cusum", "parameters": {}, "series": "three deviations up", "changes": [201, 251]})
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "change_series.json"), "w") as f:
    f.write('{"series": {\n' + ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in series.items()))
    f.write('\n}, "runs": [\n' + ",\n".join(f" {json.dumps(r)}" for r in runs) + "\n]}\n")
