"""Out of the file: to an OTLP receiver, to Parquet, into another file (extras ``send`` and ``parquet``).

Rows are read through ``reading`` and leave in pages with a cursor that is committed after the answer. The recorder of
the file is never held up. Not here: how a row came to be.
"""
