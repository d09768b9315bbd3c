"""What stands in for a fit in the tests of the engine: the first line of a device's file says what to do."""

import ctypes
import errno
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path

from memfit.batch.device import Job, Makers
from memfit.errors import InputError, OutputError


def fit(job: Job, draft: Path) -> str:
    """Do what the file says, and write a result that depends on the file only."""
    word, _, argument = (job.folder / "iv.csv").read_text().strip().partition(" ")
    _note(job)
    if word in DEEDS:
        DEEDS[word](argument)
    (draft / "result.json").write_text(f'{{"word": "{word}"}}\n')
    return "ok"


def report(job: Job, draft: Path) -> None:
    """A report."""
    (draft / "report.html").write_text(job.key)


def merits(job: Job, draft: Path) -> None:
    """Figures of merit."""
    (draft / "figures_of_merit.json").write_text(json.dumps({"asked": dict(job.merits)}))


def prepare() -> None:
    """Import what a job needs, so that its time limit holds for the job alone."""
    import_module("memfit.batch.device")


def _note(job: Job) -> None:
    """One line a fit, so that a test can count them."""
    with (job.out.parent / "fits.log").open("a") as log:
        log.write(f"{job.key}\n")


def _hang(_: str) -> None:
    time.sleep(3600)


def _sleep(argument: str) -> None:
    time.sleep(float(argument))


def _eat(argument: str) -> None:
    held = b"x" * int(argument)
    time.sleep(3600)
    del held


def _exit(_: str) -> None:
    os._exit(7)


def _crash(_: str) -> None:
    ctypes.string_at(0)


def _refuse(argument: str) -> None:
    raise InputError(f"{argument}: expected measurements, found none.")


def _stumble(_: str) -> None:
    raise ZeroDivisionError("a bug")


def _full(_: str) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _forbidden(argument: str) -> None:
    raise OutputError(f"{argument}: cannot be written.")


def _talk(argument: str) -> None:
    sys.stdout.write(argument * 100_000)
    sys.stderr.write(argument)
    os.write(1, b"noise of a library in C")


DEEDS = {
    "hang": _hang,
    "sleep": _sleep,
    "eat": _eat,
    "exit": _exit,
    "crash": _crash,
    "refuse": _refuse,
    "stumble": _stumble,
    "full": _full,
    "forbidden": _forbidden,
    "talk": _talk,
}

MAKERS = Makers(fit=fit, report=report, merits=merits, prepare=prepare)
