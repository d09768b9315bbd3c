"""What does memfit say of devices that the model does not describe, and of those that it does?

    python benchmarks/wrong_models.py run wrong --devices 6 --workers 2  departures at three sizes
    python benchmarks/wrong_models.py run good --devices 80              devices that are the model
    python benchmarks/wrong_models.py run units                          sample data, a record 1000 times off
    python benchmarks/wrong_models.py table                              the tables of what has been run

Devices are those of `independent_devices.py`, which shares nothing with the fit, and go through the public
calls: load, fit, stability. Each line of RESULTS is one device; what is there already is not run again, so
that a run can be stopped and continued, and two versions compared (--results, --standard-errors). `table`
prints and writes the tables.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: the pool uses the cores

import argparse
import json
import shutil
import signal
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from independent_devices import GOOD, good_jobs, prepare, wrong_jobs
from wrong_models_table import tables

import memfit as mf

HERE = Path(__file__).parent
SAMPLES = HERE.parent / "sample_data"
TABLE = Path(__file__).with_suffix(".md")
RESULTS = Path(tempfile.gettempdir()) / "memfit_wrong_models.jsonl"
DEVICES = Path(tempfile.gettempdir()) / "memfit_independent_devices"
GOODNESS = ("file", "chi2_reduced", "noise", "noise_model_free", "misfit", "misfit_percent", "where")


class OutOfTimeError(Exception):
    """The fit took longer than it may."""


def _stop(_number, _frame):
    raise OutOfTimeError


def judge(folder, limit):
    """Fit one folder: what memfit says of it, as plain data."""
    signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    begun = time.process_time()
    try:
        said = describe(mf.fit(mf.load(folder)))
    except OutOfTimeError:
        said = {"code": "out of time", "parameters": {}}
    except mf.MemfitError as error:
        said = {"code": "refused", "message": str(error), "parameters": {}}
    except Exception as error:  # a crash is a result of this benchmark
        said = {"code": "crash", "message": f"{type(error).__name__}: {error}", "parameters": {}}
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return said | {"seconds": time.process_time() - begun}


def describe(result):
    """What is judged of a result; fields that this version does not have are left out."""
    plain = json.loads(result.to_json())
    status, goodness = plain["status"], plain["goodness"]
    current = mf.stability(result).get("current") or {}
    sentences = [status["message"], *plain.get("warnings", [])]
    sentences += [text for item in plain.get("inputs", []) for text in item.get("warnings", [])]
    sentences += [item["sentence"] for item in plain.get("diagnosis", [])]
    return {
        "code": status["code"],
        "also": status.get("also", []),
        "message": status["message"],
        "sentences": sentences,
        "parameters": {
            name: {key: e.get(key) for key in ("value", "stderr", "ci95", "status", "unit")}
            for name, e in plain["parameters"].items()
        },
        "nuisance": {name: e.get("value") for name, e in plain.get("nuisance", {}).items()},
        "excluded": len(plain.get("excluded", [])),
        "chi2_reduced": goodness["chi2_reduced"],
        "datasets": [{key: item[key] for key in GOODNESS if key in item} for item in goodness["datasets"]],
        "verdict": current.get("verdict"),
        "probability": current.get("probability_oscillates"),
        "probability_reason": current.get("probability_reason"),
    }


def trial(devices, limit, job):
    """Make a device where it is not there, fit it."""
    folder = prepare(devices, job)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return {"truth": truth, **judge(folder / "device", limit)}


def name_of(job):
    """A name for one line of the results."""
    departure, size, n, noise, kind = job
    return f"{departure or 'good'} {size} {n} {noise:g} {kind}"


def unit_trial(limit, job):
    """A sample folder with one record 1000 times too large or too small."""
    sample, file, factor = job
    with tempfile.TemporaryDirectory() as folder:
        device = Path(folder) / sample
        shutil.copytree(SAMPLES / sample, device)
        _rescale(device / file, factor)
        truth = {"departure": "unit", "sample": sample, "wrong_files": [file], "factor": factor}
        return {"truth": truth, **judge(device, limit)}


def _rescale(file, factor):
    """Multiply the columns of current (of a spectrum: of the impedance) in a CSV file."""
    lines = file.read_text(encoding="utf-8").splitlines()
    header = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    names = lines[header].split(",")
    columns = [i for i, name in enumerate(names) if name.startswith(("Z_", "Current"))]
    for i in range(header + 1, len(lines)):
        cells = lines[i].split(",")
        for column in columns:
            cells[column] = f"{factor * float(cells[column]):.9g}"
        lines[i] = ",".join(cells)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def unit_jobs():
    """Every table of every sample folder, both ways."""
    found = []
    for folder in sorted(path for path in SAMPLES.iterdir() if path.is_dir()):
        for file in sorted(folder.glob("*.csv")):
            text = file.read_text(encoding="utf-8")
            if "Z_real" in text or "Current" in text:
                found += [(folder.name, file.name, factor) for factor in (1e3, 1e-3)]
    return found


def plan(options):
    """(name, function, job) of everything asked for."""
    if options.suite == "units":
        work = partial(unit_trial, options.limit)
        return [("unit " + " ".join(map(str, job)), work, job) for job in unit_jobs()]
    work = partial(trial, options.folder, options.limit)
    if options.suite == "wrong":
        jobs = wrong_jobs(options.devices, *([options.departures] if options.departures else []))
    else:
        kinds = [
            (kind, noise)
            for kind, noise in GOOD
            if not options.kinds or f"{kind}_{100 * noise:g}" in options.kinds
        ]
        jobs = good_jobs(options.devices, kinds)
    return [(name_of(job), work, job) for job in jobs]


def read(file):
    """Lines by name; a half last line of a run that was killed is passed over."""
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[row["name"]] = row
    return found


def run(options):
    """Append the lines that are missing."""
    done = read(options.results)
    todo = [(name, work, job) for name, work, job in plan(options) if name not in done]
    print(f"{len(todo)} to run, {len(done)} there", flush=True)
    with options.results.open("a", encoding="utf-8") as out, ProcessPoolExecutor(options.workers) as pool:
        futures = {pool.submit(work, job): name for name, work, job in todo}
        for future in as_completed(futures):
            row = {"name": futures[future], **future.result()}
            out.write(json.dumps(row) + "\n")
            out.flush()
            print(f"{row['name']}: {row['code']}, {row['seconds']:.0f} s", flush=True)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("run", "table"))
    parser.add_argument("suite", nargs="?", choices=("wrong", "good", "units"), default="wrong")
    parser.add_argument(
        "--devices", type=int, default=6, help="of each departure and size; of good ones in all"
    )
    parser.add_argument("--departures", nargs="+")
    parser.add_argument(
        "--kinds", nargs="+", help="of good devices: full_1, reduced_5, spectra_1, time_5, ..."
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--limit", type=int, default=300, help="seconds of processor time for a fit")
    parser.add_argument("--folder", type=Path, default=DEVICES, help="where the devices are kept")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument(
        "--standard-errors", type=Path, help="results of a version whose errors tell how far off a value is"
    )
    parser.add_argument("--note", default="", help="a sentence to stand above the tables")
    parser.add_argument("--output", type=Path, default=TABLE)
    options = parser.parse_args()
    if options.what == "run":
        run(options)
        return
    earlier = read(options.standard_errors) if options.standard_errors else {}
    text = tables(read(options.results), earlier, options.note)
    print(text)
    options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
