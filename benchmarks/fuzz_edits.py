"""Edits that people and spreadsheets make to a table: never other values, or fewer rows, in silence.

    python benchmarks/fuzz_edits.py ../shared/data --edits 210 --write benchmarks/fuzz_edits.md

Each edit keeps every value, or spoils what it touches: columns moved with their labels, remarks and blank
lines among the rows, decimal commas from some row on, blocks of NaN, a row that lacks a cell, a failed
formula, rows that come twice. The table of a text is the longest run of lines with equally many cells, many
of them numbers; the lines of as many cells above it are its labels and units.
"""

import argparse
import io
import itertools
import random
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import openpyxl
from fuzz import LARGEST, by_reader
from fuzz_arrays import CONTAINERS, edited_arrays, edited_session
from fuzz_truth import SHORT, kept_rows, read, rows, settings_for

from memfit.loaders.raw import Source

ALONE = "\n"
"""Separates nothing: one number in each line."""
SEPARATORS = ("\t", ";", ",", " ", ALONE)
NUMBER = re.compile(r"[-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?|P?[a-j][a-z][0-9A-F]{7}[a-z ]")
"""A number, or a variable of a MethodSCRIPT."""
REMARKS = ("lamp switched off", "# lamp switched off", "CONTROL LOOP OVERLOAD", "!! overload !!", "")
ERRORS = ("#NUM!", "#N/A", "#DIV/0!", "#VALUE!", "NaN", "")


ROWS = 30
"""Rows that are enough to be edited."""
MOST_TRIALS = 8
"""Edits that are tried for each that is wanted; some tables have no place for some."""
LEAST = 5
"""Rows that come twice; fewer may be chance where numbers have few digits."""
MOST_JUMPS = 3
"""Places at which the clock of a record may start anew: rows that come twice, a record that goes on."""
BIAS = 2e-3
"""V, and relative: by so much the mean bias of a spectrum may move where rows are left out."""


@dataclass(frozen=True)
class Table:
    """Where the table of a text is."""

    separator: str
    top: int
    """Index of the first line of its labels; of its first row where it has none."""
    first: int
    last: int
    """Index behind the last row."""

    def cells(self, line):
        return line.split() if self.separator == " " else line.split(self.separator)

    def join(self, cells):
        return self.separator.join(cells)


