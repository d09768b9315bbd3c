"""What the data say beyond the estimates: other intervals, what can be known, what to measure next.

Profiles (least chi2 against one quantity), refits and draws side by side with the linear intervals;
combinations of parameters from best to worst known, and the models that were compared; forecasts.
"""

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from memfit.arrays import FloatArray
from memfit.confidence import Z
from memfit.fitting import Direction, FitResult, Identifiability, ModelChoice, Profile, SampleSet
from memfit.model import PARAMETERS
from memfit.reporting.content import (
    COLUMNS,
    FIGURE_WORDS,
    HEADINGS,
    METHODS,
    MODEL,
    PROFILE_CLASS,
    PROFILE_TITLES,
    PROFILED,
    SENTENCES,
    SYMBOLS,
    Block,
    Bullets,
    Cell,
    Column,
    Panel,
    Panels,
    Paragraph,
    Report,
    Section,
    Table,
    capitalised,
    counted,
    listed,
    table_of,
)
from memfit.reporting.figures.marks import (
    GREY,
    INK,
    PALE,
    VERMILLION,
    Margins,
    curve,
    dots,
    place_axes,
    write,
)
from memfit.reporting.figures.ticks import linear_axis, log_axis
from memfit.reporting.fit.summary import given_names
from memfit.reporting.numbers import MISSING, fixed, interval, percent, quantity, quantity_digits, scale_for

if TYPE_CHECKING:  # the report of a fit is drawn without the machinery of plans
    from memfit.analysis.design import NextMeasurements

_SIZE = (44.0, 40.0)
"""Width and height of a profile, mm."""
_NOTHING = 5.0
"""Standard error of a logarithm from which nothing is known."""
_MAIN = 0.3
"""Size of a component, relative to the largest, from which it is named."""


def quantity_label(name: str) -> str:
    """What a profiled quantity is called: a parameter by its name, the rest in words.

    Parameters
    ----------
    name : str
        Such as "R_s" or "current.gain_margin".
    """
    circuit, _, what = name.partition(".")
    return PROFILED[what].format(circuit=circuit) if what in PROFILED else name


def interval_blocks(result: FitResult) -> tuple[Block | None, ...]:
    """What profiles and samples say; nothing where there are none."""
    profiles, bootstrap, posterior = result.profiles, result.bootstrap, result.posterior
    if not (profiles or bootstrap or posterior):
        return ()
    said = []
    if profiles:
        differ = listed([quantity_label(name) for name, profile in profiles.items() if not profile.agrees])
        verdict = (
            f"; the linear interval says otherwise of {differ}."
            if differ
            else ", all as the linear interval says."
        )
        said.append(counted(len(profiles), "profile") + verdict)
    if bootstrap:
        said.append(f"Bootstrap: {bootstrap.message}")
    if posterior:
        accepted = percent(posterior.acceptance or 0.0)
        said.append(f"Posterior: {posterior.message} {accepted} of the proposals were taken.")
    return (
        Bullets(tuple(said)),
        intervals_table(result),
        Paragraph(SENTENCES["profiles"]) if profiles else None,
        Panels(tuple(_profile_panel(name, profile) for name, profile in profiles.items())),
        convergence_table(posterior),
    )


def intervals_table(result: FitResult) -> Table | None:
    """95 % intervals of every fitted quantity by each method; None where only the linear one was used.

    Parameters
    ----------
    result : FitResult
    """
    samples = {"bootstrap": result.bootstrap, "posterior": result.posterior}
    used = ["linear", *(["profile"] if result.profiles else []), *(m for m, s in samples.items() if s)]
    if len(used) == 1:
        return None
    estimates = {**result.parameters, **result.nuisance}
    names = dict.fromkeys([*(n for n, e in estimates.items() if e.status != "fixed"), *result.profiles])
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        unit, ends = _intervals(result, name, samples)
        cells = [interval(ends.get(method), unit or "1") for method in used]
        verdict = PROFILE_CLASS[result.profiles[name].kind] if name in result.profiles else MISSING
        rows.append((quantity_label(name), *cells, *([verdict] if result.profiles else [])))
    methods = (Column(METHODS[method], "number") for method in used)
    columns: list[str | Column] = ["symbol", *methods, *(["profile_says"] if result.profiles else [])]
    return table_of("intervals", columns, rows)


