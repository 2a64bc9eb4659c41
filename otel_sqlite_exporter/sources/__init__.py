"""Where LLM spans come from: SDKs, the instrumentations that report their calls, and the providers they report to.

``catalogue`` is what is known of each SDK, as data; ``installed`` holds that against the environment; ``content`` knows
the variables that decide whether prompts are reported; ``instrumentors`` activates what is installed, each when its SDK
is imported; ``providers`` finds or makes the tracer and logger providers, and ``following`` hands over when the
application sets up its own later. Not here: what a span says (``conventions``) and where it goes (``pipeline``).
"""
