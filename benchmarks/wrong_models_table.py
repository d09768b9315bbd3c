"""The tables of `wrong_models.py`: what was said of each device, against what is true."""

import re
from collections import defaultdict

import numpy as np

FITTED = ("R_b", "C_m", "i_c0", "V_T", "V_m", "tau_d", "tau_k", "R_s")
FAR = 5.0
"""Standard errors from which a value is far off."""
CLEAN = "within their noise"
"""Of the message of a fit of which nothing is to be told."""
TOLD = re.compile(
    r"disagree|conflict|follow each other|gain|misses|does not describe|contradict|times too|reversed"
    r"|drift|offset"
)
UNIT = re.compile(r"\bunits?\b|times too|times (smaller|larger)|1000")
HEAD = """# Devices that the model does not describe

Made by `python benchmarks/wrong_models.py run wrong`, `run good`, `run units` and `table`. Devices, truth and
departures: `independent_devices.py`; sizes 1 to 3 are those of its table.

"""
LEGEND = """
Flagged: the status is not ok, or its sentence tells of a misfit; poor: `poor_fit`. Told: any sentence says
that something is wrong. Far: devices with a parameter more than 5 standard errors off, {whose}. Worst: the
parameter furthest off, in standard errors, median of the devices. Silent: far and not flagged. Covered:
intervals of what is called `determined` that hold the truth. P wrong: P(oscillates) above 0.9 or below 0.1
on the wrong side, of those given.
"""


def far_off(row, name):
    """Error of a parameter in standard errors, from the nearest of what may rightly be said; None if open."""
    e = row["parameters"].get(name)
    if not e or e["value"] is None or not e["stderr"]:
        return None
    low, high = accepted(row, name)
    value, error = e["value"], e["stderr"]
    true = min(max(value, low), high)
    if name == "V_T" or value <= 2 * error or true <= 0:
        return (value - true) / error
    return float(np.log(value / true)) * value / error


def accepted(row, name):
    """The range of true values."""
    truth = row["truth"]
    true = truth["parameters"][name]
    return truth["acceptable"].get(name, (true, true))


def inside(row, name):
    """Whether the interval holds the truth."""
    low, high = row["parameters"][name]["ci95"] or (None, None)
    least, most = accepted(row, name)
    return (low is None or low <= most) and (high is None or least <= high)


def worst(row):
    """The largest error of a parameter in standard errors; 0 where there is none."""
    return max((abs(z) for name in FITTED if (z := far_off(row, name)) is not None), default=0.0)


def determined(row):
    """Whether the interval holds the truth, for every parameter called determined."""
    return [
        inside(row, n) for n, e in row["parameters"].items() if n in FITTED and e["status"] == "determined"
    ]


def codes(row):
    """The status and what else it says."""
    return {row["code"], *row.get("also", [])}


def flagged(row):
    """Whether the first thing said is that something is wrong."""
    return row["code"] != "ok" or CLEAN not in row.get("message", "")


def told(row):
    """Whether any sentence says so."""
    return any(TOLD.search(text) for text in row.get("sentences", []))


def wrong_side(row):
    """Whether P(oscillates) is near certain and wrong; None where it is not given or nothing is true."""
    P, true = row.get("probability"), row["truth"]["oscillates"]
    if P is None or true is None:
        return None
    return P < 0.1 if true else P > 0.9


def unit_named(row):
    """Whether a sentence on units names the wrong file, and none an innocent one."""
    wrong = row["truth"]["wrong_files"]
    blamed = {
        file
        for text in row.get("sentences", [row.get("message", "")])
        if UNIT.search(text)
        for file in re.findall(r"[\w.+-]+\.csv", text)
    }
    return bool(blamed) and blamed <= set(wrong)


def _share(hits):
    hits = list(hits)
    return f"{sum(hits)}/{len(hits)}" if hits else "-"


def _percent(hits):
    hits = list(hits)
    return f"{100 * np.mean(hits):.1f} % of {len(hits)}" if hits else "-"


def _departure(name, size, rows, earlier):
    far = [worst(earlier.get(r["name"], r)) > FAR for r in rows]
    silent = [f and not flagged(r) for f, r in zip(far, rows, strict=True)]
    count = defaultdict(int)
    for r in rows:
        count[r["code"]] += 1
    cells = (
        name.replace("_", " "),
        str(size),
        ", ".join(f"{code} {n}" for code, n in sorted(count.items())),
        _share(map(flagged, rows)),
        _share("poor_fit" in codes(r) for r in rows),
        _share(map(told, rows)),
        str(sum(far)),
        f"{np.median([worst(r) for r in rows]):.1f}",
        str(sum(silent)),
        _share(x for r in rows for x in determined(r)),
        _share(x for r in rows if (x := wrong_side(r)) is not None),
        f"{np.median([r['seconds'] for r in rows]):.0f}",
    )
    return "| " + " | ".join(cells) + " |"


