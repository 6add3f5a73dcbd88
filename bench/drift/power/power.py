#!/usr/bin/env python3
"""Other tools on the rows that the Go program beside this one has drawn.

    python3 power.py evidently|nannyml|river DIR
    python3 power.py page DIR PAGE PICTURE

Each tool has its defaults and writes DIR/TOOL.json, as penstock does; windows are
an hour's 1000 rows. What counts is the shifted column, or any of them where nothing has
shifted. "page" puts the results of all into the tables of a page and a picture.
"""

import glob
import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # NannyML's word for: do not call home

HOUR = 1000
SHIFTS = [
    "mean + 0.25 σ", "mean + 0.5 σ", "mean + 1 σ", "σ × 1.5", "σ × 2", "a category 12 % → 22 %",
    "a category 12 % → 32 %", "missing 1 % → 6 %", "missing 1 % → 21 %", "score, logit + 0.5",
]


def measure(folder, watch, windowed=True):
    """Runs watch(reference, rows), which gives the rows at which it alarms, over all streams."""
    import pandas as pd

    def read(path):
        return pd.read_csv(path, skip_blank_lines=False)  # a blank one is a missing value

    reference, null = read(f"{folder}/reference.csv"), read(f"{folder}/null.csv")
    rows = watch(reference, null)
    # Windows in a row are one alarm.
    alarms = [row for row in rows if not windowed or row - HOUR not in rows]
    result = {"null_alarms": len(alarms), "null_hours": len(null) // HOUR, "delays": {}}
    for i, name in enumerate(SHIFTS):
        delays = []
        for path in sorted(glob.glob(f"{folder}/shift-{i}-*.csv")):
            rows = read(path)
            after = [row - HOUR for row in watch(reference[rows.columns], rows) if row > HOUR]
            delays.append(after[0] if after else -1)
        result["delays"][name] = delays
        print(name, delays, file=sys.stderr)
    return result


def evidently(reference, rows):
    from evidently import Report
    from evidently.metrics import ValueDrift

    report = Report([ValueDrift(column=name) for name in rows.columns])
    alarming = []
    for start in range(0, len(rows), HOUR):
        metrics = report.run(reference_data=reference, current_data=rows.iloc[start : start + HOUR]).dict()["metrics"]
        # Its defaults for a reference of more than 1000 rows are distances.
        if any(m["value"] >= m["config"]["threshold"] for m in metrics):
            alarming.append(start + HOUR)
            if len(rows.columns) == 1 and start:
                break  # the delay is known
    return alarming


def nannyml(reference, rows):
    import nannyml as nml

    calculator = nml.UnivariateDriftCalculator(column_names=list(rows.columns), chunk_size=HOUR)
    found = calculator.fit(reference).calculate(rows).filter(period="analysis").to_df()
    alerts = [c for c in found.columns if c[-1] == "alert"]
    return [(i + 1) * HOUR for i, alarm in enumerate(found[alerts].any(axis=1)) if alarm]


def river_with(make):
    """river's detectors take one number a row: a category and a missing value are 0 or 1."""

    def numbers(column):
        if column.name == "category":
            return (column == "c2").astype(float)
        if column.name == "gaps":
            return column.isna().astype(float)
        return column

    def watch(reference, rows):
        found = []
        for name in rows.columns:
            detector = make()
            for x in numbers(reference[name]).iloc[-5000:]:
                detector.update(x)
            for i, x in enumerate(numbers(rows[name])):
                detector.update(x)
                if detector.drift_detected:
                    found.append(i + 1)
        return sorted(found)

    return watch


def river():
    from river import drift

    return {"river's ADWIN": river_with(drift.ADWIN), "river's Page-Hinkley": river_with(drift.PageHinkley)}


def median(delays):
    """The median; None where it is of those that found nothing."""
    rows = sorted(d if d >= 0 else float("inf") for d in delays)[len(delays) // 2]
    return None if rows == float("inf") else int(rows)


NAMES = {"evidently": "Evidently", "nannyml": "NannyML"}  # the others' files have results of two


def load(folder):
    results = {}
    for name in ("penstock", "evidently", "nannyml", "river"):
        path = f"{folder}/{name}.json"
        if os.path.exists(path):
            with open(path) as file:
                data = json.load(file)
            results.update({NAMES[name]: data} if name in NAMES else data)
    return results


def table(results):
    lines = ["| | " + " | ".join(results) + " |", "|---|" + "---:|" * len(results)]
    rates = [f"{r['null_alarms'] * 720 / r['null_hours']:.0f}" for r in results.values()]
    lines.append("| **false alarms in 30 days without a shift** | " + " | ".join(rates) + " |")
    for name in SHIFTS:
        cells = []
        for r in results.values():
            delays = r["delays"][name]
            rows, missed = median(delays), sum(d < 0 for d in delays)
            text = f"{rows:,}" if rows is not None else "–"
            cells.append(text + (f" ({len(delays) - missed} of {len(delays)})" if missed else ""))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def picture(results):
    """Delay against false alarms: a dot a shift, a row of dots a tool."""
    import math

    width, left, line = 760, 170, 46
    height = 50 + line * len(results) + 40

    def x(rows):
        return left + (width - left - 80) * math.log10(max(rows, 10) / 10) / math.log10(2000)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{left}" y="20">median rows until a shift is found, a dot each; right: not found</text>',
        f'<text x="12" y="38" fill="#555" font-size="11">false alarms in 30 days</text>',
    ]
    for rows in (10, 100, 1000, 10000):
        out.append(f'<line x1="{x(rows):.0f}" x2="{x(rows):.0f}" y1="44" y2="{height - 36}" stroke="#ddd"/>')
        out.append(f'<text x="{x(rows):.0f}" y="{height - 20}" text-anchor="middle" fill="#555">{rows:,}</text>')
    for i, (name, r) in enumerate(results.items()):
        y = 68 + line * i
        out.append(f'<text x="12" y="{y}">{name}</text>')
        out.append(f'<text x="12" y="{y + 15}" fill="#555" font-size="11">{r["null_alarms"] * 720 / r["null_hours"]:.0f}</text>')
        missed = 0
        for shift in SHIFTS:
            rows = median(r["delays"][shift])
            if rows is None:
                missed += 1
                continue
            out.append(f'<circle cx="{x(rows):.0f}" cy="{y}" r="6" fill="#1f6feb" fill-opacity=".55"><title>{shift}: {rows}</title></circle>')
        if missed:
            out.append(f'<text x="{width - 40}" y="{y + 4}" text-anchor="middle" fill="#b00">{missed}</text>')
    return "\n".join(out + ["</svg>\n"])


def main():
    command, folder = sys.argv[1:3]
    if command == "page":
        page, image = sys.argv[3:5]
        results = load(folder)
        with open(page) as file:
            before, rest = file.read().split("<!-- table -->\n")[0::2][:2]
        with open(page, "w") as file:
            file.write(f"{before}<!-- table -->\n{table(results)}\n<!-- table -->\n{rest}")
        with open(image, "w") as file:
            file.write(picture(results))
        return
    if command == "river":
        result = {name: measure(folder, watch, windowed=False) for name, watch in river().items()}
    else:
        result = measure(folder, {"evidently": evidently, "nannyml": nannyml}[command])
    with open(f"{folder}/{command}.json", "w") as file:
        json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
