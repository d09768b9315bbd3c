"""The numbers behind each figure, SI, by column title; columns of one figure may differ in length.

Numbers for other programs, as CSV: every point of the fit, what stands behind each figure, printed tables.

Numbers are SI and in full, except in `table_csv`, which repeats a table of the report as printed. Written by
hand, without DataFrames: for the many small files of a report that is several times faster.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

import numpy as np

from memfit.arrays import FloatArray
from memfit.datasets.records import ImpedanceSpectrum, Record
from memfit.fitting.result import FitResult, FittedRecord
from memfit.reporting.content import Graded, Table
from memfit.reporting.figures.records import Strip, autocorrelation
from memfit.reporting.figures.spectra import Spectrum, bias_of
from memfit.reporting.figures.time import model_points, rate_label, sweep_of, transient_of, units_of
from memfit.reporting.fit.curves import StabilityCurves, VoltageCurves, band_of, ends
from memfit.reporting.numbers import plain
from memfit.reporting.text import distinct

RESIDUAL_COLUMNS = (
    "record",
    "index",
    "quantity",
    "coordinate",
    "unit",
    "component",
    "data",
    "model",
    "sigma",
    "residual",
    "used",
)
ESTIMATE_COLUMNS = ("parameter", "value", "unit", "stderr", "ci95_low", "ci95_high", "status")
_DIGITS = 9
_QUOTED = set(',"\n\r')
"""Characters for which CSV quotes a field."""


def residuals_csv(fitted: Sequence[FittedRecord]) -> str:
    """Every point of every record with its model, standard deviation and residual, SI, as CSV."""
    lines = [",".join(RESIDUAL_COLUMNS)]
    for item in fitted:
        for component, data, model in _components(item):
            lines += _residual_lines(item, component, data, model)
    return "\n".join(lines) + "\n"


def _components(fitted: FittedRecord) -> list[tuple[str, FloatArray, FloatArray]]:
    """Name, data and model of each real component: two of a spectrum, one of any other record."""
    record = fitted.record
    if isinstance(record, ImpedanceSpectrum):
        Z, model = record.impedance, np.asarray(fitted.predicted)
        return [("Z_real", Z.real, model.real), ("Z_imag", Z.imag, model.imag)]
    name = "current" if record.control == "voltage" else "voltage"
    return [(name, record.response, np.asarray(fitted.predicted).real)]


def _coordinate(record: Record) -> tuple[str, FloatArray, str]:
    """Name, values and unit of what the points of a record stand against."""
    if isinstance(record, ImpedanceSpectrum):
        return "frequency", record.frequency, "Hz"
    if record.time is not None:
        return "time", record.time, "s"
    return "voltage", np.asarray(record.voltage), "V"


def _residual_lines(
    fitted: FittedRecord, component: str, data: FloatArray, model: FloatArray
) -> Iterator[str]:
    """Points of one component, a line each."""
    name, coordinate, unit = _coordinate(fitted.record)
    head = _quoted(fitted.record.name)
    numbers = (coordinate, data, model, fitted.sigma, (data - model) / fitted.sigma)
    columns = zip(*(_texts(column) for column in numbers), fitted.used.tolist(), strict=True)
    for index, (at, measured, predicted, sigma, residual, used) in enumerate(columns):
        point = f"{head},{index},{name},{at},{unit},{component}"
        yield f"{point},{measured},{predicted},{sigma},{residual},{used}"


def estimates_csv(result: FitResult) -> str:
    """The parameters and what is derived from them, SI, as CSV."""
    lines = [",".join(ESTIMATE_COLUMNS)]
    for name, e in {**result.parameters, **result.derived}.items():
        numbers = (e.stderr, *(e.ci95 or (None, None)))
        texts = [plain(value, _DIGITS) for value in (e.value, *numbers)]
        lines.append(",".join((name, texts[0], e.unit, *texts[1:], e.status)))
    return "\n".join(lines) + "\n"


def interval_csvs(result: FitResult) -> dict[str, str]:
    """Profiles point by point and samples row by row as CSV, SI, by the file they are written to."""
    files = {}
    if result.profiles:
        lines = ["quantity,unit,value,chi2_rise,slope,threshold"]
        for name, p in result.profiles.items():
            lines += [
                ",".join((name, p.unit, *(plain(v, _DIGITS) for v in (*point, p.threshold))))
                for point in zip(p.value, p.rise, p.slope, strict=True)
            ]
        files["profiles.csv"] = "\n".join(lines) + "\n"
    samples = [s for s in (result.bootstrap, result.posterior) if s is not None]
    if samples:
        names = list(dict.fromkeys(name for s in samples for name in s.names))
        lines = [",".join(["kind", *names])]
        for s in samples:
            for row in s.samples:
                values = dict(zip(s.names, row, strict=True))
                lines.append(",".join([s.kind, *(plain(values.get(name), _DIGITS) for name in names)]))
        files["samples.csv"] = "\n".join(lines) + "\n"
    return files


def columns_csv(columns: Mapping[str, FloatArray]) -> str:
    """Columns side by side as CSV, shorter ones empty below; what is not a number is empty."""
    texts = [_texts(column) for column in columns.values()]
    rows = [",".join(row) for row in zip_longest(*texts, fillvalue="")]
    return "\n".join([",".join(map(_quoted, columns)), *rows]) + "\n"


def _texts(column: FloatArray) -> list[str]:
    """Numbers with nine digits; empty where there is none."""
    return [plain(value, _DIGITS) for value in column.tolist()]


def _quoted(field: str) -> str:
    """A field as CSV has it."""
    return '"' + field.replace('"', '""') + '"' if _QUOTED & set(field) else field


def table_csv(table: Table) -> str:
    """A table for people as CSV: numbers as they are printed in the report."""
    rows = [[value.text if isinstance(value, Graded) else value for value in row] for row in table.rows]
    head = [column.title for column in table.columns]
    return "".join(",".join(map(_quoted, row)) + "\n" for row in [head, *rows])


Columns = Mapping[str, FloatArray]


def spectra_data(spectra: Sequence[Spectrum]) -> Columns:
    """Data and model of spectra, end to end."""
    records = [spectrum.record for spectrum in spectra]
    model = np.concatenate([np.asarray(spectrum.fitted.predicted) for spectrum in spectra])
    Z = np.concatenate([record.impedance for record in records])
    biases = [bias_of(record)[0] for record in records]
    bias = [
        np.full(record.points, np.nan if value is None else value)
        for record, value in zip(records, biases, strict=True)
    ]
    return {
        "bias": np.concatenate(bias),
        "frequency_Hz": np.concatenate([record.frequency for record in records]),
        "Z_real_ohm": Z.real,
        "Z_imag_ohm": Z.imag,
        "model_Z_real_ohm": model.real,
        "model_Z_imag_ohm": model.imag,
        **_spectra_bands(spectra),
    }


def _spectra_bands(spectra: Sequence[Spectrum]) -> dict[str, FloatArray]:
    """Ends of the 95 % bands of Z' and Z'', end to end; nothing where one is not known."""
    curves = [spectrum.fitted.curves for spectrum in spectra]
    known = [np.asarray(item) for item in curves if item is not None]
    if len(known) < len(curves):
        return {}
    columns = {}
    for name, parts in (("real", [c.real for c in known]), ("imag", [c.imag for c in known])):
        bands = [ends(part) for part in parts]
        columns[f"model_Z_{name}_low_ohm"] = np.concatenate([low for low, _ in bands])
        columns[f"model_Z_{name}_high_ohm"] = np.concatenate([high for _, high in bands])
    return columns


