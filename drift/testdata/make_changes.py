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
}
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