def wrong_table(rows, earlier):
    """One line a departure and size, and the totals."""
    whose = "by the errors of an earlier version" if earlier else "by the errors given"
    groups = defaultdict(list)
    for r in rows:
        groups[r["truth"]["departure"], r["truth"]["size"]].append(r)
    columns = (
        "| departure | size | status | flagged | poor | told | far | worst | silent | covered | P wrong | s |"
    )
    lines = [LEGEND.format(whose=whose), columns, "|---" * 12 + "|"]
    lines += [_departure(*key, group, earlier) for key, group in groups.items()]
    far = [r for r in rows if worst(earlier.get(r["name"], r)) > FAR]
    stable = [r for r in rows if r["truth"]["departure"] == "conductance_stable"]
    high = [r["probability"] > 0.5 for r in stable if r.get("probability") is not None]
    sides = [x for r in rows if (x := wrong_side(r)) is not None]
    named = [unit_named(r) for r in rows if r["truth"]["departure"] == "unit_error"]
    lines += [
        "",
        f"{len(rows)} devices.",
        "",
        "| | found | must be |",
        "|---|---|---|",
        f"| far off and flagged | {_percent(map(flagged, far))} | 95 % |",
        f"| far off, flagged or told elsewhere | {_percent(flagged(r) or told(r) for r in far)} | |",
        f"| determined and covered | {_percent(x for r in rows for x in determined(r))} | 90 % |",
        f"| P above 0.9 or below 0.1 on the wrong side | {_share(sides)} | 0 |",
        f"| no P given | {sum(r.get('probability') is None for r in rows)} | |",
        f"| conductance that cannot oscillate, P above 0.5 | {_share(high)} ({len(stable)} devices) | 0 |",
        f"| unit errors named right | {_percent(named)} | 95 % |",
        f"| out of time, crashed | {sum(r['code'] in ('out of time', 'crash') for r in rows)} | 0 |",
        "",
    ]
    return lines


def good_table(rows):
    """One line a kind of data and noise, and all of them."""
    groups = defaultdict(list)
    for r in rows:
        groups[r["truth"]["kind"], r["truth"]["noise"]].append(r)
    columns = "| data | noise | devices | ok | poor_fit | " + " | ".join(FITTED) + " | all |"
    lines = [
        "",
        "## Devices that are the model",
        "",
        "Each cell: intervals that hold the truth in per cent; errors in standard errors, root mean square.",
        "",
        columns,
        "|---" * (6 + len(FITTED)) + "|",
    ]
    for (kind, noise), group in [*groups.items(), (("all", 0), rows)]:
        ok = sum(r["code"] == "ok" for r in group)
        poor = sum("poor_fit" in codes(r) for r in group)
        cells = [_calibration(group, (name,)) for name in FITTED] + [_calibration(group, FITTED)]
        share = f"{100 * noise:g} %" if noise else ""
        lines.append(f"| {kind} | {share} | {len(group)} | {ok} | {poor} | " + " | ".join(cells) + " |")
    alarms = [flagged(r) and r["code"] != "not_identifiable" for r in rows]
    sides = _share(x for r in rows if (x := wrong_side(r)) is not None)
    text = f"False alarms (flagged, not as undetermined): {_percent(alarms)}; must be at most 1 %."
    lines += ["", f"{text} P on the wrong side: {sides}.", ""]
    return lines


def _calibration(rows, names):
    pairs = [(r, n) for r in rows for n in names if far_off(r, n) is not None]
    if not pairs:
        return "-"
    z = np.array([far_off(r, n) for r, n in pairs])
    return f"{100 * np.mean([inside(r, n) for r, n in pairs]):.1f}, {np.sqrt(np.mean(z**2)):.2f}"


def unit_table(rows):
    """Unit errors in the sample data, by kind of record."""
    lines = ["", "## One record of the sample data 1000 times too large or too small", ""]
    lines += ["| record | named right | status |", "|---|---|---|"]
    for kind in ("eis", "iv", "pulse"):
        group = [r for r in rows if r["truth"]["wrong_files"][0].startswith(kind)]
        status = sorted({r["code"] for r in group})
        lines.append(f"| {kind} | {_share(map(unit_named, group))} | {', '.join(status)} |")
    return [*lines, "", f"Named right: {_percent(map(unit_named, rows))}; must be 95 %.", ""]


def tables(found, earlier, note=""):
    """All tables of the results that there are."""
    rows = list(found.values())
    units = [r for r in rows if r["truth"]["departure"] == "unit"]
    good = [r for r in rows if r["truth"]["departure"] is None]
    wrong = [r for r in rows if r["truth"]["departure"] not in (None, "unit")]
    lines = [HEAD + note]
    lines += wrong_table(wrong, earlier) if wrong else []
    lines += good_table(good) if good else []
    lines += unit_table(units) if units else []
    return "\n".join(lines)
