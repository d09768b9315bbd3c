"""Is a device given the model it was made with?

    python benchmarks/model_choice.py --devices 200

Random devices of `recovery.py`, as they are (3D), without tau_k (2D) and without tau_d (mirror 2D), each
measured by five spectra with 3 % noise, white or correlated, and fitted with `--model auto`. Prints the table
and writes it beside this file.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import argparse
import warnings
from pathlib import Path

import numpy as np
from recovery import CASES, measurements, random_parameters

from memfit.fitting import FitPlan
from memfit.fitting.joint import fit
from memfit.synthetic.measurements import Noise, simulate_device

TABLE = Path(__file__).with_suffix(".md")
HEAD = """# The model that a device is given

Made by `python benchmarks/model_choice.py --devices {devices} --seed {seed}`: five spectra with 3 % noise of
each device. Sure: the choice is called certain. In the last row the noise of neighbouring points has a
correlation of 0.6.

"""
COLUMNS = "| made with | devices | 3D chosen | 2D chosen | mirror chosen | right | sure | seeds not right |"
MADE = {
    "3d": ("3D", lambda p: p, 0.0),
    "2d": ("2D", lambda p: p.replace(tau_k=0.0), 0.0),
    "2d-mirror": ("mirror 2D", lambda p: p.replace(tau_d=0.0), 0.0),
    "2d, correlated": ("2D, correlated noise", lambda p: p.replace(tau_k=0.0), 0.6),
}


def chosen(seed, change, correlation):
    """The model of one device, and whether that is called certain."""
    whole = random_parameters(np.random.default_rng(seed))
    truth = change(whole)
    noise = Noise(impedance=0.03, correlation=correlation)
    device = simulate_device(truth, measurements(whole, CASES["spectra"]), noise, seed=seed)
    result = fit(device, FitPlan(model="auto", conflict_test=False)).result
    return result.model, result.model_choice.certain


def row(key, seeds):
    """One line of the table."""
    title, change, correlation = MADE[key]
    found = [chosen(seed, change, correlation) for seed in seeds]
    models = [model for model, _ in found]
    right = key.split(",")[0]
    wrong = ", ".join(str(s) for s, m in zip(seeds, models, strict=True) if m != right) or "none"
    counts = " | ".join(str(models.count(m)) for m in ("3d", "2d", "2d-mirror"))
    share = 100 * models.count(right) / len(models)
    return (
        f"| {title} | {len(found)} | {counts} | {share:.1f} % | {sum(sure for _, sure in found)} | {wrong} |"
    )


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--seed", type=int, default=30_000, help="of the first device; the next follow")
    parser.add_argument("--output", type=Path, default=TABLE)
    options = parser.parse_args()
    warnings.simplefilter("error")
    lines = HEAD.format(devices=options.devices, seed=options.seed).splitlines()
    lines += [COLUMNS, "|---" * (COLUMNS.count("|") - 1) + "|"]
    print("\n".join(lines), flush=True)
    for key in MADE:
        lines.append(row(key, range(options.seed, options.seed + options.devices)))
        print(lines[-1], flush=True)
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