def _intervals(
    result: FitResult, name: str, samples: Mapping[str, SampleSet | None]
) -> tuple[str, dict[str, tuple[float | None, float | None] | None]]:
    """Unit and intervals of one quantity, by method."""
    unit, ends = "1", {}
    estimate = {**result.parameters, **result.nuisance}.get(name)
    unknown = estimate is not None and estimate.status == "undetermined"
    if estimate is not None:
        unit, ends["linear"] = estimate.unit, estimate.ci95
    if name in result.profiles:
        profile = result.profiles[name]
        unit, ends["linear"] = profile.unit, None if unknown else profile.linear_ci95
        ends["profile"] = profile.ci95
    for method, sample in samples.items():
        if method == "bootstrap" and unknown:  # refits stay near where they start
            continue
        if sample and name in sample.estimates:
            ends[method] = sample.estimates[name].ci95
    return unit, ends


def convergence_table(sample: SampleSet | None) -> Table | None:
    """Autocorrelation, agreement and effective samples of a chain; None where there is none.

    Parameters
    ----------
    sample : SampleSet or None
        The posterior; a bootstrap has no convergence.
    """
    if sample is None or not sample.convergence:
        return None
    rows = tuple(
        (
            name,
            quantity_digits(item.autocorrelation_time, "1", 2),
            fixed(item.r_hat, 3),
            fixed(item.effective_samples, 0),
        )
        for name, item in sample.convergence.items()
    )
    columns = ("symbol", "autocorrelation_time", "r_hat", "effective_samples")
    return table_of("convergence", columns, rows)


def _profile_panel(name: str, profile: Profile) -> Panel:
    """One profile, titled by the name of a parameter, which is drawn as its symbol, or by a few words."""
    words, what = FIGURE_WORDS["profile"], quantity_label(name)
    circuit, _, kind = name.partition(".")
    title = f"{PROFILE_TITLES[kind]}, {circuit}" if kind in PROFILE_TITLES else name
    value, rise = profile_curve(profile)
    parabola = linear_curve(profile, value)
    return Panel(
        key=f"profile_{name.replace('.', '_')}",
        draw=partial(profile_figure, profile=profile, label=title),
        caption=words.caption.format(
            what=what if name in SYMBOLS else capitalised(what),
            says=profile.message[:1].lower() + profile.message[1:].rstrip("."),
        ),
        alt=words.alt.format(what=what),
        width=_SIZE[0],
        height=_SIZE[1],
        data={
            "value": value,
            "chi2_rise": rise,
            **({} if parabola is None else {"linear_rise": parabola}),
            "computed_value": np.array(profile.value),
            "computed_rise": np.array(profile.rise),
            "threshold": np.array([profile.threshold]),
        },
    )


def knowledge_blocks(result: FitResult) -> tuple[Block, ...]:
    """What the data can and cannot tell, and which model was chosen; none for results of older versions."""
    blocks: list[Block] = []
    if result.model_choice is not None:
        blocks += [Paragraph(result.model_choice.sentence), _models_table(result.model_choice)]
    if result.identifiability is not None:
        known = result.identifiability
        blocks += [Bullets(known_sentences(result)), _combinations_table(known), _directions_table(known)]
    return tuple(blocks)


def _directions_table(known: Identifiability) -> Table:
    """The singular vectors, best known first."""
    rows = tuple(
        (str(k + 1), _made_of(direction), _error_text(direction.stderr))
        for k, direction in enumerate(known.directions)
    )
    columns = (Column("", "number"), "direction", "known_to")
    return table_of("directions", columns, rows)


def _made_of(direction: Direction) -> str:
    """The main parameters of a direction with their exponents: "tau_d, tau_k (−0.9)".

    Exponents are relative to the largest, which is 1.
    """
    parts = sorted(direction.weights.items(), key=lambda item: -abs(item[1]))
    largest = parts[0][1]
    named = [(name, w / largest) for name, w in parts if abs(w) > _MAIN * abs(largest)]
    return ", ".join(name if w > 0.995 else f"{name} ({fixed(w, 1)})" for name, w in named)


