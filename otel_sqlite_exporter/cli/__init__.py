"""The command ``otel-sqlite``: questions of ``reading``, shown in a terminal (extra ``cli``: click and rich).

Arguments in, one call of ``reading`` or ``sending``, text out. Not here: SQL, sums, and what a row means.

``app`` is the group, which loads a command when it is run; ``commands`` has one module for each; ``options`` are the
options that mean the same everywhere, ``output`` how a list is shown, ``failures`` what becomes of every error.
"""
