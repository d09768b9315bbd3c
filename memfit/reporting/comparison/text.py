"""All words of a comparison of devices: questions, headings, columns, captions, sentences.

Names of quantities stand in them as in `words`; words in braces are filled in by the tables and figures.
"""

from memfit.reporting.text import FigureWords

TITLE = "Comparison of {count} devices"
KIND = "memfit comparison"

QUESTIONS = {
    "differ": "Which devices differ?",
    "drives": "What drives it?",
    "spiking": "Which will spike?",
}

HEADINGS = {
    "overview": "Overview",
    "left_out": "What takes no part",
    "ranking": "Nearest to oscillation",
    "devices": "Parameters of every device",
    "pooled": "Mean and spread",
    "forest": "Parameter by parameter",
    "differences": "Differences between devices",
    "correlations": "What goes together",
    "trends": "Trends",
    "curves": "Curves laid over each other",
}

COLUMNS = {
    "device": "Device",
    "status": "Fit",
    "area": "Area",
    "temperature": "Temperature",
    "quantity": "Quantity",
    "devices": "Devices",
    "mean": "Mean",
    "mean_ci95": "95 % interval",
    "spread": "Spread between devices",
    "spread_ci95": "Its 95 % interval",
    "predicted": "Another device (95 %)",
    "Q": "Q",
    "p": "p of no spread",
    "I2": "I²",
    "rank": "Rank",
    "verdict": "Verdict",
    "margin": "Gain margin",
    "margin_ci95": "95 % interval",
    "chance": "Probability",
    "hopf": "Unstable between",
    "frequency": "Frequency there",
    "what": "What",
    "why": "Why",
    "who": "Of",
    "pair": "Pair",
    "joint": "Any difference, p",
    "count": "Pairs that differ",
    "attribute": "Attribute",
    "law": "Law",
    "slope": "Result",
    "expected": "Expected",
    "p_trend": "p of no trend",
    "explained": "Spread explained",
    "score": "Deviation",
    "p_outlying": "p",
    "between": "Between devices",
    "between_ci95": "95 % interval",
    "within": "In the fits",
    "observed": "Of the values",
    "reason": "Remark",
}

CAPTIONS = {
    "ranking": (
        "Devices under {circuit}, the smallest gain margin first: below 1 a device oscillates by itself at "
        "some bias. The probability is that of a margin below 1, given the errors of the fit.{more}"
    ),
    "devices": (
        "Parameters; the digits in parentheses are the standard error of the fit. A dash is a parameter that "
        "the fit did not determine; one that was held fixed or ended at a bound stands in brackets and takes "
        "no part in the statistics.{more}"
    ),
    "per_area": "R_b, C_m and i_c0 of unit area, of the devices whose area is known.{more}",
    "pooled": (
        "Mean over the devices and spread between them, from a random-effects model (REML): the errors of "
        "the fits are taken out of the spread. Means of positive quantities are geometric, their spread a "
        "factor. Q is Cochran's statistic, I² the share of the variance that is between devices."
    ),
    "pooled_per_area": "The same for unit area: what the spread would be if all devices had one area.",
    "outlying": (
        "Devices that one quantity sets apart: the deviation from the mean of the others, in standard "
        "deviations of what they predict, and its p-value after correction for the number of devices."
    ),
    "differences": (
        "First over second device: ratios, and differences of V_T and R_s. Shaded where they differ: p below "
        "0.05 after Holm's correction over all pairs and parameters. The last column tests all parameters "
        "together, with their covariance."
    ),
    "counts": (
        "How many of the {pairs} pairs of devices differ (p below 0.05 after Holm's correction over all "
        "pairs and parameters).{more}"
    ),
    "between": (
        "Correlation between devices, free of the errors of the fits: what physics makes go together. Shaded "
        "by size where p is below 0.05 after Holm's correction; in brackets where it may be chance."
    ),
    "within": (
        "Mean correlation of the errors in the fits: what the measurements cannot tell apart. It says "
        "nothing about the devices."
    ),
    "strongest": "The strongest correlations between devices, with what the plain values would suggest.",
    "area": "Scaling with the area. A uniform junction has the exponent −1 of R_b and +1 of C_m and i_c0.",
    "temperature": (
        "Temperature: activation energies of what is positive, by Arrhenius (positive where the quantity "
        "falls as the temperature rises); V_T and R_s change linearly."
    ),
    "attributes": "Attributes of the devices; those with p below 0.05 first.{more}",
    "left_out": "Results, parameters and attributes that take no part, and why.{more}",
}

