"""Hostile settings, results, surroundings and moments: one line and an exit code, never a traceback.

    python benchmarks/hostile.py device result surroundings --seed 23 --write benchmarks/hostile.md
    python benchmarks/hostile.py killed poisoned scheduler --seed 23 --write benchmarks/hostile.md

*device*: device.toml with values, tables and bytes changed, read in this process; some of those that are
taken are fitted. *result*: result.json likewise, in every command that takes one, as text and as JSON, with
the digest made to fit or not. The others, in processes of their own, are in `hostile_runs.py` (surroundings),
`hostile_killed.py` and `hostile_batches.py`. Rows of
the table that were not asked for stay as they are. What counts as a fault: a traceback, a Python warning,
"memfit itself stumbled", more than one line, a wrong exit code, JSON that is none, an edit that one command
tells and another does not, more than `SLOW` seconds of processor time.
"""

import argparse
import contextlib
import io
import json
import math
import os
import random
import re
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fuzz import MUTATIONS
from hostile_batches import poisoned, scheduled
from hostile_killed import killed
from hostile_runs import make_device, surrounded

from memfit.cli.main import main as command_line
from memfit.errors import MemfitError
from memfit.fitting import EDITED, FitResult, digest_of, plan_for
from memfit.fitting.plan import FitPlan
from memfit.loaders.device import files_of, load_device
from memfit.loaders.manifest import DEVICE, FIT, MEASUREMENT
from memfit.model import NAMES
from memfit.progress import ended_by, time_limit
from memfit.workflow.fitting import fit_records

SLOW = 5.0
"""Seconds of processor time that count as a hang."""
FIT_EVERY = 25
"""Of the device.toml that are taken, one in so many is fitted."""
FIT_SECONDS = 2.0
COUNTS = {
    "device": 2000,
    "result": 2000,
    "surroundings": 200,
    "killed": 220,
    "poisoned": 200,
    "scheduler": 24,
}
TITLES = {
    "device": "device.toml by mutation",
    "result": "result.json by mutation",
    "surroundings": "surroundings by mutation",
    "killed": "killed at a random moment",
    "poisoned": "batch with poisoned devices",
    "scheduler": "dask scheduler, two workers, one killed",
}
HEAD = """# Hostile input

Made by `python benchmarks/hostile.py {parts} --seed {seed}`, whose first lines say what was done and what
counts as a fault. A hang is more than {slow:g} s of processor time for one input; the slowest is its time.
Parts that are not listed were not run to the end; one with fewer cases than `COUNTS` was given `--minutes`.

| part | cases | what became of them | faults | slowest |
|---|---|---|---|---|
"""

TOML = [
    *("nan", "inf", "-inf", "0", "-0.0", "-1", "1", "1e300", "-1e300", "1e-300", "5e-324", "true",
      "2026-11-28"),
    *("9" * 400, "9" * 5000, "-" + "9" * 25, "0x" + "f" * 300, "[]", "[[]]", "{}", "{ a = 1 }", '["x"]',
      '""'),
    *('"text"', '"1 V"', '"1e999 V"', '"-5 s"', '"0 ohm"', '"1e300 ohm"', '"1e-300 V"', '"nan A"',
      '"1 furlong"'),
    *('"9e9 s"', '"/dev/zero"', '"../../../etc/passwd"', '"*"', '"**/*"', '"["', '"eis_*.csv"', '"\\u0000"'),
    *('"\\u202Ex"', f'"{"a" * 300}"', f'"{"a/" * 3000}"', "[1, 2]", "[2, 1]", '["1 V", "1 V"]',
      "[1e300, 1e301]"),
    *('["0 s", "1 s"]', "[" * 90 + "]" * 90, "[" * 1500 + "]" * 1500, '[["0 s", "0 V"], ["1 s", "1 V"]]'),
    *('[["1 s", "0 V"], ["0 s", "1 V"]]', '[["0 s", "0 V"], ["1e9 s", "1e5 V"]]', '"tau_d**9**9**9"',
      '"(" * 9'),
]  # fmt: skip
JSON = [
    *("null", "true", "-1", "0", "1e308", "-1e308", "1e-308", "5e-324", "1e400", "NaN", "Infinity", "[]",
      "{}"),
    *("9" * 400, "9" * 5000, '""', '"text"', '"\\ud800"', '"\\u0000"', '"\\u202e"', "[[[]]]",
      '{"a": {"b": 1}}'),
    *("[null]", "[1e308, 1e308]", "[1, 2, 3]", '"' + "x" * 100_000 + '"', "[" * 3000 + "]" * 3000, "1.5",
      "2"),
    *('"<script>alert(1)</script>"', '"../../../etc/passwd"', '"/dev/zero"', '"$\\\\frac{"', '"determined"'),
]  # fmt: skip