def sweeps_data(sweeps: Sequence[FittedRecord]) -> Columns:
    """Data and model of sweeps, side by side where there are several."""
    labels = distinct([rate_label(sweep_of(fitted)) for fitted in sweeps])
    columns: dict[str, FloatArray] = {}
    for fitted, label in zip(sweeps, labels, strict=True):
        sweep, (V_model, I_model) = sweep_of(fitted), model_points(fitted)
        tail = f" ({label})" if len(sweeps) > 1 else ""
        columns |= {
            f"voltage_V{tail}": sweep.voltage,
            f"current_A{tail}": sweep.current,
            f"model_voltage_V{tail}": V_model,
            f"model_current_A{tail}": I_model,
            **_band_columns(
                fitted, f"model_{'current_A' if sweep.control == 'voltage' else 'voltage_V'}{tail}"
            ),
        }
    return columns


def transient_data(fitted: FittedRecord) -> Columns:
    """Drive, response and model of a transient."""
    transient = transient_of(fitted)
    drive_unit, unit = units_of(transient)
    return {
        "time_s": transient.time,
        f"drive_{drive_unit}": transient.drive.at(transient.time),
        f"response_{unit}": transient.response,
        f"model_{unit}": np.asarray(fitted.predicted, dtype=np.float64),
        **_band_columns(fitted, f"model_{unit}"),
    }


def _band_columns(fitted: FittedRecord, name: str) -> dict[str, FloatArray]:
    """Ends of the 95 % band of the model; nothing where it is not known."""
    band = band_of(fitted)
    return {f"{name}_low": band[0], f"{name}_high": band[1]} if band else {}


def strips_data(strips: Sequence[Strip]) -> Columns:
    """Residuals in standard deviations, a pair of columns a strip and component."""
    columns: dict[str, FloatArray] = {}
    for strip in strips:
        columns[f"coordinate ({strip.label})"] = strip.coordinate
        columns |= {_titled("residual", name, strip.label): values for name, values in strip.parts}
    return columns


def autocorrelation_data(strips: Sequence[Strip]) -> Columns:
    """Autocorrelation from lag 1 on, a column a strip and component."""
    return {
        _titled("autocorrelation", name, strip.label): autocorrelation(values)
        for strip in strips
        for name, values in strip.parts
    }


def _titled(what: str, component: str, label: str) -> str:
    """Title of a column: "residual Z′ (0.55 V)"."""
    return f"{what} {component} ({label})" if component else f"{what} ({label})"


def steady_data(curves: VoltageCurves) -> Columns:
    """Steady state and impedance parameters against voltage."""
    return {
        "u_V": curves.u,
        "terminal_V": curves.terminal,
        "current_A": curves.current,
        "channel_A": curves.channel,
        "R_a_ohm": curves.R_a,
        "R_dc_ohm": curves.R_dc,
        "L_d_H": curves.L_d,
        "L_k_H": curves.L_k,
    }


def coefficients_data(curves: StabilityCurves) -> Columns:
    """Coefficients of the characteristic polynomial against voltage."""
    return {"u_V": curves.u, "c2_1/s": curves.c2, "c1_1/s2": curves.c1, "c0_1/s3": curves.c0}


def margins_data(curves: StabilityCurves) -> Columns:
    """Gain margin by circuit against voltage."""
    return {"u_V": curves.u, **{f"gain_margin_{name}": values for name, values in curves.margins.items()}}
