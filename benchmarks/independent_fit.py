"""Are memfit's intervals too narrow, or was it the draw? The same devices fitted with all that is known.

    python benchmarks/wrong_models.py run good --devices 100 --kinds full_1 spectra_1 --results good.jsonl
    python benchmarks/independent_fit.py good.jsonl

Maximum likelihood by Gauss-Newton steps from the truth, with the generator's own model, the exact noise and
the edges of the pulses free as they are in memfit. Its errors in standard errors are the luck of the draw;
memfit's may differ from them by what it has to find out about the noise, and no more. Prints both, their
difference in standard errors, the ratio of the standard errors, and chi2 of the truth above the minimum.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from independent_devices import PLAIN, make, slowest
from independent_model import Memristor
from wrong_models_table import far_off

ROUNDS = 4


def predict(records, x):
    """Exact values of all records, end to end; x has the logarithms of the parameters and shifts of edges."""
    p, shifts = Memristor(**dict(zip(PLAIN, np.exp(x[:8]), strict=True))), iter(x[8:])
    found = []
    for r in records:
        if r.kind == "eis":
            Z = p.impedance(r.x, p.junction(r.V))
            found += [Z.real, Z.imag]
        elif r.kind == "iv":
            found.append(p.simulate("voltage", r.knots, r.x))
        else:
            on, off = next(shifts), next(shifts)
            times = [t + shift for (t, _), shift in zip(r.knots, (0, on, on, off, off, 0), strict=True)]
            knots = list(zip(times, (value for _, value in r.knots), strict=True))
            found.append(p.simulate("current", knots, r.x))
    return np.concatenate(found)


def maximum_likelihood(records, truth):
    """Errors and standard errors of the logarithms of the parameters, chi2 of the truth above the minimum."""
    data, sigma = [], []
    for r in records:
        data += [r.y.real, r.y.imag] if r.kind == "eis" else [r.y]
        sigma += [r.sigma] * (2 if r.kind == "eis" else 1)
    data, sigma = np.concatenate(data), np.concatenate(sigma)
    pulses = sum(r.kind == "pulse" for r in records)
    start = np.append(np.log([truth["parameters"][name] for name in PLAIN]), np.zeros(2 * pulses))
    steps = np.append(np.full(8, 1e-4), np.full(2 * pulses, 1e-5 * slowest(records[0].device)))

    def residuals(x):
        return (data - predict(records, x)) / sigma

    J = [residuals(start - step) - residuals(start + step) for step in np.diag(steps)]
    J = np.array(J).T / (2 * steps)
    x, first = start, residuals(start)
    for _ in range(ROUNDS):
        x = x + np.linalg.lstsq(J, residuals(x), rcond=None)[0]
    last = residuals(x)
    errors = np.sqrt(np.diag(np.linalg.inv(J.T @ J)))
    return (x - start)[:8], errors[:8], float(first @ first - last @ last)


def compare(row):
    """One device of the results."""
    truth = row["truth"]
    records, _ = make(None, 0, truth["n"], truth["noise"], truth["kind"])
    error, size, excess = maximum_likelihood(records, truth)
    estimates = [row["parameters"][name] for name in PLAIN]
    values = np.array([e["value"] for e in estimates])
    true = np.array([truth["parameters"][name] for name in PLAIN])
    return {
        "own": error / size,
        "memfit": np.array([far_off(row, name) for name in PLAIN]),
        "apart": (np.log(values / true) - error) / size,
        "ratio": np.array([e["stderr"] for e in estimates]) / values / size,
        "excess": excess,
    }


def main():
    """Print a table a kind of data."""
    groups = defaultdict(list)
    for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        truth = row["truth"]
        if truth["departure"] is None and all(row["parameters"].get(n, {}).get("value") for n in PLAIN):
            groups[truth["kind"], truth["noise"], row["excluded"] > 0].append(compare(row))
    for (kind, noise, excluded), found in groups.items():
        table = {key: np.array([f[key] for f in found]) for key in found[0]}
        kept = "left out" if excluded else "all kept"
        print(f"\n{kind}, {100 * noise:g} %, points {kept}: {len(found)} devices")
        print(f"chi2 of the truth above the minimum: {np.mean(table['excess']):.1f}")
        print("| | " + " | ".join(PLAIN) + " | all |\n" + "|---" * (len(PLAIN) + 2) + "|")
        for key, title in (
            ("own", "known noise"),
            ("memfit", "memfit"),
            ("apart", "memfit less known noise"),
        ):
            squares = table[key] ** 2
            cells = [*np.sqrt(squares.mean(0)), np.sqrt(squares.mean())]
            print(f"| rms, {title} | " + " | ".join(f"{v:.2f}" for v in cells) + " |")
        ratio = [*np.median(table["ratio"], 0), np.median(table["ratio"])]
        print("| ratio of standard errors, median | " + " | ".join(f"{v:.2f}" for v in ratio) + " |")


if __name__ == "__main__":
    main()
