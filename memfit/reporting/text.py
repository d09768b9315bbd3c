"""All words of a report but those of its figures: symbols, headings, columns, a sentence for every status.

Sentences hold plain names of quantities (`R_b`, `tau_d`); the writer of each format sets them as symbols.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Symbol:
    """How a quantity is written, and what it is."""

    base: str
    """The letter, in Unicode."""
    index: str
    """The subscript, upright; may be empty."""
    meaning: str


SYMBOLS = {
    "u": Symbol("u", "", "voltage across the junction"),
    "R_b": Symbol("R", "b", "leakage resistance"),
    "C_m": Symbol("C", "m", "membrane capacitance"),
    "i_c0": Symbol("i", "c0", "saturation current of the memory channel"),
    "V_T": Symbol("V", "T", "threshold voltage of the activation"),
    "V_m": Symbol("V", "m", "width of the activation in voltage"),
    "tau_d": Symbol("τ", "d", "relaxation time of the channel current"),
    "tau_k": Symbol("τ", "k", "kinetic time of the activation"),
    "R_s": Symbol("R", "s", "series resistance"),
    "L_s": Symbol("L", "s", "inductance of the wiring"),
    "tau_m": Symbol("τ", "m", "charging time, R_b C_m"),
    "A_max": Symbol("A", "max", "largest R_b/R_a: loop gain of the memory"),
    "R_a": Symbol("R", "a", "differential resistance of the channel"),
    "R_dc": Symbol("R", "dc", "differential dc resistance"),
    "L_d": Symbol("L", "d", "chemical inductance of the channel"),
    "L_k": Symbol("L", "k", "chemical inductance of the activation"),
    "R_load": Symbol("R", "load", "resistance added in series with the device"),
    "R_shunt": Symbol("R", "shunt", "resistance added across the device"),
    "C_external": Symbol("C", "ext", "capacitance added across the device"),
    "omega_H": Symbol("ω", "H", "angular frequency at the Hopf point"),
    "c0": Symbol("c", "0", "constant coefficient of the characteristic polynomial"),
    "c1": Symbol("c", "1", "linear coefficient of the characteristic polynomial"),
    "c2": Symbol("c", "2", "quadratic coefficient of the characteristic polynomial"),
}

_TERM = r"gain_[a-z]+|delay_\d+|edge_\d+_\d+|[uif]_0_\d+"
_NAME = re.compile(
    r"(?<![\w.])(" + "|".join([_TERM, *sorted(SYMBOLS, key=len, reverse=True)]) + r")(?![\w]|\.\w)"
)


def split_symbols(text: str) -> Iterator[tuple[str, Symbol | None]]:
    """Pieces of a sentence in order: plain text with None, and names of quantities with their symbol."""
    for place, piece in enumerate(_NAME.split(text)):
        if piece:
            yield piece, symbol_of(piece) if place % 2 else None


def symbol_of(name: str) -> Symbol | None:
    """The symbol of a quantity; those of the instruments' terms carry the number of their record, from 1."""
    if name in SYMBOLS:
        return SYMBOLS[name]
    head, *numbers = re.split(r"_(?=\d)", name)
    if head.startswith("gain_"):
        return Symbol("g", KIND_INDEX.get(head.removeprefix("gain_"), head), "")
    base = TERM_LETTERS.get(head)
    if base is None or not numbers or not all(number.isdecimal() for number in numbers):
        return None
    zero = numbers[:1] if head in ("u", "i", "f") else []
    from_one = [str(int(number) + 1) for number in numbers[len(zero) :]]
    return Symbol(base, ",".join([*zero, *from_one]), "")


def meaning(name: str, records: Sequence[str] = ()) -> str:
    """What a quantity is; empty for a name that has no entry.

    Parameters
    ----------
    name : str
        Of a parameter, or of a quantity of an instrument: `gain_KIND`, `edge_K_J` (jump J of record K),
        `u_0_K`, `i_0_K`, `f_0_K`.
    records : sequence of str
        Names of the records, by the number K.
    """
    if name in SYMBOLS:
        return SYMBOLS[name].meaning
    found = _OF_RECORD.fullmatch(name)
    if found and int(found["record"]) < len(records):
        jump = int(found["jump"] or 0) + 1
        return OF_RECORD[found["what"]].format(record=records[int(found["record"])], jump=jump)
    kind = name.removeprefix("gain_")
    return GAIN.format(kinds=KINDS[kind]) if name.startswith("gain_") and kind in KINDS else ""


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: "1 spectrum", "8 spectra"."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def capitalised(text: str) -> str:
    """The text with a capital at its head, the rest as it is."""
    return text[:1].upper() + text[1:]


