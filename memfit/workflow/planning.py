"""What to measure next."""

from memfit.analysis import planning
from memfit.analysis.forecasts import NextMeasurements
from memfit.datasets.device import Device
from memfit.fitting.result import FitResult


def plan_next(result: FitResult, device: Device | None = None) -> NextMeasurements:
    """What to measure next: which experiment would shrink the worst interval most, and to what.

    Parameters
    ----------
    result : FitResult
        Also one whose status is not_identifiable.
    device : Device, optional
        The data of the fit; needed only for results that do not say what their data cover.

    Raises
    ------
    InputError
        The result does not hold what is needed, or nothing can be proposed.
    """
    return planning.plan_next(result, device)
