"""`memfit fit`: measurements in; parameters, stability and a report out."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from memfit.cli.console import (
    NOT_USABLE,
    USABLE,
    Command,
    Console,
    Meter,
    Parser,
    add_json,
    add_look,
    add_overwrite,
    option_quantity,
    whole,
)
from memfit.cli.plan_options import add_plan, add_selection, plan_changes, selected
from memfit.cli.report import options_of
from memfit.cli.streams import interruption
from memfit.errors import InputError

if TYPE_CHECKING:
    from memfit.datasets import Device
    from memfit.fitting import FitResult
    from memfit.fitting.uncertainty.refit import Checkpoint

_THREADS = 2
"""Of a bootstrap: more only wait for each other."""


def _add_options(parser: Parser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="a device folder, a device.toml, or files")
    parser.add_argument(
        "--from", dest="source", metavar="RESULT", help="run the fit of this result again; see below"
    )
    parser.add_argument(
        "-o", "--out", metavar="OUT", help="folder for result.json, report.html, tables and figures"
    )
    add_plan(parser)
    add_selection(parser)
    add_look(parser)
    parser.add_argument(
        "--time-limit",
        metavar="TIME",
        help='"30 s": end then, or at Ctrl-C, with the best so far, which is marked as such',
    )
    group = parser.add_argument_group(
        "intervals beyond the linear ones",
        "Interrupted, they go on when the same command is given again (with -o).",
    )
    group.add_argument(
        "--profile",
        action="store_true",
        help="profile likelihood of every parameter, whose intervals are given",
    )
    group.add_argument(
        "--bootstrap", type=whole(2), metavar="N", help="N refits of data made anew from the fit"
    )
    group.add_argument(
        "--bootstrap-kind",
        choices=("residual", "parametric"),
        default="residual",
        help="noise of the refits: drawn from the residuals (default), or normal",
    )
    group.add_argument(
        "--mcmc",
        action="store_true",
        help="draws from the posterior until they have converged (needs emcee)",
    )
    group.add_argument(
        "--mcmc-steps", type=whole(2), metavar="N", help="steps of the chain at most; default 5000"
    )
    add_overwrite(parser)
    add_json(parser)


def _check(parser: Parser, given: Namespace) -> None:
    """Either measurements, or a result whose plan says everything."""
    if given.source is None and not given.paths:
        parser.error("expected a device folder, a device.toml, files, or --from RESULT")
    if given.source is not None:
        changes = ("model", "fix", "start", "bounds", "seed", "robust", "only", "exclude", "bias")
        said = [f"--{name}" for name in changes if getattr(given, name) not in (None, False, [], ())]
        if said:
            parser.error(f"--from runs the plan of the result as it is; leave {', '.join(said)} out")


def _run(given: Namespace) -> int:
    """Fit, write, tell."""
    import shlex
    from dataclasses import replace

    from memfit.analysis.intervals import checkpoint_for
    from memfit.cli.text_output import estimates_text, fit_text, starts_text
    from memfit.files import UNFINISHED, check_free
    from memfit.fitting import plan_for
    from memfit.fitting.uncertainty.mcmc import require_emcee
    from memfit.reporting.content import counted
    from memfit.workflow.fitting import fit_again, fit_records, repetition_sentences
    from memfit.workflow.reports import placed, write_fit

    console = Console(given.quiet, given.verbose)
    console.follow_log()
    out = Path(given.out) if given.out is not None else None
    options = options_of(given)
    if out is not None:
        check_free(out, overwrite=given.overwrite)
    if given.mcmc:
        require_emcee()
    said: tuple[str, ...] = ()
    if given.source is not None:
        console.announce_compilation("  ")
        with _watched(given):
            joint, device, repetition = fit_again(given.source, given.paths)
        said = repetition_sentences(repetition)
    else:
        device = selected(_measurements([Path(path) for path in given.paths]), given)
        plan = plan_for(device.settings, **plan_changes(given))
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
        if len(device.spectra) < len(device.records):  # impedance is closed
            console.announce_compilation("  ")
        with _watched(given):
            joint = fit_records(device, plan)
    checkpoint = checkpoint_for(joint.result, out / UNFINISHED if out is not None else None)
    result = _with_intervals(given, console, joint.result, device, checkpoint)
    environment = {**result.environment, "command": shlex.join(["memfit", *given.words])}
    result = replace(result, environment=environment)
    result = placed(result, out) if out is not None else result
    console.detail(f"First values:\n{starts_text(result)}")
    if result.nuisance:
        console.detail(f"Terms of the instruments:\n{estimates_text(result.nuisance)}")
    if out is not None:
        write_fit(result, joint.fitted, out, options, overwrite=given.overwrite)
        checkpoint.remove()
    print(result.to_json() if given.json else fit_text(result) + "\n", end="")
    for sentence in said:
        console.say(sentence)
    if out is not None:
        console.say_written(out)
    elif not given.json:
        again = shlex.join(["memfit", *given.words, "-o", "results"])
        console.say(f"Nothing was saved. With a folder for the result and its report: {again}")
    return USABLE if result.status.usable else NOT_USABLE


@contextmanager
def _watched(given: Namespace) -> Iterator[None]:
    """While this lasts, a fit tells how far it is, and ends in time where that was asked for."""
    from memfit.progress import ended_by, heard_by, time_limit

    with heard_by(Meter(given.quiet)):
        if given.time_limit is None:
            yield
            return
        late = time_limit(option_quantity("--time-limit", given.time_limit, "time"))
        with interruption() as interrupted, ended_by(lambda: interrupted() or late()):
            yield


def _measurements(paths: Sequence[Path]) -> "Device":
    """What was measured; of a result the error says what takes it."""
    from memfit.workflow.reading import RESULT_FILE, load

    try:
        return load(paths)
    except InputError as problem:
        for path in paths:
            if (path / RESULT_FILE).is_file() or path.name == RESULT_FILE:
                raise InputError(
                    f"{path}: expected measurements, found a result. `memfit fit --from RESULT` fits its "
                    "data again; memfit report, stability, plan and compare take it as it is."
                ) from problem
        raise


def _with_intervals(
    given: Namespace, console: Console, result: "FitResult", device: "Device", checkpoint: "Checkpoint"
) -> "FitResult":
    """The result with the intervals that were asked for."""
    from memfit.analysis.intervals import bootstrap, profile, sample_posterior
    from memfit.fitting.uncertainty.mcmc import MOST_STEPS

    if not (given.profile or given.bootstrap or given.mcmc):
        return result
    meter = Meter(given.quiet)
    if checkpoint.resumed:
        console.say("  Going on from an interrupted run.")
    try:
        if given.profile:
            result = profile(result, device, progress=meter, checkpoint=checkpoint)
        if given.bootstrap:
            result = bootstrap(
                result,
                device,
                given.bootstrap,
                kind=given.bootstrap_kind,
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


FIT = Command(
    summary="Fit the model to all measurements of one device.",
    details="One joint estimate of all parameters, with intervals, and the stability that follows from it.\n"
    "With --from the fit of a stored result is run again from its plan, on its data (or those of PATH),\n"
    "and what differs is said: numbers, inputs, versions, settings.",
    add_options=_add_options,
    run=_run,
    check=_check,
)
