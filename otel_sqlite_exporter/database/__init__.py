"""The file: its schema, its one writing connection, the statements of a batch, the ledger and retention.

Rows come in as plain data (``rows``), a batch goes into the file in one transaction (``writer``, ``transactions``,
``batch``), and what becomes known later amends rows (``amendments``). All SQL of the recording side is here. Not here:
threads, attributes of spans, and texts before they are rows; nothing in this package imports from the packages that use
it.
"""