FIGURES = {
    "forest": FigureWords(
        caption=(
            "{quantity}: value and 95 % interval of each device, pooled mean (diamond, dashed) and the range "
            "predicted for another device (band); outlying devices in red."
        ),
        alt=(
            "Forest plot of {quantity}: a row for each device with its value and 95 percent interval, the "
            "pooled mean as a diamond below and the predicted range as a band."
        ),
    ),
    "ordered": FigureWords(
        caption=(
            "{quantity} of {count} devices in the order of their values, with their 95 % intervals (grey), "
            "the pooled mean (dashed) and the range predicted for another device (band); outlying devices in "
            "red."
        ),
        alt=(
            "Values of {quantity} of {count} devices in increasing order with their intervals, the pooled "
            "mean as a dashed line and the predicted range as a band."
        ),
    ),
    "margins": FigureWords(
        caption=(
            "Smallest gain margin under {circuit} with its 95 % interval; left of the red line a device "
            "oscillates."
        ),
        alt="Gain margin of each device under {circuit} with its 95 percent interval and a line at 1.",
    ),
    "plane": FigureWords(
        caption=(
            "Every device on one map, under current control: the loop gain R_b/R_a at its most critical "
            "bias, and the loop gain that oscillation takes there, at least 8 (dashed). Below the red line "
            "devices oscillate; the distance to it is the gain margin.{outlines}"
        ),
        alt=(
            "Map of the loop gain needed to oscillate against the loop gain of each device, logarithmic "
            "axes, with the diagonal below which devices oscillate."
        ),
    ),
    "currents": FigureWords(
        caption="Steady current of the fitted devices{which}.",
        alt="Steady current against voltage on a logarithmic scale, one line a device.",
    ),
    "densities": FigureWords(
        caption="Steady current density of the fitted devices{which}.",
        alt="Steady current density against voltage on a logarithmic scale, one line a device.",
    ),
    "nyquist": FigureWords(
        caption=(
            "Impedance of the junction over its dc resistance where (u − V_T)/V_m is {bias}: devices of one "
            "shape fall on one curve{which}. Those near the threshold may leave the frame."
        ),
        alt=(
            "Nyquist plot of the impedance of the junction over its dc resistance at {bias} widths from the "
            "threshold, one line a device."
        ),
    ),
    "trend": FigureWords(
        caption="{quantity} against {covariate}, with the mixed-effects line and its 95 % band{expected}.",
        alt="{quantity} of the devices against {covariate} with the fitted line and its band.",
    ),
    "groups": FigureWords(
        caption=(
            "{quantity} by {covariate}: devices in blue, mean of each group with its 95 % interval in black."
        ),
        alt="{quantity} of the devices grouped by {covariate}, with the mean of each group.",
    ),
    "pair": FigureWords(
        caption=(
            "{second} against {first}{per_area}: devices, the 95 % regions of their fits (blue outlines, "
            "often smaller than the dots), and the spread between devices, free of those errors (dashed)."
        ),
        alt=(
            "{second} against {first} for all devices, the confidence region of each fit as an outline, the "
            "spread between devices as a dashed ellipse."
        ),
    ),
}

EXPECTED_LINE = "; the red dashed line has the exponent of a uniform junction"
OUTLINES = " The outlines are the 95 % regions of the fits."
ONE_BY_ONE = ""
EVENLY = ", {count} of them evenly through the ranking, dark near oscillation"
PER_AREA = " of unit area"
UNIT_AREA = "R_b, C_m and i_c0 are those of unit area, since all areas are known and they differ."
UNIT_AREA_TRENDS = "But for the area itself, R_b, C_m and i_c0 are those of unit area."
MORE = " The first {shown} of {count} are shown; devices.csv has all."
MORE_ROWS = " The first {shown} of {count} are shown; {file} has all."
IN_FILE = " differences.csv lists them."
NOT_LISTED = " With so many devices they are not listed one by one."
LAWS = {"power": "exponent", "arrhenius": "activation energy", "linear": "slope", "groups": "means"}

SENTENCES = {
    "too_many": "{count} devices: too many to compare each with each; see how far they spread.",
    "none_differ": "No pair of devices differs in any parameter.",
    "all_differ": "All of them, pairwise.",
    "some_differ": "{differ} of {pairs} pairs differ.",
    "same": "Not to be told apart: {names}.",
    "widest": "The spread between devices is largest in {widest} and smallest in {narrowest}.",
    "no_spread": "No parameter spreads between devices beyond the errors of the fits.",
    "outlying": "Outlying: {names}.",
    "not_outlying": "No device is outlying in any parameter.",
    "no_attributes": "Nothing is known of the devices that differs between them.",
    "no_trends": "None of {attributes} explains a difference.",
    "follows": "{covariate}: {names}.",
    "scaling": "Exponents of the area: {names}.",
    "scaling_off": "Not as in a uniform junction: {names}.",
    "energies": "Activation energies: {names}.",
    "oscillates": "{names} under {circuit}.",
    "none_oscillates": "None under {circuit}.",
    "near": "Near the threshold: {names}.",
    "first": "The smallest gain margin is {margin}, of {name}.",
    "far": "Under {circuit} no device comes near: every gain margin is at least {margin}.",
    "not_known": "Not known, for want of a parameter: {names}.",
    "elsewhere": "Under {circuit}: {names}.",
    "left_out": "Left out altogether:",
    "notes": "To be borne in mind:",
    "correlations": (
        "A correlation between devices says what varies together from device to device; a correlation in the "
        "fits says which errors of one measurement hang together. The first is estimated with the second "
        "taken out."
    ),
    "few": "There are too few devices for correlations between them.",
    "trends": (
        "Mixed-effects regressions: devices weigh by the errors of their fits and by the spread that is "
        "left. p-values are corrected by Holm's method over all trends."
    ),
}
