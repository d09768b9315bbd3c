"""Does a batch keep every core at work, stay small, and survive being killed?

    python benchmarks/batch.py --devices 100 1000 5000 --workers 1 2 --kills 20

Makes synthetic devices (15 records each), fits them with `memfit batch --no-reports`, and kills it: a process
that fits, or the whole run, at random moments, until it is through. Then its results are compared, byte by
byte but for the times, with those of a run that nobody touched. Prints the tables and writes them beside this
file.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: the pool uses the cores

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from batch_nothing import nothing, nothing_to_prepare, nothing_to_report
from recovery import CASES, make_device

from memfit.batch.dask_executor import run_jobs
from memfit.batch.device import Job, Makers
from memfit.batch.limits import Limits
from memfit.synthetic.export import write_device

TABLE = Path(__file__).with_suffix(".md")
CASE = CASES["full"]
HEAD = """# Many devices

Made by `python benchmarks/batch.py {arguments}` on {cores} cores. Synthetic devices of {records} records each
(9 spectra, 3 loops, 3 pulses; {bytes:.0f} kB a device), without reports.

Processor time is user and system time of all processes together, start included. *Work* is what the processes
that fit spent on devices: reading, fit, stability, writing. *Engine* is the rest of the processor time, as a
part of it: start, digests, scheduling, index, overview. *Idle* is the part of workers x wall time in which no
device was worked on, start included. Memory is resident, at its highest, of one process.

"""
COLUMNS = (
    "| devices | workers | wall, s | processor, s a device | work, s a device | engine | idle "
    "| a process that fits, first half | second half | client | usable |"
)
KILL_COLUMNS = (
    "| killed | devices | kills | runs | results lost | duplicates | remains | results that differ | failed |"
)


@dataclass(frozen=True)
class Peak:
    """Highest resident memory, MB."""

    fitter_early: float
    fitter_late: float
    client: float


def make_devices(root, count, seed):
    """Folders of devices, in rows of a hundred."""
    for number in range(count):
        folder = root / f"row_{number // 100:03d}" / f"device_{number:06d}"
        if not (folder / "device.toml").exists():
            folder.mkdir(parents=True, exist_ok=True)
            truth, device = make_device(CASE, seed + number)
            write_device(device, truth, folder)


def command(root, out, workers, *more):
    """The command that is measured."""
    words = ["batch", str(root), "-o", str(out), "--workers", str(workers), "--no-reports", "--json", *more]
    return [sys.executable, "-m", "memfit", *words]


def family(pid):
    """(client, processes that fit) of a run."""
    try:
        client = psutil.Process(pid)
        return client, client.children()
    except psutil.Error:
        return None, []


class Watch(threading.Thread):
    """Notes memory and progress of a run from outside."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.samples, self.over = pid, [], threading.Event()

    def run(self):
        while not self.over.wait(0.5):
            client, fitters = family(self.pid)
            try:
                sizes = [child.memory_info().rss / 1e6 for child in fitters]
                self.samples.append((max(sizes, default=0.0), client.memory_info().rss / 1e6))
            except (psutil.Error, AttributeError):
                continue

    def peak(self):
        self.over.set()
        self.join()
        half = len(self.samples) // 2
        early, late = self.samples[:half] or [(0, 0)], self.samples[half:] or [(0, 0)]
        return Peak(max(s[0] for s in early), max(s[0] for s in late), max(s[1] for s in self.samples))


