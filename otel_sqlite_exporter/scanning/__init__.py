"""Scans over foreign text, before anybody decodes it: linear, bounded, not recursive. Pure.

Long strings in JSON are shortened (``long_strings``) and base64 is replaced (``base64_media``) without a decoder, so
that neither conventions nor texts ever hold more than they will keep. Nothing here knows what a text is for.
"""
