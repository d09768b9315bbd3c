"""The section of intervals beyond the linear ones: how they were made, side by side, the profiles drawn."""

from functools import partial

import numpy as np

from memfit.fitting.intervals import Profile
from memfit.fitting.result import FitResult
from memfit.reporting.captions import FIGURE_WORDS
from memfit.reporting.content import Block, Bullets, Panel, Panels, Paragraph
from memfit.reporting.figures.profiles import linear_curve, profile_curve, profile_figure
from memfit.reporting.intervaltables import convergence_table, intervals_table, quantity_label
from memfit.reporting.numbers import percent
from memfit.reporting.words import PROFILE_TITLES, SENTENCES, SYMBOLS, capitalised, counted, listed

_SIZE = (44.0, 40.0)
"""Width and height of a profile, mm."""


def interval_blocks(result: FitResult) -> tuple[Block | None, ...]:
    """What profiles and samples say; nothing where there are none."""
    if not (result.profiles or result.bootstrap or result.posterior):
        return ()
    return (
        Bullets(tuple(_sentences(result))),
        intervals_table(result),
        Paragraph(SENTENCES["profiles"]) if result.profiles else None,
        profile_panels(result),
        convergence_table(result.posterior),
    )


def _sentences(result: FitResult) -> list[str]:
    """How each kind of interval was made."""
    said = []
    if result.profiles:
        differ = [quantity_label(n) for n, p in result.profiles.items() if not p.agrees]
        said.append(
            f"{counted(len(result.profiles), 'profile')}"
            + (
                f"; the linear interval says otherwise of {listed(differ)}."
                if differ
                else ", all as the linear interval says."
            )
        )
    if result.bootstrap:
        said.append(f"Bootstrap: {result.bootstrap.message}")
    if result.posterior:
        accepted = percent(result.posterior.acceptance or 0.0)
        said.append(f"Posterior: {result.posterior.message} {accepted} of the proposals were taken.")
    return said


def profile_panels(result: FitResult) -> Panels:
    """A small figure of each profile."""
    return Panels(tuple(_panel(name, profile) for name, profile in result.profiles.items()))


def _panel(name: str, profile: Profile) -> Panel:
    """One profile."""
    words = FIGURE_WORDS["profile"]
    what = quantity_label(name)
    value, rise = profile_curve(profile)
    parabola = linear_curve(profile, value)
    return Panel(
        key=f"profile_{name.replace('.', '_')}",
        draw=partial(profile_figure, profile=profile, label=_title(name)),
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


def _title(name: str) -> str:
    """The head of a figure: the name of a parameter, which is drawn as its symbol, or a few words."""
    circuit, _, what = name.partition(".")
    if what in PROFILE_TITLES:
        return f"{PROFILE_TITLES[what]}, {circuit}"
    return name
