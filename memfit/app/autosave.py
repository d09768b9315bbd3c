"""The state of a tab, written beside the data into the hidden folder `.memfit-app` and taken up again.

A state that is damaged, or of another program, is none; nothing else depends on it.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memfit.app.choice import Choice
from memfit.app.device_file import DeviceFile, checked
from memfit.errors import MemfitError
from memfit.files import make_folder, write_whole

STATE_FOLDER = ".memfit-app"
_MOST_STATES = 8
"""Files of tabs that are kept."""


@dataclass(frozen=True)
class Step:
    """A state that can be gone back to."""

    name: str
    file: DeviceFile
    choice: Choice


@dataclass(frozen=True)
class Fit:
    """A fit of this device."""

    name: str
    path: Path


@dataclass(frozen=True)
class State:
    """What a tab knows that is worth keeping."""

    steps: tuple[Step, ...]
    at: int
    """Which step the tab is at."""
    fits: tuple[Fit, ...] = ()
    shown: str = ""
    """Name of the fit that is looked at."""


def save(folder: Path, tab: str, state: State) -> None:
    """Write the state of a tab.

    Parameters
    ----------
    folder : Path
        Of the device.
    tab : str
    state : State

    Raises
    ------
    OutputError
        It cannot be written.
    """
    place = folder / STATE_FOLDER
    make_folder(place)
    plain = {
        "steps": [
            {
                "name": step.name,
                "text": step.file.text,
                "unused": sorted(step.file.unused),
                "choice": step.choice.to_plain(),
            }
            for step in state.steps
        ],
        "at": state.at,
        "fits": [{"name": fit.name, "file": _kept_as(fit.path, place)} for fit in state.fits],
        "shown": state.shown,
    }
    own = place / f"state-{tab}.json"
    write_whole(own, json.dumps(plain))
    for old in [path for path in _states(place) if path != own][: 1 - _MOST_STATES]:  # the clock may jump
        old.unlink(missing_ok=True)


def restore(folder: Path, tab: str) -> State | None:
    """The state of a tab, else the newest of any; None where there is none that holds.

    Parameters
    ----------
    folder : Path
        Of the device.
    tab : str
    """
    place = folder / STATE_FOLDER
    own = place / f"state-{tab}.json"
    for path in [own] if own.is_file() else _states(place)[-1:]:
        with suppress(OSError, ValueError, TypeError, LookupError, AttributeError, MemfitError):
            return _state_of(json.loads(path.read_text(encoding="utf-8")), place)
    return None


def _states(place: Path) -> Sequence[Path]:
    """States of all tabs, the newest last."""
    return sorted(place.glob("state-*.json"), key=lambda path: path.stat().st_mtime)


def _kept_as(path: Path, place: Path) -> str:
    """The name of a fit's file, relative to the folder of states where it lies below the device."""
    device = place.parent.resolve()
    return path.resolve().relative_to(device).as_posix() if path.resolve().is_relative_to(device) else ""


def _state_of(plain: Any, place: Path) -> State:
    """A state from plain data."""
    steps = []
    for one in plain["steps"]:
        file = DeviceFile(str(one["text"]), frozenset(map(int, one["unused"])))
        checked(file.text)
        steps.append(Step(str(one["name"]), file, Choice.from_plain(one["choice"])))
    at = int(plain["at"])
    if not 0 <= at < len(steps):
        raise ValueError(f"no step {at}")
    device = place.parent.resolve()
    fits = []
    for one in plain["fits"]:
        path = (device / str(one["file"])).resolve()
        if path.is_relative_to(device) and path.is_file():
            fits.append(Fit(str(one["name"]), path))
    shown = str(plain["shown"])
    return State(tuple(steps), at, tuple(fits), shown if any(fit.name == shown for fit in fits) else "")
