"""One line for each reader, and what that reader calls the types of the data dictionary."""

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds

READ = {
    "pyarrow": lambda path: ds.dataset(path, partitioning="hive").to_table(),
    "pandas": lambda path: pd.read_parquet(path),
    "pandas with arrow types": lambda path: pd.read_parquet(path, dtype_backend="pyarrow"),
    "polars scan": lambda path: pl.scan_parquet(path, hive_partitioning=True).collect(),
    "polars read": lambda path: pl.read_parquet(path, hive_partitioning=True),
    "duckdb": lambda path: duckdb.sql(f"SELECT * FROM read_parquet('{path}/**/*.parquet', hive_partitioning = true)"),
}

# The type in the data dictionary: in Arrow, in polars, in DuckDB, in pandas; the first of these is without nulls.
TYPES = {
    "string": (pa.string(), pl.String, "VARCHAR", ["str"]),
    "bool": (pa.bool_(), pl.Boolean, "BOOLEAN", ["bool", "object"]),
    "int32": (pa.int32(), pl.Int32, "INTEGER", ["int32", "float64"]),
    "int64": (pa.int64(), pl.Int64, "BIGINT", ["int64", "float64"]),
    "float64": (pa.float64(), pl.Float64, "DOUBLE", ["float64"]),
    "timestamp[us, UTC]": (
        pa.timestamp("us", "UTC"),
        pl.Datetime("us", "UTC"),
        "TIMESTAMP WITH TIME ZONE",
        ["datetime64[us, UTC]"],
    ),
    "list<string>": (pa.list_(pa.string()), pl.List(pl.String), "VARCHAR[]", ["object"]),
}


def columns(reader, frame):
    """Names a frame's columns."""
    return list(frame.column_names if reader == "pyarrow" else frame.columns)


def type_of(reader, frame, column):
    """Names a column's type in the reader's words."""
    match reader:
        case "pyarrow":
            return plain(frame.schema.field(column).type)
        case "pandas":
            return str(frame[column].dtype)
        case "pandas with arrow types":
            return plain(frame[column].dtype.pyarrow_dtype)
        case "duckdb":
            return str(frame.types[frame.columns.index(column)])
        case _:
            return frame.schema[column]


def expected_type(reader, told, has_nulls):
    """Returns what `type_of` says of a column with this type in the data dictionary."""
    arrow, polars, duck, pandas = TYPES[told]
    match reader:
        case "pyarrow" | "pandas with arrow types":
            return arrow
        case "pandas":
            # Its own integers and flags have no null.
            return pandas[-1 if has_nulls else 0]
        case "duckdb":
            return duck
        case _:
            return polars


def plain(arrow):
    """Forgets what a list calls its elements."""
    return pa.list_(arrow.value_type) if pa.types.is_list(arrow) else arrow


def to_arrow(reader, frame, schema):
    """Turns any reader's frame into one Arrow table of this schema, so that their values compare."""
    match reader:
        case "pyarrow":
            table = frame
        case "pandas" | "pandas with arrow types":
            table = pa.Table.from_pandas(frame, preserve_index=False)
        case "duckdb":
            table = frame.to_arrow_table()
        case _:
            table = frame.to_arrow()
    return pa.table([whole(table[field.name]).cast(field.type) for field in schema], schema=schema)


def whole(column):
    """Puts words in place of a dictionary's numbers."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
