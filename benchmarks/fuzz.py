"""Mutated instrument files: any bytes must end in records or a MemfitError.

    python benchmarks/fuzz.py ../shared/data --per-reader 20000 --seed 15 --write benchmarks/fuzz.md
    python benchmarks/fuzz.py ../shared/data --per-reader 1000 --only "gamry dta" table

`--only` takes readers by name; with `--write` their rows replace those of a table that the same command
wrote.

Every reader sees that many files: its real ones (and those of `fuzz_seeds.py` for formats without a real
one) truncated, with bytes flipped, lines shuffled, doubled, dropped and glued, encoding, decimal marks and
separators changed, numbers replaced, two widened to 20 rows of 100,000 cells, parts of zip files mutated
inside; each is read to its records, a third
of them with what device.toml might say (channels, area, control). Most text files are shortened to their
first `SHORT` bytes before, so that the head and the first rows are hit as often as the bulk. What counts as a
fault: another exception than a MemfitError, a value that is not finite, more than `SLOW` seconds of processor
time. Errors that mention a Python exception are listed too: they are caught at the edge of a reader and
deserve a better sentence.
"""

import argparse
import gc
import io
import random
import re
import resource
import sys
import time
import traceback
import warnings
import zipfile
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path

import numpy as np
from fuzz_seeds import helpful_settings, seeds

from memfit.errors import MemfitError
from memfit.loaders import tidy
from memfit.loaders.inspection import inspect_source
from memfit.loaders.raw import NO_SETTINGS, Source
from memfit.loaders.registry import find_reader, read_source

SLOW = 5.0
"""Seconds for one small file that count as a hang."""
LARGEST = 400_000
"""Bytes of a file that are mutated; larger ones are cut to this before, which is a mutation too."""
WIDE, WIDE_ROWS, WIDENED = 100_000, 20, 2
"""Cells of a row and rows of a text that is widened, and how many are for each reader."""
WIDEST = 2**20
"""Bytes of such a row; what is binary has no cells, and would be larger than any file."""
SLOW_READERS = ("HDF5 arrays", "XLSX workbook", "oscilloscope binary", "HZB solar-cell text")
"""They come last."""
SHORT = 12_000
"""Bytes to which most text files are shortened first."""

HEADER = (
    "| reader | mutated files | records | MemfitError | at the edge | faults | slowest file | memory |",
    "|---|---|---|---|---|---|---|---|",
)
EXPLAINED = f"""\
Every reader, and as many files each: its real and written ones, mutated (truncated, bytes flipped, lines
shuffled, doubled, dropped, glued, numbers replaced, encodings and separators changed, two widened to
{WIDE_ROWS} rows of {WIDE} cells, parts of zip files mutated inside). Each file ends in records or in a
MemfitError. A fault is anything else: another exception, a value that is not finite, more than {SLOW:g}
s of processor time. Each HDF5 file is read by a process of its own. At the edge:
a MemfitError that still speaks of a Python exception. The memory is the largest of the whole process
that read them (Python, NumPy and pandas included)."""

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


