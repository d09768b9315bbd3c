"""Figures of merit of devices that are compared: predicted by the fit of each, all at the same conditions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from memfit.analysis.comparison.devices import ComparedDevice, Omitted
from memfit.analysis.figures_of_merit.assemble import figures_of_merit
from memfit.analysis.figures_of_merit.conditions import Conditions, Stated, alike
from memfit.analysis.figures_of_merit.rows import FIGURES_OF_MERIT, chosen
from memfit.analysis.figures_of_merit.sheet import Entry
from memfit.errors import MemfitError
from memfit.fitting import Estimate, FitResult


@dataclass(frozen=True, kw_only=True)
class ComparedMerits:
    """What was asked for, and at which conditions every device was."""

    names: tuple[str, ...] = ()
    conditions: Stated | None = None
    """None where nothing was asked for, or no device has all parameters."""


def with_merits(
    devices: Sequence[ComparedDevice],
    results: Sequence[FitResult],
    names: Sequence[str] = (),
    asked: Conditions | None = None,
) -> tuple[tuple[ComparedDevice, ...], ComparedMerits, tuple[Omitted, ...]]:
    """Devices with their figures of merit, and why some have none.

    Parameters
    ----------
    devices : sequence of ComparedDevice
    results : sequence of FitResult
        Of the devices, in the same order.
    names : sequence of str
        As `memfit.analysis.figures_of_merit.rows.chosen` takes them.
    asked : Conditions, optional
        What is not asked for is the median of what the devices suggest.

    Returns
    -------
    tuple of ComparedDevice
    ComparedMerits
    tuple of Omitted

    Raises
    ------
    InputError
        There is no such figure.
    """
    wanted = tuple(row.name for row in chosen(names))
    there = [device.values for device in devices if device.values is not None]
    if not wanted or not there:
        return tuple(devices), ComparedMerits(), ()
    conditions, full = alike(asked or Conditions(), there), None
    made: list[ComparedDevice] = []
    omitted: list[Omitted] = []
    for device, result in zip(devices, results, strict=True):
        if device.values is None:
            made.append(device)
            continue
        try:
            sheet = figures_of_merit(result, None, conditions, wanted)
        except MemfitError as problem:
            omitted.append(
                Omitted(label=device.label, what="figures of merit", reason=str(problem).rstrip("."))
            )
            made.append(device)
            continue
        full = sheet.conditions
        first = {entry.name: entry for entry in reversed(sheet.entries)}
        found = {name: _estimate(first[name]) for name in wanted if name in first}
        made.append(replace(device, merits=found))
    # what no device can have, such as a spread from cycle to cycle, is not asked for
    kept = tuple(
        name for name in wanted if any(d.merits[name].value is not None for d in made if name in d.merits)
    )
    made = [replace(d, merits={k: v for k, v in d.merits.items() if k in kept}) for d in made]
    omitted += [
        Omitted(label=device.label, what=name, reason=e.reason)
        for device in made
        for name, e in device.merits.items()
        if e.value is None
    ]
    return tuple(made), ComparedMerits(names=kept, conditions=full), tuple(omitted)


def _estimate(entry: Entry) -> Estimate:
    """A predicted figure as the numbers of a fit are given."""
    value, unit = entry.predicted, FIGURES_OF_MERIT[entry.name].unit
    if value is None:
        return Estimate(value=None, unit=unit, status="undetermined", reason=entry.predicted_reason)
    return Estimate(value=value.value, unit=unit, stderr=value.stderr, ci95=value.ci95)
