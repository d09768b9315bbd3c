"""Instrument files cut or written otherwise: never other values in silence.

    python benchmarks/fuzz_truth.py ../shared/data --cuts 20 --seed 15 --write benchmarks/fuzz_truth.md

Two questions about each text file, the real ones and those of `fuzz_seeds.py`:

- Cut at a byte, does it still give, in the rows that it gives, the values of the whole file? Its first
  `SHORT` bytes are cut at each of the last `TAIL` of them and at `--cuts` other places, a longer file near
  its end too. A last number that is half must be left out, or a note must say that it may be half; where a
  half row is left out a note must say so.
- With other line ends, another encoding, a byte-order mark, blank lines or NULs at the end, empty columns
  beside the others or decimal commas, does it give the identical records (metadata included, the digest not)?

Refusing is allowed (a MemfitError); the table counts it.
"""

import argparse
import random
import re
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from fuzz import LARGEST, by_reader, helped

from memfit.errors import MemfitError
from memfit.loaders.raw import NO_SETTINGS, Source
from memfit.loaders.registry import read_source
from memfit.loaders.tidy import format_record

SHORT = 12_000
"""Bytes to which long files are shortened before most cuts."""
TAIL = 250
"""Bytes at the end at each of which a file is cut."""
END_NOTES = re.compile(r"no line end|may be cut|it is cut|the file is cut|announces")
"""Notes that own up to a cut end."""
LEFT_OUT = re.compile(r"plateau|limit|repeat|summary")
"""Notes of rows that the whole file shows to be no measurement; a shorter one does not."""
GUESS = re.compile(r"[Tt]aken as|looks driven|turns")
"""Notes that say how the kind or the control was found, where no file states it."""


def read(name, data, settings):
    """The records of a file, or None where it is refused."""
    try:
        return read_source(Source(name, data), settings)
    except MemfitError:
        return None


def settings_for(name, data):
    """Nothing, or what device.toml must say so that the file becomes records."""
    return NO_SETTINGS if read(name, data, NO_SETTINGS) is not None else helped(name, data)


def rows(record):
    """What was measured, a tuple for each row."""
    if record.kind == "impedance":
        columns = [record.frequency, record.impedance.real, record.impedance.imag]
    else:
        columns = [column for column in (record.voltage, record.current) if column is not None]
    return list(zip(*(column.tolist() for column in columns), strict=True))


def points(records):
    return 0 if records is None else sum(record.points for record in records)


def owns_up(records, pattern=END_NOTES):
    return any(pattern.search(note) for record in records for note in record.notes)


def compare_cut(whole, cut, ended=()):
    """How a cut file misleads, and whether its last number is another one but told to be in doubt.

    `ended` are the records of the same file cut at the line end before: rows that the whole one leaves out
    with a note may be among theirs.
    """
    kinds = {(record.kind, record.control) for record in cut} - {(r.kind, r.control) for r in whole}
    if kinds and not owns_up(cut, GUESS):
        return f"is {kinds}, the whole { ({(r.kind, r.control) for r in whole}) }", False
    known = {row for record in whole for row in rows(record)}
    if owns_up(whole, LEFT_OUT):
        known |= {row for record in ended or () for row in rows(record)}
    doubt = False
    for i, record in enumerate(cut):
        other = [row for row in rows(record) if row not in known]
        doubt = i == len(cut) - 1 and other == rows(record)[-1:] and owns_up([record])
        if other and not doubt:
            return f"gives {other[0]} ({len(other)} such rows of {record.points})", False
    return "", doubt


class Cuts:
    """One text, cut at places, read with the same settings."""

    def __init__(self, name, data, settings):
        self.name, self.data, self.settings = name, data, settings
        self.end = b"\n\x00" if data.startswith(b"\xff\xfe") else b"\n"
        self.read = {}

    def until(self, place):
        """Records of the first bytes; of line ends they are kept."""
        if place not in self.read:
            self.read[place] = read(self.name, self.data[:place], self.settings)
        return self.read[place]

    def start_of_line(self, place):
        """Where the line begins that is cut."""
        return self.data.rfind(self.end, 0, place) + len(self.end)

    def drops_in_silence(self, place, cut):
        """True if the line that is cut is a row, and is left out without a word."""
        start = self.start_of_line(place)
        stop = self.data.find(self.end, place)
        begun = re.search(rb"\d", self.data[start:place])
        if not begun or stop < 0 or owns_up(cut):
            return False
        return points(cut) == points(self.until(start)) < points(self.until(stop + len(self.end)))


def check_cuts(name, data, count, rng, tally, tail=TAIL):
    """Cut one file at many places."""
    settings = settings_for(name, data[:LARGEST])
    for text in dict.fromkeys((data[: data.find(b"\n", SHORT) + 1], data[:LARGEST])):
        cuts = Cuts(name, text, settings)
        whole = cuts.until(len(text)) if text else None
        if whole is None:
            continue
        small = len(text) < 2 * SHORT
        places = set(range(max(0, len(text) - tail), len(text), 1 if small else 9))
        if small:
            places |= {rng.randrange(len(text)) for _ in range(count)}
        for place in sorted(places):
            cut = read(name, text[:place], settings)
            tally["cut"] += 1
            if cut is None:
                tally["cut, refused"] += 1
                continue
            found, doubt = compare_cut(whole, cut, cuts.until(cuts.start_of_line(place)))
            tally["cut, doubt"] += doubt
            if not found and not doubt and cuts.drops_in_silence(place, cut):
                found = "leaves a half row out without a word"
            if found:
                tally["cut, misread"] += 1
                yield f"cut at {place} of {len(text)}, behind {text[max(0, place - 30) : place]!r}: {found}"


