"""`memfit fit`: measurements in; parameters, stability and a report out."""

import shlex
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from memfit.analysis.intervals import bootstrap, checkpoint_for, profile, sample_posterior
from memfit.cli.console import Console, Meter
from memfit.cli.main import NOT_USABLE, USABLE
from memfit.cli.options import plan_changes
from memfit.cli.report import options_of
from memfit.cli.text_output import fit_text, instruments_text, starts_text
from memfit.datasets.device import Device
from memfit.errors import InputError
from memfit.files import UNFINISHED, check_free
from memfit.fitting.plan import FitPlan, plan_for
from memfit.fitting.refit import Checkpoint
from memfit.fitting.result import FitResult
from memfit.fitting.uncertainty.mcmc import MOST_STEPS, check_emcee
from memfit.loaders.device import files_of, holds_measurements
from memfit.loaders.manifest import MANIFEST
from memfit.model.transient import kernel_is_compiled
from memfit.reporting.text import counted
from memfit.workflow.fitting import fit_again, fit_records, repetition_sentences
from memfit.workflow.reading import RESULT_FILE, load
from memfit.workflow.reports import placed, write_fit

_THREADS = 2
"""Of a bootstrap: more only wait for each other."""


def run(given: Namespace) -> int:
    """Fit, write, tell."""
    console = Console(given.quiet, given.verbose)
    console.follow_log()
    out = Path(given.out) if given.out is not None else None
    options = options_of(given)
    if out is not None:
        check_free(out, overwrite=given.overwrite)
    if given.mcmc:
        check_emcee()
    said: tuple[str, ...] = ()
    if given.source is not None:
        _announce_compilation(console)
        found, device, repetition = fit_again(given.source, given.paths)
        said = repetition_sentences(repetition)
    else:
        device = _measurements([Path(path) for path in given.paths])
        plan = plan_for(device, **plan_changes(given))
        _announce(console, device, plan)
        found = fit_records(device, plan)
    checkpoint = checkpoint_for(found.result, out / UNFINISHED if out is not None else None)
    result = _with_intervals(given, console, found.result, device, checkpoint)
    result = with_command(result, given.words)
    result = placed(result, out) if out is not None else result
    console.detail(f"First values:\n{starts_text(result)}")
    if result.nuisance:
        console.detail(f"Terms of the instruments:\n{instruments_text(result)}")
    if out is not None:
        write_fit(result, found.fitted, out, options, overwrite=given.overwrite)
        checkpoint.remove()
    print(result.to_json() if given.json else fit_text(result) + "\n", end="")
    for sentence in said:
        console.say(sentence)
    if out is not None:
        console.say_written(out)
    return USABLE if result.status.usable else NOT_USABLE


def with_command(result: FitResult, words: Sequence[str]) -> FitResult:
    """The result with the command that made it, as one would type it."""
    return replace(result, environment={**result.environment, "command": shlex.join(["memfit", *words])})


def _with_intervals(
    given: Namespace, console: Console, result: FitResult, device: Device, checkpoint: Checkpoint
) -> FitResult:
    """The result with the intervals that were asked for."""
    meter = Meter(given.quiet)
    if not (given.profile or given.bootstrap or given.mcmc):
        return result
    if checkpoint.resumed:
        console.say("  Going on from an interrupted run.")
    try:
        if given.profile:
            result = profile(result, device, progress=meter, checkpoint=checkpoint)
        if given.bootstrap:
            kind = given.bootstrap_kind
            result = bootstrap(
                result,
                device,
                given.bootstrap,
                kind=kind,
                workers=_THREADS,
                progress=meter,
                checkpoint=checkpoint,
            )
        if given.mcmc:
            steps = given.mcmc_steps or MOST_STEPS
            result = sample_posterior(result, device, steps=steps, progress=meter, checkpoint=checkpoint)
    except KeyboardInterrupt:
        if given.out is not None:
            console.say(f"\n  What is done is kept in {given.out}; the same command goes on from there.")
        raise
    return result


def _measurements(paths: Sequence[Path]) -> Device:
    """What was measured.

    Raises
    ------
    InputError
        It cannot be used; where it is a result or a folder of devices, the message says what takes it.
    """
    try:
        return load(paths)
    except InputError as problem:
        for path in paths:
            if (path / RESULT_FILE).is_file() or path.name == RESULT_FILE:
                raise InputError(
                    f"{path}: expected measurements, found a result. `memfit fit --from RESULT` fits its "
                    "data again; memfit report, stability, plan and compare take it as it is."
                ) from problem
            if _holds_devices(path):
                raise InputError(
                    f"{path}: expected the measurements of one device, found folders of devices. "
                    "Give one of them, or fit all with `memfit batch ROOT -o OUT`."
                ) from problem
        raise


def _holds_devices(path: Path) -> bool:
    """Whether a folder is no device itself, but devices lie below it."""
    if not path.is_dir() or files_of(path):
        return False
    return any((folder / MANIFEST).is_file() or holds_measurements(folder) for folder in _folders(path))


def _folders(path: Path) -> list[Path]:
    """Folders in a folder, the hidden ones left out."""
    return [item for item in sorted(path.iterdir()) if item.is_dir() and not item.name.startswith(".")]


def _announce(console: Console, device: Device, plan: FitPlan) -> None:
    """What is about to be fitted."""
    parts = [
        counted(len(device.spectra), "spectrum", "spectra"),
        counted(len(device.sweeps), "sweep"),
        counted(len(device.transients), "transient"),
        counted(sum(record.points for record in device.records), "point"),
    ]
    console.say(f"{device.name}: {', '.join(parts)}; fitting the model ({plan.model}).")
    for note in device.notes:
        console.say(f"  {note}")
    for record in device.records:
        for note in record.notes:
            console.detail(f"  {record.name}: {note}")
    _announce_compilation(console)


def _announce_compilation(console: Console) -> None:
    """The one wait after installation."""
    if not kernel_is_compiled():
        console.say(
            "  The integrator is compiled now, once after installation; this takes about half a minute."
        )
