"""What parsers raise when bytes are damaged: caught in one place each, and told as a FileFormatError."""

import struct
import tokenize
import zipfile
import zlib
from xml.etree import ElementTree as ET

DAMAGE: tuple[type[Exception], ...] = (
    ValueError,
    LookupError,
    ArithmeticError,
    TypeError,
    AttributeError,
    OSError,
    EOFError,
    RecursionError,
    NotImplementedError,
    MemoryError,
    SyntaxError,
    tokenize.TokenError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    ET.ParseError,
)