def measured_run(root, out, workers):
    """One run: (seconds of wall, seconds of processor, memory, summary)."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        run = subprocess.Popen(command(root, out, workers, "--quiet"), stdout=said)
        watch = Watch(run.pid)
        watch.start()
        code = run.wait()
        said.seek(0)
        text = said.read()
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if code not in (0, 3):
        raise SystemExit(f"the batch ended with {code}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, processor, watch.peak(), json.loads(text)


def scaling_row(root, out, count, workers):
    """One line of the table of scaling."""
    wall, processor, peak, summary = measured_run(root, out, workers)
    known = [json.loads(path.read_text()) for path in out.rglob("checkpoint.json")]
    work, busy = (sum(item[key] for item in known) for key in ("processor_seconds", "seconds"))
    return (
        f"| {count} | {workers} | {wall:.1f} | {processor / count:.3f} | {work / count:.3f} "
        f"| {100 * (1 - work / processor):.1f} % | {100 * (1 - busy / (workers * wall)):.1f} % "
        f"| {peak.fitter_early:.0f} MB | {peak.fitter_late:.0f} MB | {peak.client:.0f} MB "
        f"| {summary['usable']} |"
    )


def contents(out):
    """Every result without its times, by folder."""
    found = {}
    for path in sorted(out.rglob("result.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        for key in ("started", "seconds"):
            data["environment"].pop(key)
        data.pop("digest")  # of the times as well
        found[path.parent.relative_to(out).as_posix()] = json.dumps(data)
    return found


def killed_until_done(root, out, victim, kills, rng, pause):
    """Runs under fire until one ends by itself: (kills, runs)."""
    done, runs = 0, 0
    while True:
        runs += 1
        run = subprocess.Popen(command(root, out, 2, "--quiet"), stdout=subprocess.DEVNULL)
        while done < kills:
            try:
                run.wait(rng.uniform(*pause))
                break
            except subprocess.TimeoutExpired:
                _, fitters = family(run.pid)
                target = run.pid if victim == "run" else fitters and rng.choice(fitters).pid
                if target:
                    subprocess.run(["kill", "-9", str(target)], check=False, stderr=subprocess.DEVNULL)
                    done += 1
                if victim == "run":
                    break
        if run.wait() >= 0 and (done >= kills or victim != "run"):
            return done, runs


def kill_row(root, reference, out, victim, count, kills, rng, pause):
    """One line of the table of kills."""
    done, runs = killed_until_done(root, out, victim, kills, rng, pause)
    wanted, found = contents(reference), contents(out)
    lost = sorted(set(wanted) - set(found))
    differ = [key for key in wanted if key in found and wanted[key] != found[key]]
    remains = [path for path in out.rglob("*") if path.suffix == ".part" or path.name == ".drafts"]
    failed = [p for p in out.rglob("checkpoint.json") if json.loads(p.read_text())["cause"]]
    names = {"run": "the whole run", "fitter": "a process that fits"}
    return (
        f"| {names[victim]} | {count} | {done} | {runs} | {len(lost)} | {len(set(found) - set(wanted))} "
        f"| {len(remains)} | {len(differ)} | {len(failed)} |"
    )


def engine_row(count, workers, folder):
    """Devices a second that pass through scheduler, process and checkpoint when nothing is fitted."""
    device = folder / "nothing"
    device.mkdir(exist_ok=True)
    (device / "iv.csv").write_text("")
    out = folder / "engine"
    jobs = [Job(key=f"{number:06d}", folder=device, out=out) for number in range(count)]
    makers = Makers(
        fit=nothing, report=nothing_to_report, merits=nothing_to_report, prepare=nothing_to_prepare
    )
    begun, cpu = None, time.process_time()
    for _ in run_jobs(iter(jobs), makers, Limits(), workers=workers):
        if begun is None:
            begun, cpu = time.perf_counter(), time.process_time()
    wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
    shutil.rmtree(out)
    return f"| {count} | {workers} | {(count - 1) / wall:.0f} | {1e3 * cpu / count:.2f} |"


def main():
    """Make, run, kill, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--devices", type=int, nargs="*", default=[100, 1000, 5000])
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--kills", type=int, default=20, help="of each kind")
    parser.add_argument("--kill-devices", type=int, default=40)
    parser.add_argument("--pause", type=float, nargs=2, default=[4.0, 14.0], help="s between two kills")
    parser.add_argument("--engine", type=int, default=2000, help="devices that are not fitted")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="keep devices and results here")
    parser.add_argument("--output", type=Path, default=TABLE)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        lines = tables(options, options.folder or Path(temporary))
    options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


def tables(options, folder):
    """All tables, printed as they grow."""
    roots = {count: folder / f"devices_{count}" for count in {*options.devices, options.kill_devices}}
    for count, root in roots.items():
        make_devices(root, count, options.seed)
    first = next(iter(roots.values())) / "row_000" / "device_000000"
    size = sum(path.stat().st_size for path in first.iterdir()) / 1e3
    records = CASE.spectra + CASE.loops + CASE.pulses
    words = " ".join(arg for arg in sys.argv[1:] if "/" not in arg and arg not in ("--folder", "--output"))
    lines = HEAD.format(arguments=words, cores=os.cpu_count(), records=records, bytes=size).splitlines()
    print("\n".join(lines))

    def add(*rows):
        print("\n".join(rows), flush=True)
        lines.extend(rows)

    add("", "## Scaling", "", COLUMNS, rule(COLUMNS))
    for count in options.devices:
        for workers in options.workers:
            out = folder / f"out_{count}_{workers}"
            shutil.rmtree(out, ignore_errors=True)
            add(scaling_row(roots[count], out, count, workers))
    if options.engine:
        columns = "| devices | workers | devices a second | processor of the client, ms a device |"
        add("", "## The engine alone: devices that take no time", "", columns, rule(columns))
        for workers in options.workers:
            add(engine_row(options.engine, workers, folder))
    if options.kills:
        add("", "## Killed at random moments, then started again", "", KILL_COLUMNS, rule(KILL_COLUMNS))
        root, reference = roots[options.kill_devices], folder / "reference"
        if not (reference / "index.sqlite").exists():
            measured_run(root, reference, 2)
        for victim in ("run", "fitter"):
            out = folder / f"killed_{victim}"
            shutil.rmtree(out, ignore_errors=True)
            rng = random.Random(options.seed)
            add(
                kill_row(
                    root, reference, out, victim, options.kill_devices, options.kills, rng, options.pause
                )
            )
    return lines


def rule(columns):
    """The line under the head of a table."""
    return "|---" * (columns.count("|") - 1) + "|"


if __name__ == "__main__":
    main()
