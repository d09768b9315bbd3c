"""What a tab knows of a device: its device.toml, the sliders, the steps that can be undone, its fits.

After every step the state is written beside the data, into the hidden folder `.memfit-app`, and device.toml
into the folder itself; no measurement is ever written to. A tab that is opened again, after a reload or a
crash, goes on from there.
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from memfit.app.autosave import STATE_FOLDER, Fit, State, Step, restore, save
from memfit.app.choice import Choice
from memfit.app.device_file import DeviceFile, checked, device_file_of, write_device_file
from memfit.app.live import Live, can_be_computed
from memfit.app.rows import Cache, Row, read_rows
from memfit.datasets import ImpedanceSpectrum, Record, content_digest, kramers_kronig
from memfit.datasets.kramers_kronig import KramersKronig
from memfit.errors import InputError, MemfitError
from memfit.files import make_folder
from memfit.fitting import FitResult
from memfit.loaders.folders import MANIFEST
from memfit.loaders.manifest import Manifest
from memfit.model import PARAMETERS

if TYPE_CHECKING:
    from memfit.app.worker import Job, Worker

_MOST_STEPS = 100


class Session:
    """A device in a tab.

    Parameters
    ----------
    folder : Path
        Of the device.
    tab : str
        Name of the tab, letters and digits.
    worker : Worker
        That fits for this tab.

    Raises
    ------
    InputError
        The folder holds no measurements, or device.toml has mistakes.
    """

    def __init__(self, folder: Path, tab: str, worker: "Worker") -> None:
        self.folder, self.tab, self.worker = folder, tab, worker
        self.lock = threading.RLock()
        self.dragged: Choice | None = None
        """Where the sliders are while one is dragged; None: where the step says."""
        self.beside = ""
        """Name of the fit whose curves are dashed."""
        self.message = ""
        """What the last piece of work ended with."""
        self.fault = False
        """Whether that is a mistake to be mended."""
        self._known: Cache = {}
        self._live: tuple[DeviceFile, Live, tuple[Row, ...]] | None = None
        self._results: dict[tuple[Path, int], FitResult] = {}
        self._verdicts: dict[str, KramersKronig] = {}
        self.fits: tuple[Fit, ...] = ()
        self.shown = ""
        """Name of the fit that is looked at."""
        path = folder / MANIFEST
        self._last_seen = path.read_text(encoding="utf-8") if path.is_file() else None
        file = device_file_of(folder)
        self.steps = [Step("opened", file, Choice.of(checked(file.text).fit))]
        self.at = 0
        self._restore()

    # what is seen

    @property
    def step(self) -> Step:
        """Where the tab is."""
        return self.steps[self.at]

    @property
    def manifest(self) -> Manifest:
        """What device.toml says, every measurement included."""
        return checked(self.step.file.text)

    @property
    def name(self) -> str:
        """Of the device."""
        return self.manifest.name or self.folder.resolve().name

    def rows(self) -> tuple[Row, ...]:
        """Every file of the folder."""
        with self.lock:
            return read_rows(self.folder, self.step.file, self._known)

    def used(self) -> tuple[tuple[Row, Record], ...]:
        """The records that a fit sees and the model can compute, each with its row."""
        return tuple(
            (row, record)
            for row in self.rows()
            if row.used
            for record in row.records
            if can_be_computed(record)
        )

    def live(self) -> Live:
        """The records prepared for curves, anew where the data have changed."""
        with self.lock:
            file = self.step.file
            if self._live is None or self._live[0] != file:
                pairs = self.used()
                live = Live([record for _, record in pairs], [row.keep(record) for row, record in pairs])
                self._live = (file, live, ())
            return self._live[1]

    def verdict(self, spectrum: ImpedanceSpectrum) -> KramersKronig:
        """The Kramers-Kronig test of a spectrum, made once.

        Parameters
        ----------
        spectrum : ImpedanceSpectrum
        """
        digest = content_digest(spectrum)
        if digest not in self._verdicts:
            self._verdicts[digest] = kramers_kronig(spectrum)
        return self._verdicts[digest]

    def fit_named(self, name: str) -> Fit | None:
        """A fit by its name."""
        return next((fit for fit in self.fits if fit.name == name), None)

    def result(self, name: str = "") -> FitResult | None:
        """A fit as it was stored, by default the one that is looked at; None where there is none.

        Parameters
        ----------
        name : str
        """
        fit = self.fit_named(name or self.shown)
        if fit is None or not fit.path.is_file():
            return None
        key = (fit.path, fit.path.stat().st_mtime_ns)
        if key not in self._results:
            from memfit.workflow.reading import read_result

            self._results = {key: read_result(fit.path), **dict(list(self._results.items())[:3])}
        return self._results[key]

    # what is changed

    def change(
        self, name: str, file: DeviceFile | None = None, choice: Choice | None = None, *, write: bool = True
    ) -> None:
        """Take a step, which can be undone; device.toml follows.

        Parameters
        ----------
        name : str
            What was done.
        file : DeviceFile, optional
        choice : Choice, optional
        write : bool
            Whether device.toml is written; where it would say nothing new it is not.

        Raises
        ------
        InputError, OutputError
            device.toml was changed by somebody else, or cannot be written.
        """
        with self.lock:
            step = Step(name, file or self.step.file, choice or self.choice)
            self.dragged, self.fault = None, False
            if step.file != self.step.file and write:
                self._last_seen = write_device_file(self.folder, step.file, self._last_seen)
            self.steps = [*self.steps[: self.at + 1], step][-_MOST_STEPS:]
            self.at = len(self.steps) - 1
            self.save()

    def go_to(self, at: int) -> None:
        """Go to another step: undo and redo.

        Parameters
        ----------
        at : int
            Its place; beyond the ends, the nearest.
        """
        with self.lock:
            at = min(max(at, 0), len(self.steps) - 1)
            if self.steps[at].file != self.step.file:
                self._last_seen = write_device_file(self.folder, self.steps[at].file, self._last_seen)
            self.at, self.dragged = at, None
            self.save()

    def drag(self, values: Mapping[str, float]) -> Choice:
        """Move sliders without a step, which `drop` takes.

        Parameters
        ----------
        values : mapping
            SI, by parameter.

        Raises
        ------
        ParameterError
            A device cannot have a value.
        """
        with self.lock:
            choice = self.choice
            for name, value in values.items():
                if name in choice.names and value != choice.value(name):
                    choice = choice.moved(name, value)
            self.dragged = choice
            return choice

    def drop(self) -> bool:
        """Take the step to where the sliders were dragged; False where they were not."""
        with self.lock:
            choice, self.dragged = self.dragged, None
            if choice is None or choice == self.step.choice:
                return False
            before = self.step.choice
            moved = [name for name in choice.names if choice.value(name) != before.value(name)]
            self.change(f"{', '.join(moved)} moved", choice=choice)
            return True

    @property
    def choice(self) -> Choice:
        """Where the sliders are, dragged or not."""
        return self.dragged or self.step.choice

    def settle_file(self) -> None:
        """Let device.toml say what the page says, so that a fit of the folder is that of the page."""
        with self.lock:
            rows, file = self.rows(), self.step.file
            for row in rows:
                if row.fault and row.place is not None:
                    file = file.using(row.place, used=False)
            asked = file.with_table("fit", self.step.choice.to_toml())
            if checked(asked.text).fit != checked(file.text).fit:
                file = asked
            faulty = any(row.fault and not row.junk for row in rows)
            said = self._last_seen is not None or faulty or file != self.steps[0].file
            if said and (file.written != self._last_seen):
                self._last_seen = write_device_file(self.folder, file, self._last_seen)
            if file != self.step.file:
                self.steps[self.at] = replace(self.step, file=file)
            self.save()

    # fits

    def start_fit(self) -> "Job":
        """Fit the folder in the worker, as the command line would.

        Raises
        ------
        InputError
            Something is being done already, or device.toml cannot be written.
        """
        from memfit.app import work

        self.settle_file()
        self.message, self.fault = "", False
        place = self._new_fit()
        return self.worker.start(
            "Fit", work.fit, (str(self.folder), str(place)), partial(self._fitted, place)
        )

    def start_guess(self) -> "Job":
        """Look for first values in the worker."""
        from memfit.app import work

        self.settle_file()
        self.message, self.fault = "", False
        choice = self.step.choice
        fix = {name: choice.value(name) for name in choice.fixed}
        return self.worker.start("Guess", work.guess, (str(self.folder), fix), self._guessed)

    def start_parts(self, choice: Choice) -> "Job":
        """Switch parts of the family on or off, once what they need is compiled.

        Parameters
        ----------
        choice : Choice
            With other parts.
        """
        from memfit.app import work

        def switch(job: "Job") -> None:
            if "fault" not in (job.answer or {}):
                self.change("parts", choice=choice)
            self._told(job)

        self.message, self.fault = "", False
        values = {n: v for n, v in choice.parameters().as_dict().items() if v != PARAMETERS[n].null}
        return self.worker.start("Switch", work.run_once, (values,), switch)

    def start_intervals(self, kind: str) -> "Job":
        """Profile likelihood or bootstrap of the fit that is looked at.

        Parameters
        ----------
        kind : {"profile", "bootstrap"}

        Raises
        ------
        InputError
            There is no fit, or something is being done already.
        """
        from memfit.app import work

        fit = self.fit_named(self.shown)
        if fit is None:
            raise InputError("There is no fit yet; fit first.")
        self.message, self.fault = "", False
        arguments = (str(fit.path), str(self.folder), kind)
        return self.worker.start(kind.capitalize(), work.intervals, arguments, self._told)

    def start_report(self, kind: str, formats: Sequence[str], figures: Sequence[str]) -> "Job":
        """Write the report or the data sheet of the fit that is looked at into a new folder beside the data.

        Parameters
        ----------
        kind : {"results", "results-datasheet"}
            Beginning of the name of the folder, by which readers know that it holds no measurements.
        formats, figures : sequences of str

        Raises
        ------
        InputError
            There is no fit, or something is being done already.
        """
        from memfit.app import work

        fit, number = self.fit_named(self.shown), 1
        if fit is None:
            raise InputError("There is no fit yet; fit first.")
        while (self.folder / f"{kind}-{number}").exists():
            number += 1
        self.message, self.fault = "", False
        arguments = (str(fit.path), str(self.folder), str(self.folder / f"{kind}-{number}"), tuple(formats))
        if kind == "results-datasheet":
            return self.worker.start("Data sheet", work.datasheet, arguments, self._told)
        return self.worker.start("Report", work.report, (*arguments, tuple(figures)), self._told)

    def _new_fit(self) -> Path:
        """Where the next fit goes."""
        place = self.folder / STATE_FOLDER
        make_folder(place)
        number = 1
        while (place / f"fit-{number}.json").exists():
            number += 1
        return place / f"fit-{number}.json"

    def _told(self, job: "Job") -> None:
        """Keep what a piece of work ended with."""
        answer = job.answer or {}
        done = f"{job.name} done in {job.seconds:.1f} s."
        self.message, self.fault = str(answer.get("fault", done)), "fault" in answer
        with suppress(MemfitError):
            self.save()

    def _guessed(self, job: "Job") -> None:
        """Let the sliders stand at the first values."""
        answer = job.answer or {}
        if "values" in answer:
            choice = self.step.choice
            known = {name: choice.value(name) for name in choice.fixed}
            values = {**choice.values, **answer["values"], **known}
            self.change("guessed from the data", choice=replace(choice, values=values))
        self._told(job)

    def _fitted(self, place: Path, job: "Job") -> None:
        """Add a fit, and let the sliders stand where it ended."""
        answer = job.answer or {}
        if "fault" not in answer:
            self.add_fit(Fit(f"fit {len(self.fits) + 1}", place))
        self._told(job)

    def add_fit(self, fit: Fit) -> None:
        """Look at a fit, and let the sliders stand where it ended.

        Parameters
        ----------
        fit : Fit
        """
        with self.lock:
            self.fits = (*(one for one in self.fits if one.name != fit.name), fit)
            self.shown = fit.name
            result = self.result()
            if result is not None:
                self.change(fit.name, choice=with_result(self.step.choice, result))

    def rename_fit(self, old: str, new: str) -> None:
        """Give a fit another name.

        Raises
        ------
        InputError
            The name is taken or empty.
        """
        new = new.strip()[:60]
        if not new or self.fit_named(new):
            raise InputError("Expected a name that no other fit has.")
        self.fits = tuple(replace(fit, name=new) if fit.name == old else fit for fit in self.fits)
        self.shown = new if self.shown == old else self.shown
        self.save()

    # autosave

    def save(self) -> None:
        """Write the state beside the data.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        with self.lock:
            save(self.folder, self.tab, State(tuple(self.steps), self.at, self.fits, self.shown))

    def _restore(self) -> None:
        """Go on from what was saved; where device.toml says something else meanwhile, that holds."""
        state = restore(self.folder, self.tab)
        if state is None:
            return
        steps, at = list(state.steps), state.at
        if self._last_seen is not None and steps[at].file.written != self._last_seen:
            now = replace(self.steps[0], name="device.toml as it is now", choice=steps[at].choice)
            steps, at = [*steps[: at + 1], now], at + 1
        self.steps, self.at, self.fits, self.shown = steps, at, state.fits, state.shown


def with_result(choice: Choice, result: FitResult) -> Choice:
    """The sliders where a fit ended, also along what the data leave open.

    Parameters
    ----------
    choice : Choice
    result : FitResult
    """
    known = {name: e.value for name, e in result.parameters.items() if e.value is not None}
    ended = {name: value for name, value in result.fitted_values.items() if name in result.parameters}
    return replace(choice, values={**choice.values, **known, **ended})
