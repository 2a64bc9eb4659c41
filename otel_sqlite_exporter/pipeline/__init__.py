"""The exporter thread: everything between ``on_end`` and a batch that the database takes.

An ended span is looked at (``span_filter``), measured (``ended_span``) and put into the bounded queue in the
application's thread, which never waits. One exporter thread takes it out (``export_loop``), turns it into rows
(``recorder``, ``conversion``) and hands batches to the file until they are in it or counted as lost (``delivery``).
Threads, forks, exits, counts and log lines live here. Not here: what a span means (``conventions``), which spans are
one call (``calls``), what may be stored of a text (``texts``), and SQL (``database``).
"""
