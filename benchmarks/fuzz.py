"""Mutated instrument files: any bytes must end in records or a MemfitError.

    python benchmarks/fuzz.py ../shared/data --count 200 --seed 1 [--only gamry] [--write benchmarks/fuzz.md]

Every file is truncated, its bytes are flipped, its lines shuffled, doubled, dropped and glued,
its encoding, decimal marks and separators changed, its numbers replaced; each is read to its records.
What counts as a fault: another exception than a MemfitError, a value that is not finite, more than
`SLOW` seconds. Errors that mention a Python exception are listed too: they are caught at the edge of a reader
and deserve a better sentence.
"""

import argparse
import random
import re
import resource
import sys
import time
import traceback
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from memfit.errors import MemfitError
from memfit.loaders.inspection import inspect_source
from memfit.loaders.registry import find_reader, read_source
from memfit.loaders.source import Source

SLOW = 5.0
"""Seconds for one small file that count as a hang."""
LARGEST = 400_000
"""Bytes of a file that are mutated; larger ones are cut to this before, which is a mutation too."""

WORDS = [
    b"nan",
    b"inf",
    b"-1e999",
    b"",
    b"0",
    b"-",
    b"1,5",
    b"1.5.5",
    b"\xff\xfe",
    b"\x00",
    b"9" * 400,
    b"'",
    b'"',
    b"#",
]


def truncate(rng, data):
    return data[: rng.randrange(len(data) + 1)]


def flip(rng, data):
    found = bytearray(data)
    for _ in range(rng.choice([1, 1, 3, 20, 200])):
        found[rng.randrange(len(found))] = rng.randrange(256)
    return bytes(found)


def flip_head(rng, data):
    found = bytearray(data)
    for _ in range(rng.choice([1, 4])):
        found[rng.randrange(min(len(found), 600))] = rng.randrange(256)
    return bytes(found)


def lines(change):
    def mutate(rng, data):
        rows = data.split(b"\n")
        change(rng, rows)
        return b"\n".join(rows)

    return mutate


def _shuffle(rng, rows):
    rng.shuffle(rows)


def _swap(rng, rows):
    i, j = rng.randrange(len(rows)), rng.randrange(len(rows))
    rows[i], rows[j] = rows[j], rows[i]


def _double(rng, rows):
    i = rng.randrange(len(rows))
    rows[i:i] = rows[i : i + rng.choice([1, 5])]


def _drop(rng, rows):
    i = rng.randrange(len(rows))
    del rows[i : i + rng.choice([1, 1, 3, 30])]


def _glue(rng, rows):
    i = rng.randrange(len(rows))
    rows[i : i + 2] = [b"".join(rows[i : i + 2])]


def number(rng, data):
    places = list(re.finditer(rb"[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?", data[:LARGEST]))
    if not places:
        return flip(rng, data)
    place = rng.choice(places)
    return data[: place.start()] + rng.choice(WORDS) + data[place.end() :]


def replace(old, new):
    return lambda _rng, data: data.replace(old, new)


def recode(encoding):
    def mutate(_rng, data):
        return data.decode("utf-8", errors="replace").encode(encoding, errors="replace")

    return mutate


def insert(rng, data):
    i = rng.randrange(len(data) + 1)
    return data[:i] + rng.choice(WORDS) * rng.choice([1, 2]) + data[i:]


MUTATIONS = {
    "truncate": truncate, "flip bytes": flip, "flip head": flip_head, "shuffle lines": lines(_shuffle),
    "swap lines": lines(_swap), "double lines": lines(_double), "drop lines": lines(_drop),
    "glue lines": lines(_glue), "number": number, "insert": insert, "comma": replace(b".", b","),
    "semicolon": replace(b",", b";"), "spaces": replace(b"\t", b"  "), "CR": replace(b"\n", b"\r"),
    "no line ends": replace(b"\n", b""), "utf-16": recode("utf-16"), "latin-1": recode("latin-1"),
    "utf-8-sig": recode("utf-8-sig"),
}  # fmt: skip
ONCE = {"comma", "semicolon", "spaces", "CR", "no line ends", "utf-16", "latin-1", "utf-8-sig"}


def check(source):
    """Outcome of one file: "records", "error", or a fault."""
    started = time.perf_counter()
    try:
        records = read_source(source)
        for record in records:
            values = [record.impedance] if record.kind == "impedance" else [record.voltage, record.current]
            if any(value is not None and not np.isfinite(value).all() for value in values):
                return "fault", "a value is not finite"
        outcome = "records", ""
    except MemfitError as error:
        caught = re.search(r"\((\w*(?:Error|Exception)): ", str(error))
        outcome = ("error", "") if caught is None else ("caught", caught[1] + str(error)[-120:])
    except Exception:  # the fault that is looked for
        return "fault", traceback.format_exc(limit=-3)
    if time.perf_counter() - started > SLOW:
        return "fault", f"{time.perf_counter() - started:.1f} s"
    return outcome


def inspect(source):
    try:
        inspect_source(source).to_dict()
    except MemfitError:
        return ""
    except Exception:
        return traceback.format_exc(limit=-3)
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("error")
    rng = random.Random(options.seed)
    table = defaultdict(Counter)
    faults = []
    caught = Counter()
    files = [p for p in sorted(options.folder.rglob("*")) if p.is_file() and p.suffix != ".md"]
    for path in files:
        if options.only not in str(path):
            continue
        data = path.read_bytes()[:LARGEST]
        reader = find_reader(Source(path.name, data)).name
        for i in range(options.count):
            name = rng.choice([key for key in MUTATIONS if i < 40 or key not in ONCE])
            mutated = MUTATIONS[name](rng, data)
            if rng.random() < 0.2 and mutated:
                mutated = MUTATIONS[rng.choice(["truncate", "flip bytes", "number", "drop lines"])](
                    rng, mutated
                )
            source = Source(path.name, mutated)
            outcome, words = check(source)
            if i % 10 == 0 and outcome != "fault":
                words_2 = inspect(source)
                outcome, words = ("fault", words_2) if words_2 else (outcome, words)
            table[reader][outcome] += 1
            if outcome == "fault":
                faults.append(f"{path.name}, {name}, mutation {i}: {words}")
            if outcome == "caught":
                caught[f"{reader}: {words}"] += 1
    report(options, table, faults, caught)
    return 1 if faults else 0


def report(options, table, faults, caught):
    rows = [
        "| reader | mutated files | records | MemfitError | of these caught at the edge | faults |",
        "|---|---|---|---|---|---|",
    ]
    total = Counter()
    for reader, counts in sorted(table.items()):
        total.update(counts)
        rows.append(_row(reader, counts))
    rows.append(_row("all", total))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("\n".join(rows))
    print(f"largest memory {peak:.0f} MB")
    for text, count in caught.most_common(25):
        print(count, text)
    for text in faults[:20]:
        print(text, file=sys.stderr)
    if options.write:
        command = f"python benchmarks/fuzz.py ../shared/data --count {options.count} --seed {options.seed}"
        head = (
            f"# Mutated instrument files\n\n`{command}`\n\nEvery file mutated {options.count} times; "
            f"largest memory of the process {peak:.0f} MB.\n\n"
        )
        options.write.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")


def _row(name, counts):
    errors = counts["error"] + counts["caught"]
    cells = [name, sum(counts.values()), counts["records"], errors, counts["caught"], counts["fault"]]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    sys.exit(main())
