"""What `plot` of a value draws: all of it in one figure of pyplot, in memfit's style."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from memfit.datasets import Device, Record
from memfit.errors import InputError
from memfit.fitting import FitResult
from memfit.notebook.plot import gain_margin, iv, modulus, transient
from memfit.reporting import figures
from memfit.reporting.content import KINDS
from memfit.reporting.figures.marks import MILLIMETRE
from memfit.reporting.figures.records import ROW, WIDTH, records_figure
from memfit.reporting.fit.curves import parameters_of, stability_curves, voltage_range
from memfit.workflow.reading import find_data

_STYLE = Path(figures.__file__).with_name("memfit.mplstyle")


def overview(subject: Device | Record | FitResult, device: Device | None = None) -> Any:
    """What `plot` of a value draws: a figure of pyplot in memfit's style; its axes come back.

    Parameters
    ----------
    subject : Device, record or FitResult
    device : Device, optional
        The data of a result; by default they are looked for where they were read from.
    """
    with mpl.rc_context(), mpl.style.context(str(_STYLE)):
        mpl.rcParams["figure.dpi"] = 150
        if isinstance(subject, FitResult):
            axes = _overview_of_result(subject, device)
        else:
            records = subject.records if isinstance(subject, Device) else (subject,)
            rows = len({record.kind for record in records})
            figure = plt.figure(figsize=(WIDTH * MILLIMETRE, ROW * rows * MILLIMETRE))
            records_figure(figure, records, {})
            axes = np.array(figure.axes)
        live = mpl.is_interactive()
    mpl.interactive(live)  # the first figure of a notebook turns it on, which the context would undo
    return axes


def _overview_of_result(result: FitResult, device: Device | None) -> Any:
    """Impedance, current and gain margin of a result side by side, those that there are."""
    records = tuple(find_data(result, Path()).same.values()) if device is None else device.records
    kinds = {record.kind for record in records}
    p = parameters_of(result)
    curves = p is not None and stability_curves(p, voltage_range(p, records)) is not None
    wanted: list[str] = [kind for kind in KINDS if kind in kinds]
    wanted += ["gain margin"] if curves else []
    if not wanted:
        raise InputError(
            "The measurements of this fit are not where they were read from, and its parameters draw no "
            "curve by themselves: give the device, result.plot(device)."
        )
    columns = min(len(wanted), 2)
    rows = -(-len(wanted) // columns)
    size = (WIDTH * MILLIMETRE * columns / 2, ROW * MILLIMETRE * rows)
    grid = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)[1].ravel()
    for spare in grid[len(wanted) :]:
        spare.remove()
    for kind, one in zip(wanted, grid, strict=False):
        of_kind = [record for record in records if record.kind == kind]
        if kind == "impedance":
            modulus(of_kind, result, ax=one)
        elif kind == "iv":
            iv(of_kind, result, ax=one)
        elif kind in KINDS:
            transient(of_kind[0], result, ax=one)
            one.set_title(of_kind[0].name, parse_math=False)
        else:
            gain_margin(result, ax=one)
    return grid[: len(wanted)]