@dataclass
class Tally:
    """What became of one part."""

    end: float = math.inf
    """When no further case is begun, by `time.monotonic`."""
    cases: int = 0
    counts: Counter = field(default_factory=Counter)
    faults: list = field(default_factory=list)
    slowest: float = 0.0

    def each(self, count, share=1.0):
        """Numbers of cases, until there were so many, or until a share of the time is over."""
        begun = time.monotonic()
        end = begun + share * (self.end - begun)
        for number in range(count):
            if time.monotonic() > end:
                return
            self.cases += 1
            yield number

    def note(self, outcome, seconds=0.0):
        """One more case ended."""
        self.counts[outcome] += 1
        self.slowest = max(self.slowest, seconds)

    def fault(self, text):
        """Something that must not be, told at once."""
        self.faults.append(text)
        print("FAULT", ascii(text[:2000]).replace("\\n", "\n"), flush=True)

    def row(self, part):
        """Its line of the table."""
        told = ", ".join(f"{number} {word}" for word, number in self.counts.most_common())
        return f"| {TITLES[part]} | {self.cases} | {told} | {len(self.faults)} | {self.slowest:.1f} s |"


# device.toml


def hostile_toml(rng, text):
    """A device.toml that somebody wrote to do harm, or whose bytes are damaged."""
    if rng.random() < 0.15:
        return MUTATIONS[rng.choice(list(MUTATIONS))](rng, text.encode())
    lines = text.split("\n")
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        table = rng.choice(["device", "measurement", "fit"])
        key = rng.choice(list({"device": DEVICE, "measurement": MEASUREMENT, "fit": FIT}[table]))
        value = rng.choice(TOML)
        if key in ("fix", "start", "bounds", "ties") and rng.random() < 0.9:
            pair = f"[{rng.choice(TOML)}, {rng.choice(TOML)}]" if rng.random() < 0.5 else value
            value = f"{{ {rng.choice(NAMES)} = {pair if key == 'bounds' else value} }}"
        elif key in ("attributes", "use", "columns", "protocol") and rng.random() < 0.8:
            inner = rng.choice(
                ["a", "time", "voltage", "frequency", "pulse", "width", "read", "period", "count"]
            )
            value = f"{{ {inner} = {value} }}"
        heads = [
            number for number, line in enumerate(lines) if line.strip() in (f"[{table}]", f"[[{table}]]")
        ]
        at = rng.choice(heads) + 1
        lines[at:at] = [f"{key} = {value}"]
        end = next((n for n in range(at + 1, len(lines)) if lines[n].startswith("[")), len(lines))
        lines[at + 1 : end] = [line for line in lines[at + 1 : end] if not line.startswith(f"{key} =")]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def device_parts(count, rng, place, tally):
    """Every device.toml is taken or refused in a sentence; some of those taken are fitted."""
    folder = make_device(place / "device")
    text = (folder / "device.toml").read_text() + '\n[fit]\nmodel = "3d"\n'
    taken = 0
    for number in tally.each(count):
        content = hostile_toml(rng, text)
        (folder / "device.toml").write_bytes(content)
        begun = time.process_time()
        try:
            files_of(folder)
            device = load_device(folder)
            plan = plan_for(device.settings)
            outcome, taken = "taken", taken + 1
            if taken % FIT_EVERY == 0 and isinstance(plan, FitPlan):
                tally.note("of them fitted")
                with ended_by(time_limit(FIT_SECONDS)):
                    FitResult.from_json(fit_records(device, plan).result.to_json())
        except MemfitError as error:
            outcome = "refused"
            if re.search(r"\w(Error|Exception)\b", str(error)):
                tally.fault(f"device {number}: speaks of Python: {error}")
        except Exception:  # the fault that is looked for
            outcome = "fault"
            tally.fault(f"device {number}: {traceback.format_exc(limit=-4)}\n{content[:3000]!r}")
        seconds = time.process_time() - begun
        tally.note(outcome, seconds)
        if seconds > SLOW:
            tally.fault(f"device {number}: {seconds:.1f} s: {content[:3000]!r}")