def distinct(labels: Sequence[str]) -> list[str]:
    """Labels that tell their members apart: those that occur more than once are numbered from 1."""
    times = Counter(labels)
    return [
        f"{label} #{labels[: place + 1].count(label)}" if times[label] > 1 else label
        for place, label in enumerate(labels)
    ]


def listed(items: list[str]) -> str:
    """Items as in a sentence: "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


TERM_LETTERS = {"edge": "δ", "delay": "Δ", "u": "u", "i": "i", "f": "f"}
KIND_INDEX = {"impedance": "Z", "iv": "IV", "transient": "t"}
_OF_RECORD = re.compile(r"(?P<what>edge|delay|u_0|i_0|f_0)_(?P<record>\d+)(?:_(?P<jump>\d+))?")
OF_RECORD = {
    "edge": "time of jump {jump} of {record}, counted from the first sample after it",
    "delay": "shift of the time axis of {record}",
    "u_0": "first voltage across the junction in {record}",
    "i_0": "first channel current in {record}",
    "f_0": "first activation in {record}",
}
CROSSES = "; crosses were left out of the fit"
BEYOND = "; {points} near a resonance {lie} outside the frame"
BAND = "; a band, where wide enough to be seen, holds the model curve with 95 %"
GAIN = "gain of the instrument of the {kinds}, relative to the reference"

QUESTIONS = {
    "parameters": "What are the parameters?",
    "trust": "Can I trust them?",
    "spiking": "Will it spike?",
}

STATUS_OF_ESTIMATE = {
    "determined": "determined",
    "weak": "weakly determined",
    "undetermined": "not determined",
    "fixed": "fixed",
    "at_bound": "at its bound",
}

QUALIFIED = {
    "undetermined": "Not determined by these data",
    "weak": "Weakly determined",
    "at_bound": "At its bound",
    "fixed": "Held fixed",
}

TRUST = {
    "ok": "Yes.",
    "at_bound": "In part: a parameter ended at its bound.",
    "not_identifiable": "Not all: the data do not determine every parameter.",
    "reserved": "Yes, with the reservations below.",
    "not_converged": "No: the fit did not converge.",
    "poor_fit": "With care: the model does not describe all of the data.",
}

TONE = {
    "ok": "good",
    "at_bound": "care",
    "not_identifiable": "care",
    "not_converged": "bad",
    "poor_fit": "care",
}

VERDICT = {
    "oscillates": "Yes, under {circuit}.",
    "near": "Nearly: it is close to the threshold under {circuit}.",
    "stable": "No: it is stable under every circuit examined.",
    "undetermined": "The data do not say.",
    "": "Not examined.",
}

CIRCUIT = {"current": "current control", "voltage": "voltage control through R_s"}

MODEL = {
    "3d": "three-dimensional model (capacitance, channel current, activation)",
    "2d": "two-dimensional model (capacitance, channel current; the activation follows at once)",
    "2d-mirror": "mirror two-dimensional model (capacitance, activation; the current follows at once)",
}

KIND = {"impedance": "impedance spectrum", "iv": "I-V sweep", "transient": "pulse transient"}
KINDS = {"impedance": "impedance spectra", "iv": "I-V sweeps", "transient": "pulse transients"}

HEADINGS = {
    "overview": "Overview",
    "parameters": "Parameters",
    "intervals": "Intervals by other methods",
    "impedance": "Impedance spectra",
    "iv": "Current-voltage sweeps",
    "transients": "Pulse transients",
    "residuals": "Residuals",
    "correlation": "Correlation",
    "voltage": "The device against voltage",
    "stability": "Stability",
    "verdict": "Verdict",
    "evidence": "What the data say by themselves",
    "identifiability": "What the data can and cannot tell",
    "next": "What to measure next",
    "forecasts": "What each measurement would leave",
    "starts": "First values and alternatives",
    "inputs": "What went in",
    "provenance": "How it was made",
    "late": "Long tables",
}

COLUMNS = {
    "symbol": "Symbol",
    "meaning": "Quantity",
    "estimate": "Value",
    "interval": "95 % interval",
    "status": "Status",
    "start": "First value",
    "reason": "Where it came from",
    "record": "Record",
    "kind": "Kind",
    "points": "Points",
    "used": "Used",
    "effective": "Independent points",
    "chi2": "χ²/dof",
    "noise": "Noise",
    "lag1": "Lag-1 autocorrelation",
    "bias": "Bias",
    "control": "Control",
    "sha256": "SHA-256",
    "notes": "Notes",
    "at": "Where",
    "why": "Why",
    "circuit": "Circuit",
    "u": "u (junction)",
    "V": "V (terminal)",
    "I": "I",
    "frequency": "Frequency",
    "criticality": "Onset",
    "left_out": "Without",
    "shift": "Shift",
    "hopf": "Hopf point",
    "now": "Now",
    "factor": "Factor",
    "boundary": "On the boundary",
    "decades": "In decades",
    "standard_errors": "In standard errors",
    "model": "Model",
    "model_margin": "Its margin",
    "spectrum": "Spectrum alone",
    "crossing": "Crosses Re Z < 0 at",
    "resistance": "Re Z there",
    "margin": "Gain margin of the spectrum (95 %)",
    "source": "Source",
    "period": "Period measured",
    "period_trace": "Of the model's trace",
    "period_model": "Of the limit cycle",
    "range": "Range measured",
    "profile_says": "The profile is",
    "autocorrelation_time": "Autocorrelation time (steps)",
    "r_hat": "R-hat",
    "effective_samples": "Effective samples",
    "range_trace": "Range of the model's trace",
    "range_model": "Range of the limit cycle",
    "experiment": "Measurement",
    "settles": "Settles",
    "direction": "Made of",
    "known_to": "Known to",
    "combination": "Combination",
    "not_alone": "Not known by themselves",
    "free": "Free",
    "rise": "Above the best",
    "chance": "By chance",
    "item": "Item",
    "content": "Content",
}

TABLE_CAPTIONS = {
    "parameters": (
        "Parameters of the joint fit. The digits in parentheses are the standard error of the last digits "
        "shown."
    ),
    "derived": "Derived quantities.",
    "nuisance": (
        "Quantities of the instruments, fitted along. Indices count the records in the order in which they "
        "went in, and the jumps of each."
    ),
    "goodness": (
        "How well each record is described. χ²/dof of each record is measured against the noise estimated "
        "from it. Each point of a spectrum counts as two, its real and its imaginary part."
    ),
    "correlation": "Correlation of the fitted quantities.",
    "hopf": "Hopf points: where self-sustained oscillation begins and ends.",
    "changes": (
        "What brings the device to the threshold of oscillation, one quantity at a time: a factor on a "
        "parameter, or a value added to the circuit."
    ),
    "conflicts": (
        "Where the kinds of data disagree: how far a parameter moves, in standard errors of the difference, "
        "when one kind is left out."
    ),
    "directions": (
        "Independent combinations of the parameters, best known first: the singular vectors of the Jacobian "
        "scaled to logarithms (V_T in units of V_m), corrected where it calls known what can go far. The "
        "standard error is that of the logarithm along each."
    ),
    "combinations": "Quantities that the data determine although they do not determine their parts.",
    "models": (
        "Models fitted to the same points with the same weights, correlated residuals counted as the "
        "independent points they are worth."
    ),
    "forecasts": (
        "Standard errors of the parameters now and after each measurement, the best first; the median over "
        "all places that the data allow."
    ),
    "starts": "First values of the fit.",
    "alternatives": "Other explanations of the same data.",
    "inputs": "Records that went in.",
    "excluded": "Points left out of the fit.",
    "margins": "How near it is: margins of the loop at the bias where they are smallest.",
    "recipe_spike": "What would make it oscillate, one quantity at a time.",
    "recipe_quiet": "What would stop it from oscillating, one quantity at a time.",
    "nearest": "The nearest point of the boundary when all parameters change together.",
    "cycle": "The oscillation at the most critical bias, and over the whole window.",
    "spectra_evidence": (
        "Each spectrum without a model, under current control at its bias: the device is unstable where the "
        "admittance winds around the origin, which takes a crossing of the real axis with Re Z < 0."
    ),
    "intervals": "95 % intervals of the fitted quantities by each method.",
    "convergence": (
        "Convergence of the posterior's chain: the steps after which it forgets where it was, the agreement "
        "of its parts (1 is perfect), and how many independent samples it is worth."
    ),
    "pulses_evidence": (
        "Oscillation in the measured pulses, in the trace that the fitted model gives under the same drive "
        "(read in the same way, start included), and on its limit cycle, where both would end."
    ),
    "at": "At the bias asked for.",
    "plan": "Plan of the fit.",
    "environment": "Versions and machine.",
}

METHODS = {"linear": "Linear", "profile": "Profile", "bootstrap": "Bootstrap", "posterior": "Posterior"}
PROFILE_CLASS = {
    "determined": "closed",
    "bounded_below": "open above",
    "bounded_above": "open below",
    "flat": "open on both sides",
}
PROFILED = {
    "gain_margin": "gain margin, {circuit} control",
    "u_low": "lower Hopf u, {circuit} control",
    "u_high": "upper Hopf u, {circuit} control",
}
PROFILE_TITLES = {"gain_margin": "gain margin", "u_low": "lower Hopf u", "u_high": "upper Hopf u"}

NO_BIAS = "spectrum"
NO_VALUE = "none does"
NO_WARNINGS = "No warnings of the fit."

SENTENCES = {
    "warnings": "Warnings of the fit:",
    "stability": (
        "The steady state is stable where c2, c1, c0 and c2 c1 − c0 are positive (Routh and Hurwitz); it "
        "loses stability at a Hopf point, where c2 c1 = c0. The gain margin is the loop gain R_b/R_a needed "
        "to oscillate, divided by the loop gain there is: the device is unstable where it is below 1. "
        "Stability depends on the circuit: a series or load resistance takes part in it."
    ),
    "two_lags": "This model has two lags and no Hopf point: it can ring, but not sustain an oscillation.",
    "plan_open": "Not determined now: {names}.",
    "plan_known": "All parameters are determined; {name} is known least.",
    "no_covariance": (
        "There is no covariance here, so no interval and no probability can be given; they need the "
        "result of a fit that has one."
    ),
    "profiles": (
        "Each profile shows how much χ² rises at least when one quantity is held at a value and all others "
        "are fitted again (line; dots where it was computed). Its 95 % interval (shaded) is where the rise "
        "stays below the threshold (dashed). Dotted is the parabola of the linear fit."
    ),
    "provenance": "The same fit can be run again from the plan below on the {count} listed above.",
}

GONE = "not found where the result says, nor next to it"
NOT_AT_HAND = "{missing} of {total} of the fit cannot be shown; curves and residuals of these are left out:"
REPETITION = {
    "same": "The same fit again: all {count} numbers agree to {limit} of their size.",
    "differs": (
        "The numbers differ from those of the first fit by up to {largest} of their size ({where}); "
        "expected at most {limit}."
    ),
    "lost": "Only one of the two fits has {names}.",
    "input": "{what} differs: SHA-256 {then}... then, {now}... now.",
    "version": "{what} differs: {then} then, {now} now.",
    "plan": "The plan differs in {what}: {then} then, {now} now.",
    "unexplained": "Inputs, versions and plan are the same; another machine can round differently.",
    "nothing": "nothing",
}

OVERVIEW_QUESTIONS = {
    "usable": "How many results can be used?",
    "spiking": "Which will spike?",
    "failures": "Which have no result?",
}
OVERVIEW_HEADINGS = {
    "subtitle": "Overview of a batch",
    "devices": "Devices",
    "parameters": "Parameters",
    "failures": "Without a result",
    "notes": "What to know",
}
OVERVIEW_COLUMNS = {
    "device": "Device",
    "folder": "Folder",
    "status": "Fit",
    "verdict": "Under current control",
    "margin": "Gain margin",
    "margin_interval": "95 % interval",
    "probability": "Probability that it oscillates",
    "frequency": "At the Hopf points",
    "cause": "Reason",
    "message": "What happened",
}
OVERVIEW_CAPTIONS = {
    "devices": (
        "Every device with a result. The gain margin is the loop gain needed to oscillate, divided by the "
        "loop gain there is: the device oscillates by itself where it is below 1."
    ),
    "parameters": "Parameters of the joint fits. Digits in parentheses are standard errors.",
    "failures": "Devices without a result, and why.",
}
STATUS_OF_FIT = {
    "ok": "good",
    "at_bound": "at a bound",
    "not_identifiable": "not identifiable",
    "not_converged": "not converged",
    "poor_fit": "poorly described",
}
CAUSES = {
    "input": "data",
    "time": "time limit",
    "memory": "memory limit",
    "died": "process died",
    "error": "memfit stumbled",
    "unreadable": "damaged result",
}
VERDICT_OF_DEVICE = {
    "oscillates": "oscillates",
    "near": "near",
    "stable": "stable",
    "undetermined": "not determined",
}
