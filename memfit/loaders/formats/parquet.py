"""Parquet files as generic tables, where pyarrow is installed."""

import io
import warnings

from memfit.errors import DependencyError, FileFormatError
from memfit.loaders.formats.workbook import Sheet
from memfit.loaders.raw import FileSettings, RawTable
from memfit.loaders.source import DAMAGE, MAX_LINES, Source
from memfit.loaders.tables.read import read_text_tables

NAME = "parquet table"


def recognises(source: Source) -> bool:
    """True for the first bytes of a parquet file."""
    return source.data.startswith(b"PAR1")


def read(source: Source, settings: FileSettings) -> list[RawTable]:
    """The table of the file, by the names of its columns ("Voltage (V)").

    Raises
    ------
    DependencyError
        pyarrow is not installed.
    FileFormatError
        The file is damaged or too long, or its columns are not understood.
    """
    try:
        import pyarrow.parquet  # noqa: PLC0415 - optional and heavy
    except ImportError as error:
        raise DependencyError(
            f"{source.name}: reading parquet needs pyarrow (pip install pyarrow); or save the table as CSV."
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = pyarrow.parquet.ParquetFile(io.BytesIO(source.data))
            if file.metadata.num_rows > MAX_LINES:
                raise FileFormatError(f"expected at most {MAX_LINES} rows, found more.", file=source.name)
            table = file.read()
            columns = [table.column(name).to_pylist() for name in table.column_names]
    except (*DAMAGE, pyarrow.lib.ArrowException) as error:
        raise FileFormatError(f"the parquet file is damaged ({error}).", file=source.name) from error
    rows = [tuple(table.column_names), *zip(*columns, strict=True)]
    return read_text_tables(Sheet("table", rows).as_source(source), settings)
