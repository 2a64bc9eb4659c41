"""One call, one row: which spans and log events tell of the same model call, and what it cost.

In goes what one span claims (``report``) and who its parent is (``descent``, which hands ids down as well); out come
links between spans (``duplicates``): which row stands for the call, and what the others complete in it. A report is
compared with a few others only, found by what they have in common (``report_keys``, ``shelf``, ``candidates``). Log
events find their span here (``log_event_joiner``). Everything works on a bounded window of recent spans, in memory. Not
here: reading attributes (``conventions``) and rows (``database``).
"""
