"""What is installed, switched on, limited and lost, and what to do about it: ``otel-sqlite doctor``.

Each module looks at one thing and returns :class:`~otel_sqlite_exporter.doctor.findings.Finding` objects: ``versions``,
``settings`` (the environment), ``reporters`` (SDKs and instrumentations), ``recorded`` (the file). ``watch`` runs a
program and tells which spans it made; it is a program of its own, started by ``running``. Not here: how a finding is
shown (``cli``), and anything that changes what it looks at.
"""
