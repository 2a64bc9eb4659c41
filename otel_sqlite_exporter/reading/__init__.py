"""Questions to the file, answered as plain data: standard library only, read-only, unknown to the recording side.

The terminal, the pages, a notebook, the exports and the sender all ask here: no SQL of theirs, and one meaning of
every filter. From ``database`` only the schema and how a file is opened are known.
"""
