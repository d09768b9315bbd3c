"""Which columns of a table are read: one for each role that a record needs.

Labels say it; where they do not, device.toml does, by a label, by a number ("column 3"), perhaps with the
unit that the label lacks. Two columns for one role need a word, but for clocks: the time since the beginning
tells more than that since the last step.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from memfit.errors import FileFormatError
from memfit.loaders.raw import PAIRS_IN_WORDS, ROLES, ROLES_OF_PAIRS, FileSettings, RawTable, pair_of
from memfit.loaders.tables.labels import (
    Column,
    check_units,
    contradicted,
    normalise,
    reverses_sign,
    understand,
    understand_header,
)
from memfit.loaders.tables.layout import number
from memfit.units import Unit, accepted, find_unit, split_label, stated_unit

_BESIDE_SPECTRUM = ("bias_voltage", "bias_current", "voltage", "current", "applied_voltage", "cycle")
_CURRENTS = ("current", "applied_current", "current_density")
ELECTRICAL = ("voltage", "applied_voltage", *_CURRENTS)
_TIME_DOMAIN = ("time", *ELECTRICAL, "cycle")
_SCATTERING = re.compile(
    r"(?<![A-Za-z0-9])[Ss][ _]?\{?\(?([1-4]),?([1-4])\)?\}?(?![A-Za-z0-9])"
    r"|(?i:(reflection|gamma|return[ _]loss)|(transmission|insertion[ _]loss))"
)
_GAIN = re.compile(
    r"[(\[ _/,]dB\w{0,3}[)\]]?$|(?<![a-z])(?:gain|transfer|attenuation)(?![a-z])|\(H\)|\|H\|", re.IGNORECASE
)
_LOGARITHM = re.compile(
    r"\W*(?:log|lg|ln)(?:10)?(?![a-z])|\|?(?:z|impedance|impedanz)\b\|?.*dB\w{0,3}[)\]]?$", re.IGNORECASE
)
_OF_MATERIAL = re.compile(
    r"\W*(?:M['′’]|eps(?:ilon)?\b|[εϵ]|(?:relative |complex )?permittivity)", re.IGNORECASE
)
_MODULUS = re.compile(r"\W*(?:\|(?:i|current|strom)\||abs[ _.(]*(?:i|current|strom)\b)", re.IGNORECASE)
"""A current without its sign."""
_NUMBERED = re.compile(r"column\s+(\d{1,6})", re.IGNORECASE)
_STEP_CLOCK = re.compile(r"(step|cycle|segment)\s*_?(time|\(s)|time\s*in\s*(step|cycle)", re.IGNORECASE)
_TOTAL_CLOCK = re.compile(r"(total|test|elapsed|run|experiment)\s*_?(time|\(s)", re.IGNORECASE)


def listed(labels: Sequence[str]) -> str:
    """Labels to show in a message.

    Parameters
    ----------
    labels : sequence of str
    """
    shown = ", ".join(repr(label) for label in labels[:12] if label)
    return (shown + (", ..." if len(labels) > 12 else "")) or "none"


def no_impedance(labels: Sequence[str]) -> str:
    """A sentence on labels against the frequency that are those of something else; "" if they are not.

    Parameters
    ----------
    labels : sequence of str
    """
    for label in labels:
        found = _SCATTERING.search(label)
        if found is None:
            continue
        if found[3] or (found[1] and found[1] == found[2]):
            what = (
                "a scattering parameter, no impedance: save the reflection as Touchstone (.s1p), which is "
                "read, or"
            )
            formula = "Z0 (1 + S11)/(1 - S11)"
        else:
            what = (
                "the transmission between two ports, no impedance: measure the reflection S11 and save it as "
                "Touchstone (.s1p), which is read; or, where the device lay in series between the ports,"
            )
            formula = "2 Z0 (1 - S21)/S21"
        return (
            f"expected an impedance; {label!r} is {what} write Z = {formula} as Z' and Z'', with Z0 = 50 ohm "
            "for most analysers."
        )
    volts, amperes = (_in_units_of(dimension, labels) for dimension in ("voltage", "current"))
    gain = next((label for label in labels if _GAIN.search(label)), None)
    if gain is None and (len(volts) < 2 or amperes):
        return ""
    what = f"{gain!r} is a ratio" if gain else f"{volts[0]!r} and {volts[1]!r} are two voltages"
    return (
        f"expected an impedance; {what}, no impedance. If channel 2 lay over a resistor R in series with the "
        "device, and channel 1 over both, write Z = R (1/G - 1) as Z' and Z'', where G is channel 2 over "
        "channel 1, of modulus 10^(gain in dB / 20) and with its phase."
    )


def _in_units_of(dimension: str, labels: Sequence[str]) -> list[str]:
    """The labels with a unit of a dimension."""
    units = ((label, find_unit(split_label(label)[1] or "")) for label in labels)
    return [label for label, unit in units if unit is not None and unit.is_a(dimension)]


def _no_values(labels: Sequence[str]) -> str:
    """A sentence on a label of values that are others: a logarithm, a modulus, of a material; "" without."""
    label = next((label for label in labels if _OF_MATERIAL.match(label)), None)
    if label is not None:
        return (
            f"expected an impedance; {label!r} is of the material, a permittivity or electric modulus, and "
            "needs the size of the device: export Z' and Z''."
        )
    label = next((label for label in labels if _LOGARITHM.match(label)), None)
    if label is not None:
        return (
            f"expected the values themselves, found {label!r}, a logarithm: write them with their unit (of "
            "decibels over 1 ohm it is 10^(dB/20) ohm)."
        )
    label = next((label for label in labels if _MODULUS.match(label)), None)
    if label is not None:
        return (
            f"expected a current with its sign, found {label!r}, a modulus: export it with its sign; "
            f"where it was positive all through say in device.toml columns = {{ current = {label!r} }}."
        )
    return ""


def understand_all(labels: Sequence[str], settings: FileSettings, file: str) -> tuple[Column, ...]:
    """Columns of a header; where device.toml names a column for a role, that one has it.

    Parameters
    ----------
    labels : sequence of str
        Of all columns.
    settings : FileSettings
    file : str
        For messages.

    Raises
    ------
    FileFormatError
        There is no such column, or several; or its unit is none of the role.
    """
    columns = list(understand_header(labels))
    if isinstance(settings.columns, tuple):
        return tuple(columns)
    for role, given in settings.columns.items():
        turned = reverses_sign(given, role) and given.strip() not in map(str.strip, labels)
        label = given.strip().lstrip("-\u2212") if turned else given
        index = place_of(label, labels, role, file)
        understood = understand(labels[index], index)
        if understood is not None and understood.role == role:
            chosen = understood
        else:
            sign = -1.0 if reverses_sign(labels[index], role) else 1.0
            chosen = Column(index, labels[index], role, None, sign)
        chosen = replace(chosen, sign=-1.0) if turned else chosen
        unit = _unit_of(chosen, settings, file)
        if unit is not None:
            chosen = replace(chosen, unit=unit, problem="")
        columns = [column for column in columns if column.role != role and column.index != index]
        columns.append(chosen)
    return tuple(columns)


def place_of(label: str, labels: Sequence[str], role: str, file: str) -> int:
    """The place of the column that device.toml names: by its label, with or without unit, or its number.

    Parameters
    ----------
    label : str
        As device.toml has it.
    labels : sequence of str
        Of all columns.
    role, file : str
        For messages.

    Raises
    ------
    FileFormatError
        There is no such column, or several.
    """
    places = [i for i, text in enumerate(labels) if text.strip() == label.strip()]
    if not places:
        numbered = _NUMBERED.fullmatch(label.strip())
        if numbered and 1 <= int(numbered[1]) <= len(labels):
            return int(numbered[1]) - 1
        plain = normalise(label)
        places = [i for i, text in enumerate(labels) if normalise(split_label(text)[0]) == plain]
    if len(places) > 1:
        raise FileFormatError(
            f"expected one column {label!r}, which device.toml names as {role}; found {len(places)}: say "
            f"which by its number, as in columns = {{ {role} = 'column {places[1] + 1}' }}.",
            file=file,
        )
    if not places:
        number_of = f" Its number would be {role} = 'column {label}'." if label.strip().isdigit() else ""
        raise FileFormatError(
            f"expected the column {label!r} that device.toml names as {role}; found {listed(labels)}."
            f"{number_of}",
            file=file,
        )
    return places[0]


def _unit_of(column: Column, settings: FileSettings, file: str) -> Unit | None:
    """The unit of a column that device.toml names: the one stated there, else that of the label.

    A voltage over the stated resistance is a current.
    """
    text = settings.units.get(column.role) or split_label(column.label)[1] or ""
    unit = stated_unit(text, ROLES[column.role]) if text else None
    if unit is not None:
        return unit
    over = settings.sense_resistance
    volts, amperes = stated_unit(text or "V", "voltage"), find_unit("A")
    if over is not None and column.role in ("current", "applied_current") and volts and amperes:
        return replace(amperes, text=f"{volts.text}/{over:g} ohm", scale=volts.scale / over)
    if column.role in settings.units:
        raise FileFormatError(
            f"expected a unit of {ROLES[column.role].replace('_', ' ')} ({accepted(ROLES[column.role])}) for "
            f"{column.label!r} in device.toml, found {text!r}.",
            file=file,
        )
    return column.unit


def with_named(table: RawTable, settings: FileSettings, file: str) -> RawTable:
    """A table of a fixed format with the columns that device.toml names in place of the format's own.

    Parameters
    ----------
    table : RawTable
    settings : FileSettings
    file : str
        For messages.

    Raises
    ------
    FileFormatError
        A cell of the column is no number, or its unit is none of the role.
    """
    chosen = settings.columns if not isinstance(settings.columns, tuple) else {}
    columns, others, notes = dict(table.columns), dict(table.others), list[str]()
    for role, label in chosen.items():
        cells = others.pop(label, None)
        if cells is None:
            continue
        column = Column(0, label, role, None)
        column = replace(column, unit=_unit_of(column, settings, file))
        check_units([column], file, None)
        values = [number(cell.replace(",", ".")) for cell in cells]
        wrong = next((i for i, value in enumerate(values) if value is None or not np.isfinite(value)), None)
        if wrong is not None:
            raise FileFormatError(
                f"expected numbers, found {cells[wrong]!r} in row {wrong + 1}.", file=file, column=label
            )
        columns[role] = column.to_si(np.array(values, dtype=np.float64))
        notes += filter(None, [contradicted(column, settings.units.get(role))])
    return replace(table, columns=columns, others=others, notes=(*table.notes, *notes))


def choose_columns(
    columns: Sequence[Column], labels: Sequence[str], file: str, line: int | None
) -> tuple[Column, ...]:
    """The columns a record needs, one for each role.

    Parameters
    ----------
    columns : sequence of Column
        Those that were understood.
    labels : sequence of str
        Of all columns.
    file : str
    line : int, optional
        Of the labels.

    Raises
    ------
    FileFormatError
        A column is missing, or two have the same role.
    """
    roles = {column.role for column in columns}
    # an LCR meter measures C with Rp or G in parallel, or with Rs in series; beside D it may be either
    parallel = bool(roles & {"resistance_parallel", "y_real"})
    if "capacitance" in roles and parallel != ("resistance_series" in roles):
        role = "capacitance_parallel" if parallel else "capacitance_series"
        columns = [
            replace(column, role=role) if column.role == "capacitance" else column for column in columns
        ]
        roles = {column.role for column in columns}
    impedance = roles & ROLES_OF_PAIRS
    if "frequency" not in roles and not impedance:  # of a curve the bias is what was swept
        for bias, swept, others in _SWEPT:
            if bias in roles and not roles & {swept, f"applied_{swept}"} and roles.intersection(others):
                columns = [replace(c, role=swept) if c.role == bias else c for c in columns]
                roles = {column.role for column in columns}
    electrical = roles & {"voltage", "applied_voltage"} and roles.intersection(_CURRENTS)
    message = ""
    wanted: tuple[str, ...] = _TIME_DOMAIN
    if "frequency" in roles and impedance:
        pair = pair_of(roles)
        if pair is None:
            message = (
                f"expected {PAIRS_IN_WORDS} beside the frequency; found the columns {listed(labels)}"
                f"{hint(labels, columns)}."
            )
        else:
            wanted = ("frequency", *pair, *_BESIDE_SPECTRUM)
    elif electrical or "time" in roles:
        pass
    elif "bias_voltage" in roles and any(role.startswith("capacitance") for role in roles):
        message = (
            "found capacitance-voltage data without a column of the frequency (Frequency (Hz), f/Hz, freq): "
            f"add one; found the columns {listed(labels)}. Without frequencies a spectrum cannot be fitted."
        )
    elif impedance:
        message = (
            "expected a column of the frequency beside the impedance (Frequency (Hz), f/Hz, freq); found the "
            f"columns {listed(labels)}. Without frequencies a spectrum cannot be fitted."
        )
    else:
        message = (
            "expected columns such as Frequency (Hz), Z_real (ohm), Z_imag (ohm) or Time (s), Voltage (V), "
            f"Current (A); found {listed(labels)}{hint(labels, columns)}."
        )
    if message:
        if "frequency" in roles or any(map(_SCATTERING.search, labels)):
            message = no_impedance(labels) or message
        message = _no_values(labels) or message
        raise FileFormatError(message, file=file, line=line or None)
    return _one_per_role([column for column in columns if column.role in wanted], labels, file, line)


_LONGEST_SHOWN = 60
"""Letters of a label that is proposed."""
_SWEPT = (
    ("bias_voltage", "voltage", (*_CURRENTS, "bias_current")),
    ("bias_current", "current", ("voltage",)),
)
"""A bias, what it is in a table without frequencies, and what stands beside it there."""


def hint(labels: Sequence[str], columns: Sequence[Column]) -> str:
    """How to name a column whose unit tells what it is, where its label does not, or any other.

    Parameters
    ----------
    labels : sequence of str
    columns : sequence of Column
        Those that were understood.
    """
    understood = {column.index for column in columns}
    roles = {column.role for column in columns}
    by_role: dict[str, list[str]] = {
        role: [] for role in ("frequency", "time", "voltage", "current", "resistance", "angle")
    }
    for index, label in enumerate(labels):
        unit = find_unit(split_label(label)[1] or "") if index not in understood else None
        role = next((role for role in by_role if unit is not None and unit.is_a(role)), None)
        if role is not None and len(label) < _LONGEST_SHOWN:
            by_role[role].append(label)
    hertz, seconds, volts, amperes, ohms, angles = by_role.values()
    named: dict[str, str] = {}
    more = ""
    if len(hertz) == 1 and not roles & {"frequency", "time"} and ohms:
        named = {"frequency": hertz[0]}
    if "frequency" in roles or named:
        if len(ohms) > 1:
            named |= {"z_real": ohms[0], "z_imag": ohms[1]}
        elif ohms and angles:
            named |= {"z_modulus": ohms[0], "phase": angles[0]}
    elif len(volts) > 1 and not amperes and (seconds or "time" in roles):  # of a logger
        named = {"voltage": volts[0], "current": volts[1]}
        more = ', and over what the current was measured: sense_resistance = "1 kohm"'
    else:
        either = (("voltage", volts), ("current", amperes))
        named = {role: found[0] for role, found in either if found and role not in roles}
        if len(amperes) > 1:
            more = "; the others by further [[measurement]]s of this file, each with its own name"
    if named and len(seconds) == 1 and not roles & {"frequency", "time"} and "frequency" not in named:
        named = {"time": seconds[0], **named}
    stated = ", ".join(f"{role} = {label!r}" for role, label in named.items())
    if named:
        return f"; say in device.toml columns = {{ {stated} }}{more}"
    bare = [label for i, label in enumerate(labels) if label and i not in understood]
    wanted = [("voltage", "V"), ("current", "A")]
    if "frequency" in roles:
        partner = {"z_modulus": ("phase", "deg"), "z_real": ("z_imag", "ohm"), "phase": ("z_modulus", "ohm")}
        known = next((role for role in partner if role in roles), None)
        wanted = [partner[known]] if known else [("z_real", "ohm"), ("z_imag", "ohm")]
        odd = [
            c for c in columns if c.problem and c.role in dict(wanted)
        ]  # "Z'' (W)", an ohm in another font
        bare += [column.label for column in odd]
        bare = [label for label in bare if not re.fullmatch(r"(?:#|n|no\.?|nr\.?|point|index)", label, re.I)]
    elif len(bare) > 2 and not columns:
        wanted.insert(0, ("time", "s"))
    chosen = zip(wanted, [*bare, "...", "..."], strict=False)
    stated = ", ".join(
        f'{role} = {{ name = {_quoted(text)}, unit = "{unit}" }}' for (role, unit), text in chosen
    )
    return f". Rename them, or say which is which in device.toml, as in columns = {{ {stated} }}"


def _quoted(text: str) -> str:
    """A text as TOML has it."""
    return f"'{text}'" if '"' in text else f'"{text}"'


def _one_per_role(
    columns: Sequence[Column], labels: Sequence[str], file: str, line: int | None
) -> tuple[Column, ...]:
    """Refuse two columns for one role, which would need a guess."""
    chosen: dict[str, Column] = {}
    clock = _clock([column for column in columns if column.role == "time"])
    columns = [column for column in columns if column.role != "time" or clock in (None, column)]
    for column in columns:
        other = chosen.setdefault(column.role, column)
        if other is not column and column.role not in ("cycle", "bias_voltage", "bias_current"):
            raise FileFormatError(
                f"expected one column of the {column.role.replace('_', ' ')}, found {other.label!r} "
                f"and {column.label!r}; say which in device.toml, as in columns = "
                f"{{ {_first_of(columns, labels)} }}.",
                file=file,
                line=line or None,
            )
    return tuple(sorted(chosen.values(), key=lambda column: column.index))


def _first_of(columns: Sequence[Column], labels: Sequence[str]) -> str:
    """How device.toml names the first column of each role that several have."""
    roles = [column.role for column in columns]
    first = {column.role: column for column in reversed(columns) if roles.count(column.role) > 1}
    stated = [
        (role, f"'column {column.index + 1}'" if labels.count(column.label) > 1 else repr(column.label))
        for role, column in reversed(first.items())
    ]
    return ", ".join(f"{role} = {text}" for role, text in stated)


def _clock(times: Sequence[Column]) -> Column | None:
    """The one of several clocks that holds: in a unit rather than a date, and not that of a step."""
    total = [column for column in times if _TOTAL_CLOCK.search(column.label)]
    whole = [column for column in times if not _STEP_CLOCK.search(column.label)]
    timed = [column for column in whole if column.unit is not None]
    return next((known[0] for known in (total, timed, whole) if len(known) == 1), None)