def _columns(text):
    """Two empty columns more, in the header and in every row; None without tabs, semicolons or commas."""
    separator = next((mark for mark in "\t;," if text.count(mark) > text.count("\n")), None)
    if separator is None:
        return ""
    return "".join(
        f"{line}{2 * separator}\n" if line.strip(separator + " ") and separator in line else f"{line}\n"
        for line in text.split("\n")[:-1]
    )


def _commas(text):
    """Decimal commas; nothing where commas separate."""
    return "" if "," in text or not re.search(r"\d\.\d", text) else re.sub(r"(?<=\d)\.(?=\d)", ",", text)


CHANGES = {
    "CR LF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "UTF-8 with mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 big-endian": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "no line end": lambda text: text.rstrip("\n").encode(),
    "blank lines at the end": lambda text: (text + "\n\n  \n\n").encode(),
    "NULs at the end": lambda text: text.encode() + bytes(400),
    "empty columns": lambda text: _columns(text).encode(),
    "decimal commas": lambda text: _commas(text).encode(),
}


def plain(records):
    """Records as text, without the digest of the file, decimal commas of its head and notes of empty rows."""
    found = []
    for record in records:
        metadata = {key: value.replace(",", ".") for key, value in record.metadata.items() if key}
        notes = tuple(note for note in record.notes if not note.endswith("left out.") or "empty" not in note)
        text = format_record(replace(record, metadata=metadata, notes=notes))
        found.append(re.sub(r'"[0-9a-f]{64}"', '""', text))
    return found


def check_changes(name, data, tally):
    """Write one file in other ways."""
    source = Source(name, data[:LARGEST])
    text = source.text[: source.text.rfind("\n") + 1] or source.text
    settings = settings_for(name, text.encode())
    whole = read(name, text.encode(), settings)
    if whole is None:
        return
    for word, change in CHANGES.items():
        changed = change(text)
        if not changed:
            continue
        records = read(name, changed, settings)
        tally["written otherwise"] += 1
        if records is None:
            tally["written otherwise, refused"] += 1
            tally[f"refused: {word}"] += 1
            continue
        told = word == "no line end" and owns_up(records) and not compare_cut(whole, records)[0]
        if not told and plain(records) != plain(whole):
            tally["written otherwise, misread"] += 1
            pairs = zip(plain(whole), plain(records), strict=False)
            lines = [
                both for one, other in pairs for both in zip(one.split("\n"), other.split("\n"), strict=False)
            ]
            other = [both for both in lines if both[0] != both[1]][:2]
            yield f"{word}: {len(whole)} records, then {len(records)}: {other}"


COLUMNS = ("cut", "cut, refused", "cut, doubt", "cut, misread", "written otherwise",
           "written otherwise, refused", "written otherwise, misread")  # fmt: skip
HEADER = (
    "| reader | cuts | refused | last number in doubt | misread | written otherwise | refused | misread |\n"
    "|---|---|---|---|---|---|---|---|\n"
)
EXPLAINED = f"""\
Every text file, the real ones and the written ones, cut (its first {SHORT // 1000} kB at each of their last
{TAIL} bytes and at random places, longer ones near their end) and written otherwise: CR LF, CR, UTF-8 with a
byte-order mark, UTF-16 of either order, no line end behind the last row, blank lines and NULs at the end, two
empty columns more, decimal commas where commas do not separate. A cut file is misread if a row has other
values than in the whole one and no note says that the last number may be cut, or if a half row is left out
without a note; one that is written otherwise is misread if its records are not identical. In doubt: the last
number is another one, and a note says that it may be cut. The others are the records of the whole file as far
as it goes, with a note where a row was begun."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cuts", type=int, default=60)
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--only", nargs="+", default=[], metavar="READER")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    wanted = [name.lower() for name in options.only]
    command = f"python benchmarks/fuzz_truth.py {options.folder} --cuts {options.cuts} --seed {options.seed}"
    table = kept_rows(options.write, command) if options.write else {}
    misread = 0
    for reader, files in sorted(by_reader(options.folder).items(), key=lambda item: item[0].lower()):
        texts = [(name, data) for name, data in files if Source(name, data).is_text]
        if not texts or (wanted and reader.lower() not in wanted):
            continue
        tally, rng = Counter(), random.Random(f"{options.seed} {reader}")
        for name, data in texts:
            faults = [*check_changes(name, data, tally), *check_cuts(name, data, options.cuts, rng, tally)]
            for text in faults[:5]:
                print("  MISREAD", name, text[:500], flush=True)
        table[reader] = [tally[column] for column in COLUMNS]
        misread += tally["cut, misread"] + tally["written otherwise, misread"]
        refused = {key: n for key, n in tally.items() if key.startswith("refused")}
        print(_row(reader, table[reader]), refused, flush=True)
        if options.write:
            write_table(options.write, command, table)
    return 1 if misread else 0


def kept_rows(path, command):
    """Counts by reader of a table that `command` wrote before."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if f"`{command} " not in text:
        return {}
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if re.search(r"\| \d+ \|$", line)]
    return {reader: [int(count) for count in counts] for reader, *counts in cells if reader != "all"}


def write_table(path, command, table):
    rows = [_row(reader, table[reader]) for reader in sorted(table, key=str.lower)]
    total = _row("all", [sum(column) for column in zip(*table.values(), strict=True)])
    head = f"# Cut and rewritten instrument files\n\n`{command} --write {path.as_posix()}`\n\n{EXPLAINED}\n\n"
    path.write_text(head + HEADER + "\n".join([*rows, total, ""]), encoding="utf-8")


def _row(name, counts):
    return f"| {' | '.join([name, *map(str, counts)])} |"


if __name__ == "__main__":
    sys.exit(main())
