"""The key `columns` of a settings file: which column is which, by label or number, perhaps with its unit.

A list is the header of a table without one. A table names a label for each role, `{ voltage = "CH1" }`, a
number of a column, `{ voltage = "column 3" }`, or a label with the unit that it lacks,
`{ modulus = { name = "Impedance magnitude", unit = "ohm" } }`. Of a ratio the unit is what 1 stands for,
`"35 uS"`.
"""

from collections.abc import Mapping

from memfit.errors import meant
from memfit.loaders.raw import ROLES
from memfit.loaders.settings_file import Checker
from memfit.units import accepted, stated_unit

_OTHER_WORDS = {
    "modulus": "z_modulus", "bias": "bias_voltage", "conductance": "y_real", "resistance": "z_real",
}  # fmt: skip
_PARTS = ("name", "unit")


def read_columns(check: Checker, value: object, place: str) -> Mapping[str, str] | tuple[str, ...]:
    """Labels by role, or a header for a table without one.

    Parameters
    ----------
    check : Checker
    value : object
        Of the key.
    place : str
        Of the key, for messages.
    """
    if isinstance(value, list | tuple):
        if all(isinstance(item, str) for item in value):
            return tuple(str(item) for item in value)
        check.mistake(place, 'expected a list of labels, such as ["Voltage (V)", "Current (uA)"]')
        return ()
    table = check.table(_by_role(value), place, tuple(ROLES))
    labels = {role: item.get("name") if isinstance(item, dict) else item for role, item in table.items()}
    if not all(isinstance(item, str | int) and not isinstance(item, bool) for item in labels.values()):
        check.mistake(
            place,
            'expected labels of columns, such as { voltage = "CH1", current = "CH2" }, or labels with units, '
            'such as { modulus = { name = "Impedance", unit = "ohm" } }',
        )
        return {}
    return {role: str(label) for role, label in labels.items()}


def read_units(check: Checker, value: object, place: str) -> dict[str, str]:
    """Units by role, where `columns` states them.

    Parameters
    ----------
    check : Checker
    value : object
        Of the key.
    place : str
        Of the key, for messages.
    """
    units: dict[str, str] = {}
    table = _by_role(value)
    for role, item in table.items() if isinstance(table, dict) else ():
        if not isinstance(item, dict) or role not in ROLES:
            continue
        for part in item:
            if part not in _PARTS:
                check.mistake(place, f"unknown key {part!r} of {role}; {meant(str(part), _PARTS)}")
        if "unit" in item:
            units[role] = str(item["unit"])
            over_a_resistor = role.endswith("current") and stated_unit(units[role], "voltage") is not None
            if stated_unit(units[role], ROLES[role]) is None and not over_a_resistor:
                words = f"{ROLES[role].replace('_', ' ')} ({accepted(ROLES[role])})"
                check.mistake(place, f"expected a unit of {words} for {role}, found {item['unit']!r}")
    return units


def _by_role(value: object) -> object:
    """The table with the usual words for its roles."""
    if not isinstance(value, dict):
        return value
    return {_OTHER_WORDS.get(key, key): item for key, item in value.items()}


def read_sheets(check: Checker, value: object, place: str) -> tuple[str, ...]:
    """Titles of sheets: a text, or a list of texts.

    Parameters
    ----------
    check : Checker
    value : object
        Of the key.
    place : str
        Of the key, for messages.
    """
    items = value if isinstance(value, list) else [value]
    if all(isinstance(item, str) and item for item in items):
        return tuple(map(str, items))
    check.mistake(place, f"expected a text in quotes or a list of texts, found {value!r}")
    return ()