def _error_text(stderr: float) -> str:
    """A standard error of a logarithm: per cent, a factor, or nothing."""
    if stderr >= _NOTHING:
        return MISSING
    if stderr < 0.5:
        return f"{quantity_digits(100.0 * stderr, '1', 2)} %"
    return f"× {quantity_digits(math.exp(stderr), '1', 2)}"


def _combinations_table(known: Identifiability) -> Table:
    """What is known although its parts are not."""
    rows = tuple(
        (
            item.text,
            quantity(item.value, item.unit or "1", item.value * item.stderr),
            _error_text(item.stderr),
            ", ".join(name for name in item.parameters if name in known.open),
        )
        for item in known.combinations
    )
    columns = ("combination", "estimate", "known_to", "not_alone")
    return table_of("combinations", columns, rows)


def _models_table(choice: ModelChoice) -> Table:
    """The models that were compared."""
    chi2, aic, bic = (min(getattr(c, key) for c in choice.candidates) for key in ("chi2", "aic", "bic"))
    rows = tuple(
        (
            MODEL.get(c.model, c.model),
            str(c.free),
            quantity_digits(c.chi2 - chi2, "1", 3),
            MISSING if c.probability is None else percent(c.probability),
            quantity_digits(c.aic - aic, "1", 3),
            quantity_digits(c.bic - bic, "1", 3),
        )
        for c in choice.candidates
    )
    above = COLUMNS["rise"].lower()
    columns = (
        Column(COLUMNS["model"], "prose"),
        "free",
        Column(f"χ², {above}", "number"),
        "chance",
        Column(f"AIC, {above}", "number"),
        Column(f"BIC, {above}", "number"),
    )
    return table_of("models", columns, rows)


def known_sentences(result: FitResult) -> tuple[str, ...]:
    """What the data can and cannot tell, in sentences.

    Parameters
    ----------
    result : FitResult
    """
    said = result.identifiability.sentences if result.identifiability else ()
    named = (item.sentence for item in result.known if item.expression not in " ".join(said))
    return (*named, *said)


def plan_report(plan: "NextMeasurements", result: FitResult | None = None) -> Report:
    """What to measure next: sentences, and every measurement with the errors that it would leave.

    Parameters
    ----------
    plan : NextMeasurements
    result : FitResult, optional
        What it was made from: names the device.
    """

    def written(name: str, stderr: float) -> str:
        """A standard error: that of a parameter fitted in units of V_m in its own, else relative."""
        if stderr >= _NOTHING:
            return "open"
        row = PARAMETERS[name]
        if row.scale == "in V_m":
            return quantity_digits(stderr * plan.values["V_m"], row.unit, 2)
        return _error_text(stderr)

    name = "" if result is None else str(result.device.get("name") or "Device")
    if not plan.forecasts:  # the model does not describe the device
        section = Section("next", HEADINGS["next"], (Bullets(plan.sentences),))
        return Report(title=name, subtitle="", answers=(), sections=(section,), footer="")
    state = (
        SENTENCES["plan_open"].format(names=listed(plan.undetermined))
        if plan.undetermined
        else SENTENCES["plan_known"].format(name=plan.worst)
    )
    rows = [("now", *(written(name, stderr) for name, stderr in plan.now.items()), "")]
    for forecast in plan.forecasts:
        errors = (written(name, forecast.typical[name]) for name in plan.now)
        rows.append((capitalised(forecast.text), *errors, ", ".join(forecast.settles)))
    columns: list[str | Column] = ["experiment", *(Column(name, "number") for name in plan.now), "settles"]
    return Report(
        title=name,
        subtitle="",
        answers=(),
        sections=(
            Section("next", HEADINGS["next"], (Paragraph(state), Bullets(plan.sentences))),
            Section("forecasts", HEADINGS["forecasts"], (table_of("forecasts", columns, rows),)),
        ),
        footer="",
        names=frozenset() if result is None else given_names(result),
    )


