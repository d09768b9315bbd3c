"""Devices that are open: which folders there are below the one that was opened, and which tab has which.

Addresses name a folder by a digest of its path, never by the path, so that nothing outside can be asked for.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from memfit.app.autosave import STATE_FOLDER, Fit
from memfit.app.session import Session
from memfit.errors import InputError

_MOST_OPEN = 16
"""Devices in tabs; the one that was not looked at for longest is closed, its state is on the disk."""
_TAB = re.compile(r"[0-9a-f]{8,32}")
_RESULT = "result.json"


@dataclass(frozen=True)
class Opened:
    """What the command was given."""

    root: Path
    """The folder; nothing outside of it is read or written."""
    result: Path | None = None
    """A stored fit to look at."""


class Desk:
    """Devices in tabs.

    Parameters
    ----------
    opened : Opened
    """

    def __init__(self, opened: Opened) -> None:
        self.root = opened.root.resolve()
        self._result = opened.result
        self._lock = threading.RLock()
        self._sessions: OrderedDict[tuple[str, str], Session] = OrderedDict()

    def folders(self) -> dict[str, Path]:
        """Folders of devices by their path below the opened one, in order; empty where there is none."""
        from memfit.batch.run import find_devices

        try:
            return find_devices(self.root, self.root / STATE_FOLDER)[0]
        except InputError:
            return {}

    def key_of(self, folder: Path) -> str:
        """The word for a folder in an address.

        Parameters
        ----------
        folder : Path
        """
        return sha256(folder.resolve().relative_to(self.root).as_posix().encode()).hexdigest()[:16]

    def folder_named(self, words: str) -> Path:
        """A folder of a device below the opened one, by its path.

        Parameters
        ----------
        words : str
            As typed: relative to the opened folder, or absolute.

        Raises
        ------
        InputError
            There is none, or it lies outside.
        """
        try:
            folder = (self.root / words.strip().strip('"')).resolve()
            inside, there = folder.is_relative_to(self.root), folder.is_dir()
        except (OSError, ValueError, RuntimeError):
            inside = False
        if not inside:
            raise InputError(
                f"{words[:200]}: it lies outside of the opened folder. Start `memfit app FOLDER` with it."
            )
        if not there:
            raise InputError(f"{words[:200]}: expected a folder, found none.")
        return folder

    def session(self, tab: str, key: str) -> Session | None:
        """The device of an address in a tab; None where the address names none.

        Parameters
        ----------
        tab : str
        key : str

        Raises
        ------
        InputError
            The tab has no proper name, or the folder holds no measurements.
        """
        if not _TAB.fullmatch(tab):
            raise InputError("Reload the page: this tab has no name.")
        with self._lock:
            if (tab, key) in self._sessions:
                self._sessions.move_to_end((tab, key))
                return self._sessions[tab, key]
            folder = next((path for path in self._candidates() if self.key_of(path) == key), None)
            if folder is None:
                return None
            from memfit.app.worker import Worker

            session = Session(folder, tab, Worker())
            if self._result is not None and not session.fits:
                session.add_fit(Fit("stored fit", self._result))
            self._sessions[tab, key] = session
            while len(self._sessions) > _MOST_OPEN:
                _, old = self._sessions.popitem(last=False)
                old.worker.close()
            return session

    def _candidates(self) -> list[Path]:
        """Folders that an address may name."""
        dropped = [path for path in self.root.glob("dropped-*") if path.is_dir()]
        return [self.root, *self.folders().values(), *dropped]

    def results(self) -> list[Path]:
        """Results below the opened folder, those of the page included."""
        found = [path for path in self.root.rglob(_RESULT) if path.resolve().is_relative_to(self.root)]
        found += self.root.rglob(f"{STATE_FOLDER}/fit-*.json")
        return sorted(found)

    def each(self, do: Callable[[Session], None]) -> None:
        """Do something with every open device.

        Parameters
        ----------
        do : callable
        """
        with self._lock:
            for session in self._sessions.values():
                do(session)

    def close(self) -> None:
        """End all processes; what is being written comes to its end, and nothing is written any more."""
        self._lock.acquire()
        self.each(_close)


_PATIENCE = 5.0
"""s that a step which is being written may take."""


def _close(session: Session) -> None:
    """The end of a device's tab; its lock is kept, for who waits for it would be cut off amid a write."""
    session.worker.close()
    session.lock.acquire(timeout=_PATIENCE)
