"""Many random devices, case by case, into a table beside the program: what the benchmarks of fits share."""

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """What one of these programs does; `trial` and `warm_up` are functions of its module."""

    about: str
    """Its docstring, for --help."""
    head: str
    """Above the table; {devices} and {seed} are filled in."""
    columns: str
    """First line of the table."""
    table: Path
    cases: Sequence[str]
    devices: int
    """By default."""
    seed: int
    """By default, of the first device."""
    trial: Callable
    """(name of the case, seed) to what came out."""
    warm_up: Callable
    """Called once in each process."""
    row: Callable
    """(name of the case, trials) to a line of the table."""
    remarks: Callable[..., Iterable[str]]
    """(name of the case, trials) to the lines of --verbose."""
    fewer: dict = field(default_factory=dict)
    """By which factor a case has fewer devices, by its name."""
    said: Callable | None = None
    """(trials by name of the case) to what stands below the table."""
    kept: tuple[Callable, Callable] | None = None
    """A trial to plain data and back, for --kept; its plain data has the seed."""


def run(benchmark):
    """The command line: prints the table and writes it after every case."""
    options = _options(benchmark)
    head = benchmark.head.format(devices=options.devices, seed=options.seed)
    rule = "|---" * (benchmark.columns.count("|") - 1) + "|"
    lines = [*head.splitlines(), benchmark.columns, rule]
    print("\n".join(lines), flush=True)
    done = {}
    for name in options.cases:
        seeds = range(options.seed, options.seed + options.devices // benchmark.fewer.get(name, 1))
        trials = run_case(benchmark, name, seeds, options.workers, getattr(options, "kept", None))
        done[name] = trials
        lines.append(benchmark.row(name, trials))
        print(lines[-1], flush=True)
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if options.verbose:
            for remark in benchmark.remarks(name, trials):
                print("   ", remark)
    if benchmark.said and len(done) == len(benchmark.cases):
        lines += ["", benchmark.said(done)]
        print("\n".join(lines[-2:]))
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run_case(benchmark, name, seeds, workers, kept=None):
    """Trials of all seeds; those that a file of earlier runs has are read from it, the others added to it."""
    known = _known(benchmark, name, kept) if kept else {}
    missing = [seed for seed in seeds if seed not in known]
    for trial in _made(benchmark, name, missing, workers):
        known[trial.seed] = trial
        if kept:
            line = {"case": name, **benchmark.kept[0](trial)}
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, default=float) + "\n")
    return [known[seed] for seed in seeds]


def _made(benchmark, name, seeds, workers):
    """Trials as they are done."""
    if workers < 2:
        if seeds:
            benchmark.warm_up()
        for seed in seeds:
            yield benchmark.trial(name, seed)
        return
    with ProcessPoolExecutor(workers, initializer=benchmark.warm_up) as pool:
        yield from pool.map(partial(benchmark.trial, name), seeds, chunksize=2)


def _known(benchmark, name, kept):
    """Trials of earlier runs by their seed."""
    if not kept.exists():
        return {}
    stored = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    own = [line for line in stored if line.pop("case") == name]
    return {line["seed"]: benchmark.kept[1](line) for line in own}


def _options(benchmark):
    parser = argparse.ArgumentParser(
        description=benchmark.about, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--devices", type=int, default=benchmark.devices)
    parser.add_argument(
        "--seed", type=int, default=benchmark.seed, help="of the first device; the next follow"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cases", nargs="+", choices=benchmark.cases, default=list(benchmark.cases))
    parser.add_argument("--output", type=Path, default=benchmark.table)
    if benchmark.kept:
        parser.add_argument(
            "--kept", type=Path, help="file that every device is added to, and read from again"
        )
    parser.add_argument("--verbose", action="store_true", help="every device that is not as it should be")
    return parser.parse_args()