# result.json


def places(value, path=()):
    """Every place of plain data, the inner ones too, but only the first few of long lists."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value[:3]):
            yield from places(item, (*path, index))


_MARK = "hostile value "


def hostile_result(rng, text):
    """A result that somebody edited, and whether it may be one still."""
    if rng.random() < 0.1:
        return MUTATIONS[rng.choice(["truncate", "flip bytes", "number", "insert", "drop lines"])](
            rng, text.encode()
        )
    data, raw = json.loads(text), []
    for _ in range(rng.choice([1, 1, 2, 4])):
        part = rng.choice(list(data))  # each part as often, however large
        *path, last = (part, *rng.choice(list(places(data[part]))))
        holder = data
        for key in path:
            holder = holder[key]
        number = isinstance(holder[last], int | float) and not isinstance(holder[last], bool)
        deed = rng.random()
        if deed < 0.12 and isinstance(holder, dict):
            del holder[last]
        elif deed < 0.5 and number:
            holder[last] *= rng.choice([-1, 10, 0.1, 1e30, 1e-30, 0, 1 + 1e-9])
        elif deed < 0.6 and isinstance(holder, list):
            holder.append(holder[last])
        else:
            raw.append(rng.choice(JSON))
            holder[last] = f"{_MARK}{len(raw) - 1}"
        if not data:
            break
    if not raw and rng.random() < 0.5:
        with contextlib.suppress(ValueError):
            data["digest"] = digest_of(data)
    written = json.dumps(data, indent=1)
    return re.sub(f'"{_MARK}(\\d+)"', lambda found: raw[int(found[1])], written).encode()


def call(*words):
    """Exit code, output and talk of a command in this process, and the seconds of processor time."""
    out, err, begun = io.StringIO(), io.StringIO(), time.process_time()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = command_line([str(word) for word in words])
        except SystemExit as end:
            code = end.code
    return code, out.getvalue(), err.getvalue(), time.process_time() - begun


def result_commands(folder, other, out):
    """Every command that takes a result, by name; `--json` where there is such output."""
    file = folder / "result.json"
    return {
        "stability": ("stability", file), "stability --json": ("stability", file, "--json"),
        "plan": ("plan", file), "plan --json": ("plan", file, "--json"),
        "report": ("report", file, "-o", out, "--overwrite"),
        "datasheet": ("datasheet", file), "datasheet --json": ("datasheet", file, "--json"),
        "compare": ("compare", file, other), "compare --json": ("compare", file, other, "--json"),
        "fit --from": ("fit", "--from", file, "--time-limit", f"{FIT_SECONDS} s", "--json"),
    }  # fmt: skip


RARE = {"fit --from": 0.06, "report": 0.15, "datasheet": 0.4, "datasheet --json": 0.4}
"""How often commands that take long are asked."""


def result_parts(count, rng, place, tally):
    """Every result.json is refused by all commands alike, or taken by all, which then tell alike of edits."""
    data = make_device(place / "device")
    for name, seed in (("one", 1), ("other", 2)):
        call(
            "fit",
            make_device(place / f"device_{name}", seed),
            "-o",
            place / name,
            "--model",
            "3d",
        )
    text = (place / "one" / "result.json").read_text()
    folder, out = place / "root" / "x", place / "report"
    folder.mkdir(parents=True)
    shutil.copytree(data, folder / "data")
    for number in tally.each(count):
        content = hostile_result(rng, text)
        (folder / "result.json").write_bytes(content)
        state = index_state(place / "root", number, tally)
        named = list(result_commands(folder, place / "other", out).items())
        picked = [one for one in named if rng.random() < RARE.get(one[0], 1.0)]
        chosen = picked if state == "refused" else rng.sample(picked, 2)
        for name, words in chosen:
            check_result_command(f"result {number}, {name}", name, state, call(*words), tally)
        tally.note(state)
        if tally.faults and tally.faults[-1].startswith(f"result {number}"):
            (place / f"fault_{number}.json").write_bytes(content)


SAME_FOR_ALL = ("stability", "stability --json")
"""What refuses a result only where the index does; others may lack what they need."""


def index_state(root, number, tally):
    """Whether the index takes the result as it is ("taken"), as "edited", or it is "refused"."""
    code, _, told, seconds = call("index", root)
    if code != 0 or "Traceback" in told or "stumbled" in told or seconds > SLOW:
        tally.fault(f"result {number}, index: {code} {told} {seconds:.1f} s")
        return "refused"
    code, listed, told, _ = call("query", root, "--json")
    if code != 0 or len(json.loads(listed)) != 1:
        tally.fault(f"result {number}, query: {code} {told}")
        return "refused"
    (row,) = json.loads(listed)
    if row["state"] == "unreadable":
        return "refused"
    return "edited" if EDITED in row["message"] else "taken"


def check_result_command(place, name, state, ran, tally):
    """Hold what a command did against what is known of the file."""
    code, out, told, seconds = ran
    tally.slowest = max(tally.slowest, seconds)
    lines = told.strip().split("\n")
    if "Traceback" in told or "stumbled" in told or "Warning:" in told or seconds > SLOW:
        tally.fault(f"{place}: {seconds:.1f} s, {code}, {told}")
    elif (code == 1) != (state == "refused") and name in SAME_FOR_ALL:
        tally.fault(f"{place}: {state} by the index, here {code}, {told}")
    elif name == "report" and state == "refused" and code == 0:  # it shows what is left, and says so
        if not re.search("damaged|Damaged|Missing", told):
            tally.fault(f"{place}: refused by the index, here shown without a word: {told}")
    elif state == "refused" and code != 1:
        tally.fault(f"{place}: refused by the index, here {code}, {told}")
    elif (
        code == 1
        and (len(lines) != 1 or len(lines[0]) > 3000)
        and "compare" not in name
        and "fit" not in name
    ):
        tally.fault(f"{place}: {len(lines)} lines, {told[:3000]}")
    elif code == 0 and state == "edited" and "fit" not in name and EDITED not in told:
        tally.fault(f"{place}: the edit is not told: {told}")
    if code == 0 and name.endswith("--json"):
        whole = json.loads(out, parse_constant=lambda word: tally.fault(f"{place}: {word} in JSON"))
        if state == "edited" and "compare" not in name and EDITED not in whole.get("warnings", ()):
            tally.fault(f"{place}: the edit is not in the JSON")


# the whole


PARTS = {
    "device": device_parts,
    "result": result_parts,
    "surroundings": surrounded,
    "killed": killed,
    "poisoned": poisoned,
    "scheduler": scheduled,
}


def kept_rows(path):
    """Rows of a table that was written before, by title."""
    lines = path.read_text(encoding="utf-8").splitlines() if path is not None and path.is_file() else []
    rows = [line for line in lines if line.startswith("| ")][1:]
    return {row.split(" | ")[0].removeprefix("| "): row for row in rows}


def main():
    """Do the parts that are asked for, and write their rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("parts", nargs="+", choices=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--count", type=int, help="cases of each part; by default those of the table")
    parser.add_argument("--minutes", type=float, default=math.inf, help="for each part, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--folder", type=Path, help="keep what is made here")
    options = parser.parse_args()
    warnings.simplefilter("error")
    bad = False
    for part in options.parts:
        count, tally = options.count or COUNTS[part], Tally(time.monotonic() + 60.0 * options.minutes)
        place = (options.folder or Path(tempfile.gettempdir()) / f"hostile-{os.getpid()}") / part
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        PARTS[part](count, random.Random(f"{options.seed} {part}"), place, tally)
        if options.folder is None:
            shutil.rmtree(place.parent)
        row = tally.row(part)
        print(row, flush=True)
        bad = bad or bool(tally.faults)
        if options.write:
            rows = kept_rows(options.write) | {TITLES[part]: row}
            head = HEAD.format(parts=" ".join(PARTS), seed=options.seed, slow=SLOW)
            ordered = [rows[title] for title in TITLES.values() if title in rows]
            options.write.write_text(head + "\n".join(ordered) + "\n", encoding="utf-8")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
