"""The command ``otel-sqlite``: questions of ``reading``, shown in a terminal (extra ``cli``: click and rich).

Arguments in, one call of ``reading`` or ``sending``, text out. Not here: SQL, sums, and what a row means.
"""