_HIGHEST = 1.6
"""Top of the picture, in thresholds."""
_POINTS = 40
"""Of the drawn curve between two computed points."""
_TITLE = 1.14
"""Height of the title, of that of the axes."""
_WIDE = 4.0
"""Ratio of the largest to the smallest value from which the axis is logarithmic."""


def profile_figure(figure: Figure, profile: Profile, label: str) -> None:
    """One profile with its threshold, its interval (to the edge where it is open) and the linear parabola.

    Parameters
    ----------
    figure : Figure
        Empty.
    profile : Profile
    label : str
        Names the quantity.
    """
    (axes,) = place_axes(figure, [1], Margins(left=9.5, right=4.0, top=5.5, bottom=7.6))
    value, rise = profile_curve(profile)
    wide = profile.logarithmic and value[-1] > _WIDE * value[0]
    factor, unit = (1.0, profile.unit) if wide else scale_for(float(np.abs(value).max()), profile.unit)
    shown = value * factor
    if wide:
        log_axis(axes, "x", (float(shown[0]), float(shown[-1])), 4)
    else:
        linear_axis(axes, "x", (float(shown[0]), float(shown[-1])), 2)
        axes.ticklabel_format(axis="x", useOffset=False, style="plain")
    top = _HIGHEST * profile.threshold
    linear_axis(axes, "y", (0.0, top), 4)
    ends = [
        edge if end is None else end * factor for end, edge in zip(profile.ci95, axes.get_xlim(), strict=True)
    ]
    axes.fill_between(np.array(ends), np.zeros(2), np.full(2, top), color=PALE, linewidth=0, zorder=0)
    axes.axhline(profile.threshold, color=INK, linewidth=0.5, linestyle=(0, (4, 2)))
    parabola = linear_curve(profile, value)
    if parabola is not None:
        curve(axes, shown, parabola, GREY, linewidth=0.8, linestyle=(0, (1.5, 1.5)))
    curve(axes, shown, rise, VERMILLION, linewidth=1.0)
    computed = np.array(profile.value) * factor
    dots(axes, computed, np.array(profile.rise), VERMILLION, 2.6)
    write(axes, 0.0, _TITLE, label)
    axes.set_xlabel(unit, labelpad=1)
    axes.set_ylabel("χ² − min", labelpad=1)


def profile_curve(profile: Profile) -> tuple[FloatArray, FloatArray]:
    """The profile between its computed points: cubics with the exact slopes, straight where one overshoots.

    Parameters
    ----------
    profile : Profile

    Returns
    -------
    value, rise : (n,) array
        SI, and above the least chi2.
    """
    value = np.array(profile.value)
    c = np.log(value) if profile.logarithmic else value
    t, h = np.linspace(0.0, 1.0, _POINTS)[1:], np.diff(c)[:, None]
    rise, slope = np.array(profile.rise)[:, None], np.array(profile.slope)[:, None]
    start, end = rise[:-1], rise[1:]
    cubic = (
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * h * slope[:-1]
        + (3 * t**2 - 2 * t**3) * end
        + (t**3 - t**2) * h * slope[1:]
    )
    room = 0.5 * np.abs(end - start) + 1e-9
    beyond = (cubic < np.minimum(start, end) - room) | (cubic > np.maximum(start, end) + room)
    shown = np.where(beyond.any(axis=1, keepdims=True), start + t * (end - start), cubic)
    x = np.append(c[:1], c[:-1, None] + t * h)
    y = np.append(rise[:1], shown)
    return (np.exp(x) if profile.logarithmic else x), np.maximum(y, 0.0)


def linear_curve(profile: Profile, value: FloatArray) -> FloatArray | None:
    """What the linear fit says of the rise; None where it says nothing.

    Parameters
    ----------
    profile : Profile
    value : (n,) array, SI
    """
    if not profile.linear_error:
        return None
    away = np.log(value / profile.best) if profile.logarithmic else value - profile.best
    result: FloatArray = profile.threshold * (away / (Z * profile.linear_error)) ** 2
    return result
