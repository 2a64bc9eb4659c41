"""One call, one row: which spans and log events tell of the same model call, and what it cost.

In goes what one span claims (``report``), out come links between spans: which row stands for the call, and what the
others complete in it (``duplicates``). Log events find their span here (``log_event_joiner``). Everything works on a
bounded window of recent spans, in memory. Not here: reading attributes (``conventions``) and rows (``database``).
"""