def widen(data):
    """Rows of very many cells: a table that was turned, or glued from many."""
    rows = data[:SHORT].split(b"\n")
    mark = max((b"\t", b";", b",", b" "), key=data[:SHORT].count)
    cells = (row.split(mark) for row in rows[:WIDE_ROWS])
    return b"\n".join(mark.join((row * (WIDE // len(row)))[:WIDE])[:WIDEST] for row in cells)


def inside(rng, data):
    """A part of a zip file mutated, the archive whole."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # a broken archive: anything may come
        return flip(rng, data)
    name = rng.choice([name for name in parts if parts[name]] or list(parts))
    change = MUTATIONS[rng.choice(["truncate", "flip bytes", "flip head", "number", "insert"])]
    parts[name] = change(rng, parts[name] or b"0")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, value in parts.items():
            archive.writestr(key, value)
    return packed.getvalue()


MUTATIONS = {
    "truncate": truncate, "flip bytes": flip, "flip head": flip_head, "shuffle lines": lines(_shuffle),
    "swap lines": lines(_swap), "double lines": lines(_double), "drop lines": lines(_drop),
    "glue lines": lines(_glue), "number": number, "insert": insert, "comma": replace(b".", b","),
    "semicolon": replace(b",", b";"), "spaces": replace(b"\t", b"  "), "CR": replace(b"\n", b"\r"),
    "no line ends": replace(b"\n", b""), "utf-16": recode("utf-16"), "latin-1": recode("latin-1"),
    "utf-8-sig": recode("utf-8-sig"),
}  # fmt: skip
ONCE = {"comma", "semicolon", "spaces", "CR", "no line ends", "utf-16", "latin-1", "utf-8-sig"}


def check(source, settings=NO_SETTINGS):
    """Outcome of one file: "records", "error", or a fault; and the seconds that it took."""
    started = time.process_time()
    try:
        records = read_source(source, settings)
        for record in records:
            values = [record.impedance] if record.kind == "impedance" else [record.voltage, record.current]
            if any(value is not None and not np.isfinite(value).all() for value in values):
                return "fault", "a value is not finite", 0.0
        outcome = "records", ""
    except MemfitError as error:
        caught = re.search(r"\((\w*(?:Error|Exception)): ", str(error))
        outcome = ("error", "") if caught is None else ("caught", caught[1] + str(error)[-120:])
    except Exception:  # the fault that is looked for
        return "fault", traceback.format_exc(limit=-3), 0.0
    seconds = time.process_time() - started
    if seconds > SLOW:
        return "fault", f"{seconds:.1f} s", seconds
    return *outcome, seconds


def inspect(source):
    try:
        inspect_source(source).to_dict()
    except MemfitError:
        return ""
    except Exception:
        return traceback.format_exc(limit=-3)
    return ""


@lru_cache(maxsize=512)
def helped(name, data):
    return helpful_settings(Source(name, data))


def reader_name(name, data):
    source = Source(name, data)
    return "tidy table" if tidy.recognises(source) else find_reader(source).name


def by_reader(folder):
    """The files of each reader, name and bytes."""
    files = [(p.name, p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix != ".md"]
    found = defaultdict(list)
    for name, data in [*files, *seeds()]:
        found[reader_name(name, data[:LARGEST])].append((name, data))
    return found


def shortened(rng, data):
    """Most text files by their first rows; others as they are."""
    if data.startswith((b"PK", b"PAR1", b"\xd0\xcf")):
        return data
    data = data[:LARGEST]
    if b"\x00" in data[:200] or len(data) < SHORT or rng.random() < 0.1:
        return data
    end = data.rfind(b"\n", 0, SHORT if rng.random() < 0.8 else 4 * SHORT)
    return data[: end + 1] if end > 1000 else data


def mutate(rng, data, i):
    """A mutated file, and the word for what was done to it."""
    if data.startswith(b"PK") and rng.random() < 0.6:
        return "inside", inside(rng, data)
    word = rng.choice([key for key in MUTATIONS if i < 40 or key not in ONCE or rng.random() < 0.05])
    mutated = MUTATIONS[word](rng, shortened(rng, data))
    if rng.random() < 0.2 and mutated:
        mutated = MUTATIONS[rng.choice(["truncate", "flip bytes", "number", "drop lines"])](rng, mutated)
    return word, mutated


class Tally:
    """What became of the files of one reader."""

    def __init__(self):
        self.counts = Counter()
        self.slowest = 0.0
        self.memory = 0.0
        self.faults = []
        self.caught = Counter()


def run_reader(files, count, seed):
    """Mutate the files of one reader until `count` were read."""
    warnings.simplefilter("error")
    tally = Tally()
    rng = random.Random(seed)
    by_size = sorted(files, key=lambda file: len(file[1]))
    smaller = by_size[: (len(files) + 1) // 2]
    for i in range(count):
        if i in (0, 50):
            gc.freeze()  # what is there stays, libraries too: a collection looks at what came after
        name, data = rng.choice(smaller if rng.random() < 0.8 else files)
        word, mutated = mutate(rng, data, i // len(files))
        if i < WIDENED:
            word, mutated = "widened", widen(data)
        settings = helped(name, data) if rng.random() < 0.34 else NO_SETTINGS
        source = Source(name, mutated)
        outcome, words, seconds = check(source, settings)
        if i % 10 == 0 and outcome != "fault":
            words_2 = inspect(source)
            outcome, words = ("fault", words_2) if words_2 else (outcome, words)
        tally.counts[outcome] += 1
        tally.slowest = max(tally.slowest, seconds)
        if outcome == "fault":
            tally.faults.append(f"{name}, {word}, mutation {i}: {words}")
        if outcome == "caught":
            tally.caught[words] += 1
    tally.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return tally


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--per-reader", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=[], metavar="READER")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    found = by_reader(options.folder)
    names = {reader.lower(): reader for reader in found}
    unknown = [name for name in options.only if name.lower() not in names]
    if unknown:
        parser.error(f"no reader {unknown[0]!r}; there are: {', '.join(sorted(found))}")
    wanted = {names[name.lower()]: found[names[name.lower()]] for name in options.only} or found
    tallies = {}
    with ProcessPoolExecutor(options.jobs, max_tasks_per_child=1) as pool:  # the memory of each reader alone
        started = {
            pool.submit(run_reader, files, options.per_reader, f"{options.seed} {reader}"): reader
            for reader, files in sorted(wanted.items(), key=lambda item: item[0] in SLOW_READERS)
        }
        for done in as_completed(started):
            reader = started[done]
            tallies[reader] = tally = done.result()
            print(_row(reader, tally), flush=True)
            for text, count in tally.caught.most_common(5):
                print("  caught", count, text, flush=True)
            for text in tally.faults[:5]:
                print("  FAULT", text, flush=True)
            if options.write:
                write_table(options, tallies)
    return 1 if any(tally.faults for tally in tallies.values()) else 0


def write_table(options, tallies):
    """The table of these readers, and of those in the file already if the same command gave them."""
    command = (
        f"python benchmarks/fuzz.py {options.folder} --per-reader {options.per_reader} --seed {options.seed}"
    )
    rows = kept_rows(options.write, command)
    rows |= {reader: _row(reader, tally) for reader, tally in tallies.items()}
    cells = [[float(cell.split()[0]) for cell in row.split(" | ")[1:]] for row in map(_bare, rows.values())]
    columns = list(zip(*cells, strict=True))
    totals = [f"{sum(column):.0f}" for column in columns[:5]]
    last = f"| all | {' | '.join(totals)} | {max(columns[5]):.2f} s | {max(columns[6]):.0f} MB |"
    text = (
        f"# Mutated instrument files\n\n`{command} --write {options.write.as_posix()}`\n\n{EXPLAINED}\n\n"
        + "\n".join([*HEADER, *(rows[reader] for reader in sorted(rows, key=str.lower)), last, ""])
    )
    options.write.write_text(text, encoding="utf-8")


def kept_rows(path, command):
    """Rows by reader of a table that `command` wrote before."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if f"`{command} " not in text:
        return {}
    rows = {_bare(line).split(" | ")[0]: line for line in text.splitlines() if line.endswith(" MB |")}
    rows.pop("all", None)
    return rows


def _bare(row):
    return row.strip("| ")


def _row(name, tally):
    counts = tally.counts
    errors = counts["error"] + counts["caught"]
    cells = [name, sum(counts.values()), counts["records"], errors, counts["caught"], counts["fault"]]
    return f"| {' | '.join(map(str, cells))} | {tally.slowest:.2f} s | {tally.memory:.0f} MB |"


if __name__ == "__main__":
    sys.exit(main())
