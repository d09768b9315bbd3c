"""The table of figures of merit: name, unit, symbol, definition and source of each; nothing else lists them.

What a figure is computed by stands beside it: a function of a loop, of a pulse train, of a spectrum or of the
spiking device, in the files of this folder. A new figure is a row here and its function there. Sources:

- [1] M. Lanza et al., Adv. Electron. Mater. 2019, 5, 1800143: which conditions a figure needs to mean
something.
- [2] J. B. Roldan et al., Adv. Intell. Syst. 2023, 5, 2200338: variability, set and reset by derivative.
- [3] L. Chua, Semicond. Sci. Technol. 2014, 29, 104001: lobes and crossing of a pinched loop.
- [4] J. Bisquert, A. Guerrero, J. Phys. Chem. Lett. 2022, 13, 3789: capacitive and inductive hysteresis.
- [5] R. S. Sanchez et al., J. Phys. Chem. Lett. 2014, 5, 2357; H.-S. Kim, N.-G. Park, ibid. 2927: hysteresis
index.
- [6] R. S. Zucker, W. G. Regehr, Annu. Rev. Physiol. 2002, 64, 355: paired-pulse facilitation.
- [7] J.-W. Jang et al., IEEE Electron Device Lett. 2015, 36, 457: non-linearity of the change of conductance.
- [8] P.-Y. Chen, X. Peng, S. Yu, IEDM 2017, 6.1.1 (NeuroSim): dynamic range, asymmetry, levels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from memfit.errors import InputError, meant

Group = Literal[
    "loop",
    "rates",
    "spectrum",
    "pair",
    "train",
    "retention",
    "pulse",
    "spiking",
    "device",
    "cycles",
    "forming",
]
"""What a figure is read from: one loop, loops at several rates, a spectrum, two pulses, pulses with reads,
one pulse with reads, any pulse, the spiking device, its parameters, loops that repeat, or the first loop of
all beside those after it."""


@dataclass(frozen=True, kw_only=True)
class FigureOfMerit:
    """A row of the table."""

    name: str
    unit: str
    """SI unit, "" for a number."""
    symbol: tuple[str, str]
    """Letter and subscript, as printed."""
    group: Group
    definition: str
    source: str = ""
    """Numbers of the list at the head of this file."""
    positive: bool = False
    """Whether its logarithm is taken for normal: intervals of ratios, times and energies are those of
    factors."""
    without: str = "the definition gives no number there"
    """Why there is a dash where data and model are there but give no number."""
    usual: bool = False
    """Whether tables of many devices have it where nobody says which."""


_ROWS = (
    FigureOfMerit(
        name="V_set",
        unit="V",
        usual=True,
        symbol=("V", "set"),
        group="loop",
        definition="voltage of the largest |d ln|I/V|/dV| of the rising branch; slopes of weighted "
        "straight lines over 0.15 of the largest voltage, looked for from a fifth of it on",
        source="2",
        without="the chord conductance changes steepest at an end of the branch: no set within the loop",
    ),
    FigureOfMerit(
        name="V_reset",
        unit="V",
        usual=True,
        symbol=("V", "reset"),
        group="loop",
        definition="the same of the falling branch",
        source="2",
        without="the chord conductance changes steepest at an end of the branch: no reset within the loop",
    ),
    FigureOfMerit(
        name="R_HRS",
        unit="ohm",
        symbol=("R", "HRS"),
        group="loop",
        definition="V/I of the rising branch at the read voltage",
        source="1",
        positive=True,
        without="the branch does not reach the read voltage",
    ),
    FigureOfMerit(
        name="R_LRS",
        unit="ohm",
        symbol=("R", "LRS"),
        group="loop",
        definition="V/I of the falling branch at the read voltage",
        source="1",
        positive=True,
        without="the branch does not reach the read voltage",
    ),
    FigureOfMerit(
        name="on_off",
        unit="",
        usual=True,
        symbol=("k", "on/off"),
        group="loop",
        definition="R_HRS/R_LRS at the read voltage; below 1 where the falling branch carries less",
        source="1",
        positive=True,
        without="the branches do not reach the read voltage",
    ),
    FigureOfMerit(
        name="memory_window",
        unit="A",
        symbol=("ΔI", "read"),
        group="loop",
        definition="current of the falling less that of the rising branch at the read voltage",
        source="1",
        without="the branches do not reach the read voltage",
    ),
    FigureOfMerit(
        name="loop_area",
        unit="W",
        usual=True,
        symbol=("S", "loop"),
        group="loop",
        definition="integral of I dV along the loop: positive where the rising branch carries more "
        "(capacitive), negative where the falling one does (inductive)",
        source="3, 4",
    ),
    FigureOfMerit(
        name="lobes",
        unit="",
        symbol=("n", "lobes"),
        group="loop",
        definition="parts of the loop between crossings of the branches, each of at least a twentieth of the "
        "area between the branches",
        source="3",
    ),
    FigureOfMerit(
        name="crossing",
        unit="V",
        symbol=("V", "cross"),
        group="loop",
        definition="voltage at which the branches cross, between two lobes; the first one in voltage",
        source="3",
        without="the branches do not cross",
    ),
    FigureOfMerit(
        name="hysteresis_index",
        unit="",
        symbol=("HI", "area"),
        group="loop",
        definition="(falling - rising)/(falling + rising) of the areas under the branches",
        source="5",
    ),
    FigureOfMerit(
        name="hysteresis_index_half",
        unit="",
        symbol=("HI", "half"),
        group="loop",
        definition="(I_falling - I_rising)/I_falling at half of the largest voltage",
        source="5",
    ),
    FigureOfMerit(
        name="hysteresis_index_span",
        unit="",
        symbol=("HI", "span"),
        group="loop",
        definition="area of the loop over the rectangle around it",
        source="5",
    ),
    FigureOfMerit(
        name="set_energy",
        unit="J",
        symbol=("E", "set"),
        group="loop",
        definition="integral of V I dt from the start of the loop to V_set",
        source="1",
        positive=True,
        without="there is no set within the loop",
    ),
    FigureOfMerit(
        name="turnover_rate",
        unit="V/s",
        symbol=("r", "turn"),
        group="rates",
        definition="scan rate at which the area of the loop changes its sign, inductive below, capacitive "
        "above; the largest where there are several; between measured loops straight in the logarithm of "
        "the rate, with their rates as interval",
        source="4",
        positive=True,
        without="the area has one sign at all rates looked at",
    ),
    FigureOfMerit(
        name="turnover_frequency",
        unit="Hz",
        symbol=("f", "turn"),
        group="spectrum",
        definition="highest frequency at which Im Y changes its sign: hysteresis of a small sine (its loop "
        "has the area pi V^2 Im Y) turns from inductive to capacitive",
        source="4",
        positive=True,
        without="Im Y has one sign at all frequencies: capacitive throughout",
    ),
    FigureOfMerit(
        name="PPF",
        unit="",
        usual=True,
        symbol=("PPF", ""),
        group="pair",
        definition="A2/A1 of two equal pulses: mean current in the last tenth of each, less that before the "
        "first",
        source="6",
        positive=True,
    ),
    FigureOfMerit(
        name="PPF_change",
        unit="",
        symbol=("PPF", "Δ"),
        group="pair",
        definition="(A2 - A1)/A1 of the same pulses: the other definition in use, PPF - 1",
        source="6",
    ),
    FigureOfMerit(
        name="tau_d_rest",
        unit="s",
        symbol=("τ", "d"),
        group="device",
        definition="relaxation time of the channel current: one of the two times with which facilitation "
        "fades",
        source="4",
        positive=True,
    ),
    FigureOfMerit(
        name="tau_f_rest",
        unit="s",
        symbol=("τ", "f"),
        group="device",
        definition="relaxation time of the activation at the base of the pulses: the other one",
        source="4",
        positive=True,
    ),
    FigureOfMerit(
        name="alpha_P",
        unit="",
        symbol=("α", "P"),
        group="train",
        definition="alpha of G = ((G_N^alpha - G_1^alpha) w + G_1^alpha)^(1/alpha), w = 0..1, by least "
        "squares over the reads of potentiation; 1 is a straight line",
        source="7",
        without="the conductances are not positive, do not change, or are more bent than the law can be",
    ),
    FigureOfMerit(
        name="alpha_D",
        unit="",
        symbol=("α", "D"),
        group="train",
        definition="the same over the reads of depression",
        source="7",
        without="the conductances are not positive, do not change, or are more bent than the law can be",
    ),
    FigureOfMerit(
        name="asymmetry",
        unit="",
        symbol=("Δα", ""),
        group="train",
        definition="|alpha_P - alpha_D|",
        source="7, 8",
        without="one of the two is not known",
    ),
    FigureOfMerit(
        name="dynamic_range",
        unit="",
        symbol=("G", "max/min"),
        group="train",
        definition="largest over smallest conductance of the reads",
        source="8",
        positive=True,
    ),
    FigureOfMerit(
        name="levels",
        unit="",
        symbol=("n", "levels"),
        group="train",
        definition="levels of conductance that one read tells apart: 1 + span/(4 standard deviations of a "
        "read), at most one a pulse",
        source="8",
        without="the noise of a read is not known",
    ),
    FigureOfMerit(
        name="energy_per_pulse",
        unit="J",
        usual=True,
        symbol=("E", "pulse"),
        group="pulse",
        definition="integral of V I dt over the first pulse",
        source="1",
        positive=True,
        without="fewer than three samples lie in the pulse, or it gives energy back",
    ),
    FigureOfMerit(
        name="fading_time",
        unit="s",
        usual=True,
        symbol=("t", "1/2"),
        group="retention",
        definition="time after a pulse at which half of the change of conductance is left, as reads show it, "
        "from the first read on; a time of the model within what was asked for, never an extrapolation to "
        "years",
        source="1",
        positive=True,
        without="half of the change is still there at the last read, or none was left at the first",
    ),
    FigureOfMerit(
        name="retention_time",
        unit="s",
        symbol=("t", "1/10"),
        group="retention",
        definition="the same for a tenth",
        source="1",
        positive=True,
        without="more than a tenth of the change is still there at the last read",
    ),
    FigureOfMerit(
        name="threshold_current",
        unit="A",
        usual=True,
        symbol=("I", "th"),
        group="spiking",
        definition="least constant current at which the steady state is unstable (lower Hopf point)",
        source="4",
        positive=True,
        without="the device has no Hopf point under a current source",
    ),
    FigureOfMerit(
        name="spiking_frequency",
        unit="Hz",
        symbol=("f", "spike"),
        group="spiking",
        definition="frequency of the stable limit cycle at a constant current",
        source="4",
        positive=True,
        without="the device has no stable limit cycle at this current",
    ),
    FigureOfMerit(
        name="spike_amplitude",
        unit="V",
        symbol=("V", "spike"),
        group="spiking",
        definition="greatest less least terminal voltage of the limit cycle",
        source="4",
        positive=True,
        without="the device has no stable limit cycle at this current",
    ),
    FigureOfMerit(
        name="energy_per_spike",
        unit="J",
        symbol=("E", "spike"),
        group="spiking",
        definition="integral of V I dt over one period",
        source="1, 4",
        positive=True,
        without="the device has no stable limit cycle at this current",
    ),
    FigureOfMerit(
        name="forming",
        unit="V",
        symbol=("ΔV", "forming"),
        group="forming",
        definition="V_set of the first loop less the mean of the loops after it at the same rate: forming is "
        "seen where the 95 % interval, which the scatter of those after it gives, lies above 0",
        source="1, 2",
        without="fewer than two of the loops after the first have a set, or the first has none",
    ),
    FigureOfMerit(
        name="cycle_to_cycle",
        unit="",
        symbol=("CV", "set"),
        group="cycles",
        definition="standard deviation over mean of V_set over loops that repeat the same drive",
        source="1, 2",
        without="fewer than three of the loops have a set",
    ),
    FigureOfMerit(
        name="endurance",
        unit="",
        symbol=("k", "last/first"),
        group="cycles",
        definition="on/off ratio of the last over that of the first of the loops that repeat the same drive",
        source="1",
        positive=True,
        without="the branches do not reach the read voltage",
    ),
)

FIGURES_OF_MERIT: Mapping[str, FigureOfMerit] = MappingProxyType({row.name: row for row in _ROWS})
"""The rows of the table, by name."""


def rows_of(group: Group) -> tuple[FigureOfMerit, ...]:
    """The figures read from one kind of record.

    Parameters
    ----------
    group : Group
    """
    return tuple(row for row in _ROWS if row.group == group)


def chosen(names: Sequence[str] = ()) -> tuple[FigureOfMerit, ...]:
    """Figures by name, in the order of the table.

    Parameters
    ----------
    names : sequence of str
        Those wanted; the usual ones without any; "all" or "none" alone.

    Raises
    ------
    InputError
        There is no such figure.
    """
    if not names:
        return tuple(row for row in _ROWS if row.usual)
    if list(names) in (["all"], ["none"]):
        return _ROWS if names[0] == "all" else ()
    for name in names:
        if name not in FIGURES_OF_MERIT:
            raise InputError(
                f"Expected a figure of merit, found {name!r}; {meant(name, list(FIGURES_OF_MERIT), most=3)}"
            )
    return tuple(row for row in _ROWS if row.name in names)
