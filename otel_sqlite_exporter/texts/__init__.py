"""What may be stored of a text: media become placeholders, redaction, privacy without content, and limits. Pure.

``policy`` is the way in: texts, messages and attributes of a normalised call go in, what the file may hold comes out,
in this order: media are replaced, the whole text is shown to ``redact``, the content is hashed, then it is cut
(``fitting`` for the texts of a structure, ``cutting`` for one text) and made safe for JSON, UTF-8 and SQLite
(``cleaning``), unless ``measuring`` tells that nothing in it needs that. Not here: what a text means (``conventions``),
I/O.
"""
