"""Chaos: three producers record into one file while everything that can happen to them and to it does.

``python -m benchmarks.chaos [--minutes 10] [--seed 1]``. ``driver`` does the harm, by a seed; ``producer`` is a process
that records and keeps a journal of what it ended; ``books`` compares journals, ledgers and rows afterwards.
"""
