"""`memfit plan`: what to measure next, and what it would buy."""

from argparse import Namespace
from pathlib import Path

from memfit.cli.console import Console, print_json
from memfit.cli.main import USABLE
from memfit.cli.text_output import report_text
from memfit.reporting.fit.intervals import plan_report
from memfit.workflow.reading import load, read_result
from memfit.workflow.stability import plan_next


def run(given: Namespace) -> int:
    """Read, simulate, tell."""
    console = Console(given.quiet, given.verbose)
    result = read_result(Path(given.result))
    device = load([Path(path) for path in given.data]) if given.data else None
    plan = plan_next(result, device)
    if given.json:
        print_json(plan.to_dict())
    else:
        print(report_text(plan_report(result, plan)))
    console.detail(
        "Forecasts rest on "
        + ", ".join(f"{name} = {value:.4g}" for name, value in plan.values.items())
        + " (SI), where the fit ended."
    )
    return USABLE
