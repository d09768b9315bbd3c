"""What `hostile.py` kills: `fit`, `report`, `app` (with edits and fits under way) and `batch`.

Half of them get SIGKILL, the others SIGINT or SIGTERM, each while it runs, half of the moments in the last
third of the run. Then every folder is as it was or as it shall be, no process goes on, nothing unfinished is
left (after SIGKILL: once the next run has ended), and the run after gives the same bytes as one that nobody
touched.
"""

import atexit
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
from hostile_runs import HOME, MEMFIT, PATIENCE, SLOW, contents, family_of, make_device, remains, run

from memfit.app import page, work  # noqa: F401 - imported before the copies are made
from memfit.app.desk import Desk, Opened
from memfit.app.screens.data import edit_cell
from memfit.batch import dask_executor  # noqa: F401 - likewise
from memfit.cli.main import main as command_line
from memfit.errors import MemfitError

SIGNALS = [signal.SIGKILL] * 2 + [signal.SIGINT, signal.SIGTERM]
"""Of four runs in a row."""


class Forked:
    """A command in a copy of this process, which has imported all it needs: only its work takes time."""

    def __init__(self, victim):
        self.code, self._said = None, victim.place / "said"
        self.pid = os.fork()
        if self.pid:
            return
        code = 130
        with suppress(KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.chdir(victim.place)
            os.environ.update(victim.environment)
            tempfile.tempdir = None
            for number, place in ((1, os.devnull), (2, self._said)):
                os.dup2(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
            over = threading.Event()
            editing = threading.Thread(target=edit_and_fit, args=(over,), daemon=True)
            if not victim.command:
                editing.start()
            code = command_line(victim.command or ["app", "device", "--no-browser", "--quiet"])
            over.set()
            if not victim.command:
                editing.join()
        atexit._run_exitfuncs()
        os._exit(code)

    def wait(self, seconds):
        """Whether it has ended within so long."""
        end = time.monotonic() + seconds
        while self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                return False
            else:
                time.sleep(0.005)
        return True

    def said(self):
        """Its talk."""
        return self._said.read_text(errors="replace") if self._said.exists() else ""


def edit_and_fit(over):
    """What somebody does in a tab, without a pause."""
    desk = Desk(Opened(Path("device")))
    session = desk.session("0123456789abcdef", desk.key_of(desk.root))
    turn = 0
    while not over.wait(0.01):
        turn += 1
        with suppress(MemfitError):
            row = next(row for row in session.rows() if row.file == "eis_0.6V.csv")
            edit_cell(session, row, "bias", f"0.6{turn % 9 + 1} V")
            if turn % 20 == 5:
                session.start_fit()
    desk.close()


class Victim:
    """A command that is killed, and what has to hold then."""

    def __init__(self, name, place):
        self.name, self.place = name, place / name
        self.place.mkdir()
        self.temporary = self.place / "tmp"
        self.temporary.mkdir()
        self.environment = {**HOME, "TMPDIR": str(self.temporary)}
        getattr(self, f"prepare_{name}")()
        begun = time.monotonic()
        self.finish()
        self.seconds = time.monotonic() - begun

    def prepare_fit(self):
        self.command = ["fit", "device", "-o", "out", "--overwrite", "--model", "3d", "--quiet"]
        self._two_states(["fit", "old", "-o", "out", "--model", "3d", "--quiet"])

    def prepare_report(self):
        for name in ("device", "old"):
            run(
                [*MEMFIT, "fit", str(make_device(self.place / name, len(name))), "-o", f"{name}_fit"],
                self.place,
                HOME,
            )
        self.command = ["report", "device_fit", "-o", "out", "--overwrite", "--quiet"]
        self._two_states(["report", "old_fit", "-o", "out", "--quiet"])

    def _two_states(self, old):
        """What OUT holds before and after."""
        for name in ("device", "old"):
            make_device(self.place / name, len(name))
        self.states = []
        for words in (self.command, old):
            shutil.rmtree(self.place / "out", ignore_errors=True)
            run([*MEMFIT, *words], self.place, HOME)
            self.states.append(contents(self.place / "out"))
        shutil.copytree(self.place / "out", self.place / "before")
        assert self.states[0] != self.states[1]

    def prepare_batch(self):
        for number in range(3):
            make_device(self.place / "root" / f"d{number}", number)
        self.command = ["batch", "root", "-o", "out", "--workers", "1", "--no-reports", "--quiet"]
        run([*MEMFIT, *self.command[:3], "whole", *self.command[4:]], self.place, HOME)
        self.states = [contents(self.place / "whole" / "devices")]

    def prepare_app(self):
        make_device(self.place / "device")
        self.command = []
        text = (self.place / "device" / "device.toml").read_text()
        self.first = text
        self.measured = {path.name: path.read_bytes() for path in (self.place / "device").glob("*.csv")}
        self.states = []

    def reset(self):
        """The old state, before each run that is killed."""
        if self.name in ("fit", "report"):
            shutil.rmtree(self.place / "out", ignore_errors=True)
            shutil.copytree(self.place / "before", self.place / "out")
        elif self.name == "batch" and (self.place / "out" / "overview.html").exists():
            shutil.rmtree(self.place / "out")

    def finish(self):
        """A run that nobody touches, and that leaves nothing; the page is ended after a while."""
        process = Forked(self)
        if not process.wait(PATIENCE if self.command else 12.0):
            os.kill(process.pid, signal.SIGINT)
            process.wait(PATIENCE)
        return [] if process.code == 0 else [f"code {process.code}: {process.said()}"]

    def left(self):
        """What is not finished."""
        return [*remains(self.place), *map(str, self.temporary.iterdir())]

    def faults(self):
        """What does not hold now."""
        if self.name == "app":
            return list(self._faults_of_app())
        if self.name == "batch":
            return list(self._faults_of_batch())
        found = contents(self.place / "out")
        listed = json.loads((self.place / "out" / "written.json").read_text())["files"]
        torn = [
            name for name, digest in listed.items()
            if hashlib.sha256((self.place / "out" / name).read_bytes()).hexdigest() != digest
        ]  # fmt: skip
        new, old = self.states
        differ = [name for name in {**new, **found} if found.get(name) not in (new.get(name), old.get(name))]
        mixed = [] if found in self.states else [f"neither old nor new: {differ}"]
        return [*mixed, *(f"not as listed: {name}" for name in torn)]

    def _faults_of_batch(self):
        devices = self.place / "out" / "devices"
        for name, digest in (contents(devices) if devices.exists() else {}).items():
            if self.states[0].get(name) != digest:
                yield f"{name} differs"
        for place in devices.iterdir() if devices.exists() else ():
            if not (place / "result.json").exists() or not (place / "checkpoint.json").exists():
                yield f"{place.name} is not whole"

    def _faults_of_app(self):
        folder = self.place / "device"
        for name, content in self.measured.items():
            if (folder / name).read_bytes() != content:
                yield f"{name} was written to"
        text = (folder / "device.toml").read_text()
        if text != self.first and 'bias = "0.6' not in text:
            yield f"device.toml: {text}"
        for path in (folder / ".memfit-app").glob("*.json") if (folder / ".memfit-app").exists() else ():
            try:
                json.loads(path.read_text())
            except ValueError:
                yield f"{path.name} is cut"


def killed(count, rng, place, tally):
    """Four commands, each killed at random moments, then left in peace."""
    work.prepare()
    for turn, name in enumerate(("fit", "report", "app", "batch")):
        victim = Victim(name, place)
        for number in tally.each(count // 4, 1.0 / (4 - turn)):
            kill_once(victim, SIGNALS[number % 4], rng, tally, f"{name} {number}")
        victim.reset()
        said = victim.finish()
        left = victim.left()
        if (
            name != "app"
            and contents(victim.place / ("out/devices" if name == "batch" else "out")) != victim.states[0]
        ):
            said.append("other bytes than without kills")
        for text in [*said, *victim.faults(), *(f"left {one}" for one in left)]:
            tally.fault(f"{name} after all kills: {text}")
        print(name, dict(tally.counts), flush=True)


def kill_once(victim, number, rng, tally, told):
    """One run that is killed."""
    while True:  # until it is caught alive
        victim.reset()
        before = set(victim.left())
        late = rng.random() < 0.5
        moment = victim.seconds * (rng.uniform(0.65, 0.97) if late else rng.uniform(0.0, 0.8))
        started, process = time.monotonic(), Forked(victim)
        if not process.wait(moment):
            os.kill(process.pid, number)
            break
        tally.note("ended before")
        victim.seconds = 0.5 * (victim.seconds + time.monotonic() - started)  # the machine has more time now
    told = f"{told}, {number.name} after {moment:.2f} s"
    begun = time.monotonic()
    process.wait(PATIENCE)
    code, complaints = process.code, process.said()
    if time.monotonic() - begun > SLOW * 2:
        tally.fault(f"{told}: it took {time.monotonic() - begun:.1f} s to end")
    tally.note(number.name)
    allowed = {signal.SIGKILL: (-9,), signal.SIGINT: (130, -2), signal.SIGTERM: (143, -15)}[number]
    if code not in (0, *allowed) or (code in (130, 143) and "Traceback" in complaints):
        tally.fault(f"{told}: code {code}: {complaints}")
    _, alive = psutil.wait_procs(family_of(victim.place), timeout=15)
    if alive:
        tally.fault(f"{told}: goes on: {[one.cmdline() for one in alive]}")
        for one in alive:
            one.kill()
    left = [] if code in (-9, -2, -15) else sorted(set(victim.left()) - before)
    for text in [*victim.faults(), *(f"left {one}" for one in left)]:
        tally.fault(f"{told}, code {code}: {text}")
