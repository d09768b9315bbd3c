"""What one device of a batch may cost: texts such as "10 min" and "2 GB", there and back."""

import re
from dataclasses import dataclass

from memfit.errors import ParameterError
from memfit.units import format_quantity, parse_quantity

_BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one device may cost."""

    time: float | None = 600.0
    """s; None: any time."""
    memory: float | None = 2e9
    """Bytes of the process that fits; None: any amount."""

    @classmethod
    def read(cls, time: str | float | None, memory: str | float | None) -> "Limits":
        """From texts such as "10 min" and "2 GB"; "none" or None for no limit.

        Parameters
        ----------
        time : str, float or None
            s where no unit is given.
        memory : str, float or None
            Bytes where no unit is given.

        Raises
        ------
        ParameterError, UnitError
            A text cannot be read, or a limit is not above zero.
        """
        seconds = None if _no_limit(time) else parse_quantity(time or 0.0, "time")
        size = None if _no_limit(memory) else parse_bytes(memory or 0.0)
        if (seconds is not None and seconds <= 0) or (size is not None and size <= 0):
            raise ParameterError(f"Limits must be above 0; found {time!r} and {memory!r}. Say none for none.")
        return cls(time=seconds, memory=size)


def parse_bytes(value: str | float) -> float:
    """A size of memory: "2 GB", "512MiB", or a number of bytes.

    Parameters
    ----------
    value : str or float
        "kB" is 1000 bytes, "kiB" 1024.

    Returns
    -------
    float
        Bytes.

    Raises
    ------
    ParameterError
        It cannot be read.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)(?:[eE]\+?(\d+))?\s*([kKmMgGtT]?)(i?)[bB]?\s*", str(value))
    if found is None:
        raise ParameterError(f'Expected a size of memory such as "2 GB" or "512 MiB"; found {value!r}.')
    number, exponent, prefix, binary = found.groups()
    return float(f"{number}e{exponent or 0}") * (_BINARY if binary else _BYTES)[prefix.lower()]


def size_text(size: float) -> str:
    """A size of memory for a sentence: "2 GB".

    Parameters
    ----------
    size : float, bytes
    """
    return format_quantity(size, "B", digits=3)


def time_text(seconds: float) -> str:
    """A limit of time for a sentence: "90 s", "10 min".

    Parameters
    ----------
    seconds : float, s
    """
    if seconds >= 120:
        return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"
    return f"{seconds:.3g} s"


def _no_limit(value: object) -> bool:
    """Whether no limit is asked for."""
    return value is None or (isinstance(value, str) and value.strip().lower() == "none")
