"""Captions of the figures, and what each shows for those who cannot see it.

Words in braces are filled in by `panels`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FigureWords:
    """Words of a figure."""

    caption: str
    """Below the figure; names of quantities are set as symbols."""
    alt: str
    """Instead of the figure."""


FIGURE_WORDS = {
    "overview_impedance": FigureWords(
        caption=("Impedance at every bias: data (dots) and joint fit (lines){crosses}."),
        alt=(
            "Modulus of the impedance against frequency on logarithmic axes, one graded colour a bias, data "
            "as dots and the joint fit as lines."
        ),
    ),
    "overview_iv": FigureWords(
        caption=("Current against voltage: data (dots), joint fit (lines), steady state (dashed){crosses}."),
        alt=(
            "All current-voltage sweeps as dots with the joint fit as lines, the steady-state curve dashed; "
            "the range unstable under current control is shaded where there is one."
        ),
    ),
    "overview_gain_margin": FigureWords(
        caption=("Gain margin against the junction voltage; below 1 (shaded) the device oscillates."),
        alt=(
            "Gain margin of the fitted device against junction voltage on a logarithmic scale for each "
            "circuit; the region below 1 is shaded; dashed lines mark Hopf points."
        ),
    ),
    "nyquist": FigureWords(
        caption=("Nyquist plot of all spectra. Rings mark whole decades of frequency{crosses}."),
        alt=(
            "Negative imaginary against real part of the impedance with equal axes, one graded colour a "
            "bias, data as dots, the joint fit as lines, rings at whole decades of frequency."
        ),
    ),
    "bode": FigureWords(
        caption=("Modulus and phase of all spectra{crosses}."),
        alt=(
            "Modulus of the impedance above and negative phase below, against frequency; one graded colour a"
            " bias, data as dots, the joint fit as lines."
        ),
    ),
    "nyquist_each": FigureWords(
        caption=("{bias}; rings are labelled in Hz{crosses}."),
        alt=(
            "Nyquist plot of the spectrum at {bias}: data as dots, the joint fit as a line, labelled rings "
            "at whole decades of frequency."
        ),
    ),
    "iv": FigureWords(
        caption=(
            "{what}: data (dots) and joint fit (line), linear above, semilogarithmic below; arrows show the "
            "direction{crosses}."
        ),
        alt=(
            "Current against voltage, {what}: data as dots and the joint fit as a line with arrows in the "
            "direction of the sweep, linear above and the modulus of the current on a logarithmic scale "
            "below."
        ),
    ),
    "transient": FigureWords(
        caption=("{what}: response (dots) and joint fit (line) above, drive below{crosses}."),
        alt=(
            "Response against time for {what}: data as dots and the joint fit as a line; the drive is drawn "
            "below."
        ),
    ),
    "transient_log": FigureWords(
        caption=("{what}: response after each jump of the drive, on a logarithmic time axis."),
        alt=(
            "Response after each jump of the drive against the logarithm of the time since the jump, {what};"
            " data as dots, the joint fit as lines."
        ),
    ),
    "residuals": FigureWords(
        caption=("Residuals of the {kind} in standard deviations; bands are ±2, strips ±4.5."),
        alt=(
            "Normalised residuals of the {kind}, one strip a record, with a band of two standard deviations."
        ),
    ),
    "autocorrelation": FigureWords(
        caption=(
            "Autocorrelation of the residuals of the {kind}; bands hold 95 % of independent noise, strips "
            "±0.65."
        ),
        alt=(
            "Autocorrelation of the residuals of the {kind} against the lag in points, one strip a record, "
            "with the band of independent noise."
        ),
    ),
    "profile": FigureWords(
        caption=("{what}: {says}."),
        alt=(
            "Rise of chi-square against {what}: the profile as a line with dots, a dashed line at the "
            "threshold, the parabola of the linear fit dotted, the 95 % interval shaded."
        ),
    ),
    "steady": FigureWords(
        caption=(
            "Steady current of the fitted model and its two parts, leakage u/R_b and channel; below, the "
            "steady activation; ticks mark the biases measured."
        ),
        alt=(
            "Steady current and its parts on a logarithmic scale against the junction voltage above, steady "
            "activation below; ticks on the lower axis mark the biases at which spectra were measured."
        ),
    ),
    "resistances": FigureWords(
        caption=(
            "Resistances R_a, R_b and R_dc and chemical inductances L_d and L_k of the fitted model; ticks "
            "mark the biases measured."
        ),
        alt=(
            "Resistances above and chemical inductances below, on logarithmic scales against the junction "
            "voltage; ticks on the lower axis mark the biases at which spectra were measured."
        ),
    ),
    "coefficients": FigureWords(
        caption=(
            "Coefficients of the characteristic polynomial under current control and the Hurwitz determinant"
            " c2 c1 − c0 relative to c2 c1, which is negative where the steady state is unstable; dashed "
            "lines mark Hopf points."
        ),
        alt=(
            "Coefficients c2, c1 and c0 against junction voltage on a logarithmic scale, and below the "
            "relative Hurwitz determinant with a line at zero; dashed lines mark Hopf points."
        ),
    ),
    "gain_margin": FigureWords(
        caption=(
            "Gain margin by circuit; below 1 (shaded) the steady state is unstable; dashed lines mark Hopf "
            "points."
        ),
        alt=(
            "Gain margin of the fitted device against junction voltage on a logarithmic scale for each "
            "circuit; the region below 1 is shaded; dashed lines mark Hopf points."
        ),
    ),
    "bifurcation": FigureWords(
        caption=(
            "Bifurcation diagram under {circuit}: steady voltage across the junction and extremes of the "
            "limit cycle against the source; dashed is unstable."
        ),
        alt=(
            "Junction voltage against the setting of the source under {circuit}: the steady state as a dark "
            "line, the least and greatest voltage of the limit cycles in red, unstable parts dashed."
        ),
    ),
    "cycle_frequency": FigureWords(
        caption=(
            "Frequency of the oscillation under {circuit} against the source, and that of the complex "
            "eigenvalues at the steady state, which it meets at the Hopf points."
        ),
        alt=(
            "Frequency of the limit cycles in red and of the complex eigenvalues in grey against the setting "
            "of the source under {circuit}."
        ),
    ),
    "window_spectra": FigureWords(
        caption=(
            "Impedance under {circuit} at biases through the window, or about the most critical one; dashed "
            "where the steady state is unstable. At a Hopf point it passes through infinity."
        ),
        alt=(
            "Negative imaginary against real part of the impedance under {circuit}, one graded colour a "
            "junction voltage, unstable ones dashed."
        ),
    ),
    "circuit_coefficients": FigureWords(
        caption=(
            "Coefficients of the characteristic polynomial under {circuit} and the Hurwitz determinant "
            "c2 c1 − c0 relative to c2 c1, which is negative where the steady state is unstable; dashed "
            "lines mark Hopf points."
        ),
        alt=(
            "Coefficients c2, c1 and c0 under {circuit} against junction voltage on a logarithmic scale, and "
            "below the relative Hurwitz determinant with a line at zero; dashed lines mark Hopf points."
        ),
    ),
    "root_locus": FigureWords(
        caption=(
            "Root locus under {circuit}: the eigenvalues as the bias rises from dark to light; right of the "
            "line they grow."
        ),
        alt=(
            "Eigenvalues under {circuit} in the complex plane, graded from dark to light with the junction "
            "voltage; an upright line at zero."
        ),
    ),
    "time_courses": FigureWords(
        caption=(
            "Voltage across the junction after the source is switched on from zero under {circuit}, at the "
            "lowest, the middle and the highest of those biases."
        ),
        alt="Junction voltage against time after the source is switched on under {circuit}, three sources.",
    ),
    "load_map": FigureWords(
        caption=(
            "What the device does on a voltage source, over the bias and the load: it relaxes where white. "
            "Large loads act as current control."
        ),
        alt=(
            "Map over junction voltage and load resistance of a voltage source, with the regions that ring "
            "and that oscillate shaded."
        ),
    ),
    "gain_map": FigureWords(
        caption=(
            "Smallest gain margin under {circuit} over two parameters (those that "
            "matter most, or those asked for); the ring is the device, the ellipse its 95 % region, often "
            "smaller than the ring; below 1 the device oscillates, up to the dashed line it rings."
        ),
        alt=(
            "Map of the smallest gain margin under {circuit} over two parameters on logarithmic axes, with a "
            "ring at the device, its confidence ellipse, and a red line at the threshold."
        ),
    ),
}