def find_table(lines):
    """The table of a text, or None."""
    best = None
    for separator in SEPARATORS:
        table = Table(separator, 0, 0, 0)
        counts = []
        for line in lines:
            cells = table.cells(line)
            numbers = sum(NUMBER.fullmatch(cell.strip()) is not None for cell in cells)
            counts.append((len(cells), numbers >= (1 if separator == ALONE else max(2, len(cells) // 3))))
        start = 0
        for i in range(1, len(counts) + 1):
            if i < len(counts) and counts[i] == counts[start]:
                continue
            if counts[start][1] and i - start >= 5 and (best is None or i - start > best[0]):
                top = start
                while top and counts[top - 1][0] == counts[start][0] and start - top < 2:
                    top -= 1
                best = i - start, Table(separator, top, start, i)
            start = i
        if best:
            return best[1]
    return None


def move_columns(lines, table, rng):
    """Two columns change places, labels and units with them."""
    width = len(table.cells(lines[table.first]))
    if table.top == table.first or width < 2 or (table.separator == " " and width < 3):
        return None
    i, j = rng.sample(range(width), 2)
    outside = [*lines[: table.top], *lines[table.last :]]
    if any(len(re.findall(r"(?<![\w.])[-+]?\d[\d.,eE+-]*", line)) >= max(2, width // 2) for line in outside):
        return None  # another block of the same table
    labels = [table.cells(line) for line in lines[table.top : table.first]]
    if any(
        len(set(cells)) < width for cells in labels[:1]
    ):  # columns of one name mean something by their order
        return None
    out = list(lines)
    for k in range(table.top, table.last):
        cells = table.cells(lines[k])
        cells[i], cells[j] = cells[j], cells[i]
        out[k] = table.join(cells)
    return out


def insert_remark(lines, table, rng):
    """A line of words, or an empty one, among the rows."""
    at = rng.randrange(table.first + 1, table.last)
    return [*lines[:at], rng.choice(REMARKS), *lines[at:]]


def commas_half_way(lines, table, rng):
    """Decimal commas from some row on."""
    if table.separator == ",":
        return None
    at = rng.randrange(table.first + 1, table.last)
    return [
        re.sub(r"(?<=\d)\.(?=\d)", ",", line) if at <= k < table.last else line
        for k, line in enumerate(lines)
    ]


def nan_block(lines, table, rng):
    """A block of cells of one column, or of all, is NaN or empty."""
    rows = rng.sample(range(table.first, table.last), 1)[0]
    size = rng.choice((1, 3, 10))
    width = len(table.cells(lines[table.first]))
    wanted = range(width) if rng.random() < 0.3 else [rng.randrange(width)]
    word = "NaN" if table.separator == " " else rng.choice(("NaN", ""))
    out = list(lines)
    for k in range(rows, min(rows + size, table.last)):
        cells = table.cells(lines[k])
        for i in wanted:
            cells[i] = word
        out[k] = table.join(cells)
    return out


def short_row(lines, table, rng):
    """A row lacks a cell."""
    at = rng.randrange(table.first, table.last)
    cells = table.cells(lines[at])
    numbers = [i for i, cell in enumerate(cells) if NUMBER.fullmatch(cell.strip())]
    del cells[rng.choice(numbers)]
    return [*lines[:at], table.join(cells), *lines[at + 1 :]]


def failed_cell(lines, table, rng):
    """A formula failed in a cell."""
    at = rng.randrange(table.first, table.last)
    cells = table.cells(lines[at])
    numbers = [i for i, cell in enumerate(cells) if NUMBER.fullmatch(cell.strip())]
    cells[rng.choice((numbers[0], rng.choice(numbers)))] = rng.choice(ERRORS[:4])
    return [*lines[:at], table.join(cells), *lines[at + 1 :]]


def copies(lines, table, rng):
    """The rows come again, or some of them, perhaps with their labels."""
    first = table.top if rng.random() < 0.3 else table.first
    size = rng.choice((table.last - first, rng.randrange(LEAST, table.last - table.first + 1)))
    return [*lines[: table.last], *lines[first : first + size], *lines[table.last :]]


EDITS = {
    "columns moved": move_columns,
    "remark": insert_remark,
    "commas half-way": commas_half_way,
    "NaN block": nan_block,
    "short row": short_row,
    "failed cell": failed_cell,
    "copies": copies,
}


def _is_short(cell):
    """Whether a cell is a number that openpyxl writes without rounding it to 16 digits."""
    return NUMBER.fullmatch(cell) is not None and "," not in cell and sum(map(str.isdigit, cell)) <= 15


def workbook(lines, table):
    """The lines of a text as a sheet: numbers as numbers, all else as text."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("data")
    for line in lines:
        cells = [cell.strip() for cell in table.cells(line)]
        sheet.append([float(cell) if _is_short(cell) else cell for cell in cells])
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def shortest(text, name):
    """The first lines of a text, no more than its table needs, so that many edits take little time."""
    for size in (SHORT // 4, SHORT // 2, SHORT):
        part = text[: text.find("\n", size) + 1] or text
        table = find_table(part.rstrip("\n").split("\n") if name.endswith(".xlsx") else part.split("\n"))
        if table is not None and table.last - table.first >= ROWS:
            break
    return part


def check_edits(name, data, count, rng, tally):
    """Edit the table of one file in many ways."""
    text = shortest(Source(name, data[:LARGEST]).text, name)
    settings = settings_for(name, text.encode())
    lines = text.rstrip("\n").split("\n") if name.endswith(".xlsx") else text.split("\n")
    table = find_table(lines)
    if table is None:
        return
    whole = read(name, workbook(lines, table) if name.endswith(".xlsx") else text.encode(), settings)
    if whole is None:
        return
    words, made = list(EDITS), 0
    for number in range(MOST_TRIALS * count):
        word = words[number % len(words)]
        changed = EDITS[word](lines, table, rng)
        if changed is None:
            continue
        if made == count:
            return
        made += 1
        if name.endswith(".xlsx"):
            found = judge(whole, read(name, workbook(changed, table), settings), word, tally)
        else:
            found = judge(whole, read(name, "\n".join(changed).encode(), settings), word, tally)
        if found:
            at = next(
                (i for i, pair in enumerate(zip(lines, changed, strict=False)) if len(set(pair)) > 1), 0
            )
            yield f"{word}: {found}; line {at + 1} is {changed[at][:80]!r}"


def judge(whole, records, word, tally):
    """Count one edited file, and say how it misleads; "" if it does not."""
    tally["edited"] += 1
    if records is None:
        tally["edited, refused"] += 1
        tally[f"refused: {word}"] += 1
        return ""
    found = compare_edited(whole, records, word)
    tally["edited, misread"] += bool(found)
    return found


def check_binary(edited, count, tally):
    """The same for files without lines, as `fuzz_arrays` edits them."""
    known = {}
    for name, data, word, changed in itertools.islice(edited, count):
        if name not in known:
            settings = settings_for(name, data)
            known[name] = settings, read(name, data, settings)
        settings, whole = known[name]
        found = judge(whole, read(name, changed, settings), word, tally)
        if found:
            yield f"{word}: {found}"


def check_texts(files, wanted, rng, tally):
    """Edit files as often as wanted in all, each as often as the others as far as it has places."""
    edited = -1
    while edited < tally["edited"] < wanted:
        edited = tally["edited"]
        for place, (name, data) in enumerate(files):
            count = -(-(wanted - tally["edited"]) // (len(files) - place))
            for text in list(check_edits(name, data, count, rng, tally))[:3]:
                yield f"{name} {text}"


def strange_time(record, whole):
    """A time that the whole file does not have beside its row, wherever the clock of the record starts."""
    known = {}
    for other in whole if times(record) else ():
        for time, row in zip(times(other), rows(other), strict=False):
            known.setdefault(row, []).append(time)
    found = list(zip(times(record), rows(record), strict=False))
    if not found or not known:
        return ""
    close = 1e-9 * max(abs(time) for own in known.values() for time in own)
    shift, jumps = None, 0

    def is_there(place, shift):
        time, row = found[min(place, len(found) - 1)]
        return any(abs(time + shift - own) <= close for own in known.get(row, ()))

    for place, (time, row) in enumerate(found):
        if shift is None or not is_there(place, shift):
            starts = [own - time for own in known.get(row, (time,))]
            shift, jumps = next((s for s in starts if is_there(place + 1, s)), starts[0]), jumps + 1
    return f"has other times at {jumps - 1} places" if jumps > MOST_JUMPS + len(whole) else ""


def times(record):
    """Times of a record that is no spectrum, where the file states them."""
    return [] if record.kind == "impedance" or record.time is None else record.time.tolist()


def is_among(record, biases):
    """Whether the bias of a spectrum is one of those of the whole file, but for rows left out of its mean."""
    bias = record.bias_voltage
    return bias in biases or any(
        bias is not None and known is not None and abs(bias - known) < BIAS * max(1.0, abs(known))
        for known in biases
    )


def compare_edited(whole, records, word):
    """How an edited file misleads; "" if it does not."""
    had = Counter(row for record in whole for row in rows(record))
    has = Counter(row for record in records for row in rows(record))
    biases = {record.bias_voltage for record in whole if record.kind == "impedance"}
    said = {note for record in records for note in record.notes} - {
        note for record in whole for note in record.notes
    }
    strange = next((row for row in has if row not in had), None)
    if strange is not None:
        return f"gives {strange}"
    late = next(filter(None, (strange_time(record, whole) for record in records)), "")
    if late:
        return late
    other = next((r.bias_voltage for r in records if r.kind == "impedance" and not is_among(r, biases)), "")
    if other != "":
        return f"gives the bias {other} V for {biases}"
    if has.total() < had.total() and not said:
        return f"loses {had.total() - has.total()} of {had.total()} rows without a word"
    if len(records) > len(whole) and word != "copies" and not said:
        return f"gives {len(records)} records for {len(whole)} without a word"
    copied = len(records) > len(whole) or said
    if has.total() > had.total() and not (word == "copies" and copied):
        return f"gives {has.total()} rows for {had.total()} without a word"
    return ""


COLUMNS = ("edited", "edited, refused", *(f"refused: {word}" for word in EDITS), "edited, misread")
EXPLAINED = """\
Every text file, the real ones and the written ones, generic tables as workbooks (the row XLSX),
containers of arrays and sessions of PSTrace, edited as the columns say, each edit as often as the
others: columns moved with their labels, remarks and blank lines among the rows, decimal commas from some
row on, blocks of NaN, a row that lacks a cell, a failed formula, rows that come twice. In a container or
a session a remark is an entry that nobody knows, a short row an array that lacks a number. The other
binary formats (BioLogic .mpr, Zahner, Ivium, PAIOS, oscilloscopes, LeCroy .trc, .xls) have no rows that
a person edits: they are in the table of mutated files only. A reader may refuse the file, or give values
that were there before, with a word where it gives fewer rows or some of them twice. Anything else is
misread. The columns between count the refused files by their edit."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--edits", type=int, default=300, help="for each reader")
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--only", nargs="+", default=[], metavar="READER")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    command = _command(options)
    table = kept_rows(options.write, command) if options.write else {}
    misread = 0
    found = by_reader(options.folder)
    found["XLSX workbook"] = [(f"{name}.xlsx", data) for name, data in found["table"] if len(data) < SHORT]
    for reader, files in sorted(found.items(), key=lambda item: item[0].lower()):
        texts = [(name, data) for name, data in files if Source(name, data).is_text]
        if options.only and reader.lower() not in map(str.lower, options.only):
            continue
        tally, rng = Counter(), random.Random(f"{options.seed} {reader}")
        if reader in CONTAINERS:
            count = options.edits
            faults = check_binary(edited_arrays(reader, rng, list(EDITS)), count, tally)
        elif reader == "PalmSens session":
            faults = check_binary(edited_session(files[0][1], rng, list(EDITS)), options.edits, tally)
        else:
            faults = check_texts(texts, options.edits, rng, tally)
        for text in itertools.islice(faults, 30):
            print("  MISREAD", text[:300], flush=True)
        if not tally:
            continue
        table[reader] = [tally[column] for column in COLUMNS]
        misread += table[reader][-1]
        print(_row(reader, table[reader]), flush=True)
        if options.write:
            options.write.write_text(_page(table, options), encoding="utf-8")
    return 1 if misread else 0


def _command(options):
    folder = options.folder.as_posix()
    return f"python benchmarks/fuzz_edits.py {folder} --edits {options.edits} --seed {options.seed}"


def _page(table, options):
    """The table of counts with what it means."""
    command, table = _command(options), dict(sorted(table.items(), key=lambda item: item[0].lower()))
    head = f"# Edited instrument files\n\n`{command} --write {options.write.as_posix()}`\n\n{EXPLAINED}\n\n"
    names = ["reader", "edited", "refused", *EDITS, "misread"]
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    total = [sum(column) for column in zip(*table.values(), strict=True)]
    return head + "\n".join([*lines, *(_row(*item) for item in table.items()), _row("all", total), ""])


def _row(name, counts):
    return f"| {' | '.join([name, *map(str, counts)])} |"


if __name__ == "__main__":
    sys.exit(main())
