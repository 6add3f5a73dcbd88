#!/usr/bin/env python3
"""Writes what Evidently or NannyML compute of the columns in compat_cases.json.

    python3 make_compat.py evidently|nannyml HOUSING_REFERENCE.csv HOUSING_ANALYSIS.csv

It was run with Python 3.11 and, each in an environment of its own, evidently
0.7.23 and nannyml 0.13.1, both with numpy 2.4.6, scipy 1.17.1 and pandas 2.3.3.
The columns are drawn with integers and single operations on floats, so that the
test draws the same bits.
"""

import importlib
import json
import math
import os
import sys
import warnings

import pandas as pd

warnings.filterwarnings("ignore")
os.environ["NML_DISABLE_USAGE_LOGGING"] = os.environ["DO_NOT_TRACK"] = "1"
package = importlib.import_module(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
HOUSING = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude", "y_pred_proba"]


def uniform(state):
    """One step of a linear congruential generator: 32 bits, as a share of 1."""
    state = (state * 1664525 + 1013904223) % 2**32
    return state, (state >> 8) / 2**24


def draw(spec):
    """The values of a column; None is a missing one."""
    state, values = spec["seed"], []
    for i in range(spec["rows"]):
        total = 0.0
        for _ in range(4):
            state, u = uniform(state)
            total += u
        shape = spec["shape"]
        if shape == "hump":
            v = total - 2.0
        elif shape == "tail":
            v = 1.0 / (u + 0.001)
        elif shape == "whole":
            v = float(int(u * spec["values"]))
        elif shape == "text":
            v = f"v{int(u * spec['values']) + spec.get('from', 0)}"
        if shape != "text":
            v = v * spec.get("scale", 1.0)
            v = v + spec.get("shift", 0.0)
        if spec.get("missing_every") and i % spec["missing_every"] == 0:
            v = None if shape == "text" else math.nan
        if spec.get("infinite_every") and i % spec["infinite_every"] == 1:
            v = math.inf
        values.append(v)
    return values


def nannyml(ref, cur, text):
    kind = {"treat_as_categorical": ["x"], "categorical_methods": ["chi2", "jensen_shannon", "l_infinity", "hellinger"]}
    if not text:
        kind = {"continuous_methods": ["kolmogorov_smirnov", "jensen_shannon", "wasserstein", "hellinger"]}
    calculator = package.UnivariateDriftCalculator(column_names=["x"], chunk_number=1, **kind)
    calculator.fit(pd.DataFrame({"x": ref}))
    row = calculator.calculate(pd.DataFrame({"x": cur})).filter(period="analysis").to_df().iloc[0]
    return {method: row[("x", method, "value")] for method in list(kind.values())[-1]}


def evidently(ref, cur, text):
    definition = package.DataDefinition(**{"categorical_columns" if text else "numerical_columns": ["x"]})
    data = [package.Dataset.from_pandas(pd.DataFrame({"x": side}), definition) for side in (cur, ref)]
    result = package.Report([package.metrics.ValueDrift(column="x")]).run(*data).dict()["metrics"][0]
    names = {
        "K-S p_value": "ks", "chi-square p_value": "chisquare", "Z-test p_value": "z",
        "Wasserstein distance (normed)": "wasserstein_normed", "Jensen-Shannon distance": "jensen_shannon",
    }
    return {names[result["config"]["method"]]: result["value"]}


def numbers(tool, ref, cur, text):
    """What the tool gives; nothing where it fails, and no NaN."""
    try:
        values = tool(ref, cur, text)
    except Exception as why:  # whatever a tool raises, it has no number
        print(f"  {type(why).__name__}: {why}", file=sys.stderr)
        return {}
    return {name: float(v) for name, v in values.items() if math.isfinite(v)}


def main():
    tool = {"evidently": evidently, "nannyml": nannyml}[sys.argv[1]]
    golden = {"cases": {}, "housing": {}}
    with open(os.path.join(HERE, "compat_cases.json")) as f:
        cases = json.load(f)
    for name, case in cases.items():
        print(name, file=sys.stderr)
        text = case["reference"]["shape"] == "text"
        golden["cases"][name] = numbers(tool, draw(case["reference"]), draw(case["current"]), text)
    ref, cur = pd.read_csv(sys.argv[2]), pd.read_csv(sys.argv[3])
    for month, rows in cur.groupby(cur["timestamp"].str[:7]):
        print(month, file=sys.stderr)
        golden["housing"][month] = {c: numbers(tool, ref[c].tolist(), rows[c].tolist(), False) for c in HOUSING}
    with open(os.path.join(HERE, f"compat_{sys.argv[1]}.json"), "w") as f:
        json.dump(golden, f, indent=1)
        f.write("\n")


main()
