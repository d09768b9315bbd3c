"""What to measure next, as sections of words and tables."""

from memfit.analysis.design.plan import Forecast, NextMeasurements
from memfit.fitting.result import FitResult
from memfit.reporting.content import Bullets, Column, Paragraph, Report, Section, Table
from memfit.reporting.fit.intervals import NOTHING, error_text
from memfit.reporting.numbers import quantity_digits
from memfit.reporting.text import COLUMNS, HEADINGS, SENTENCES, TABLE_CAPTIONS, capitalised, listed


def plan_report(result: FitResult, plan: NextMeasurements) -> Report:
    """The plan as a report of two sections.

    Parameters
    ----------
    result : FitResult
        What the plan was made from.
    plan : NextMeasurements
    """
    state = (
        SENTENCES["plan_open"].format(names=listed(list(plan.undetermined)))
        if plan.undetermined
        else SENTENCES["plan_known"].format(name=plan.worst)
    )
    first = Section("next", HEADINGS["next"], (Paragraph(state), Bullets(plan.sentences)))
    second = Section("forecasts", HEADINGS["forecasts"], (forecasts_table(plan),))
    title = str(result.device.get("name") or "Device")
    return Report(title=title, subtitle="", answers=(), sections=(first, second), footer="")


def forecasts_table(plan: NextMeasurements) -> Table:
    """Every experiment with the errors it would leave."""
    names = list(plan.now)
    now = tuple(_error(name, plan, plan.now[name]) for name in names)
    rows = [("now", *now, "")]
    rows += [_forecast_row(forecast, names, plan) for forecast in plan.forecasts]
    columns = (
        Column(COLUMNS["experiment"], "prose"),
        *(Column(name, "number") for name in names),
        Column(COLUMNS["settles"], "text"),
    )
    return Table("forecasts", TABLE_CAPTIONS["forecasts"], columns, tuple(rows))


def _forecast_row(forecast: Forecast, names: list[str], plan: NextMeasurements) -> tuple[str, ...]:
    """One experiment."""
    errors = (_error(name, plan, forecast.typical[name]) for name in names)
    return capitalised(forecast.text), *errors, ", ".join(forecast.settles)


def _error(name: str, plan: NextMeasurements, error: float) -> str:
    """A standard error: V_T in volt, else in per cent or as a factor."""
    if error >= NOTHING:
        return "open"
    if name == "V_T":
        return quantity_digits(error * plan.values["V_m"], "V", 2)
    return error_text(error)
