"""Pages over one file: Starlette and Jinja over ``reading`` (extra ``web``).

A request becomes one or a few questions to ``reading``, their answers one template. Everything from the file is data:
escaped, never obeyed, never fetched for. Not here: SQL, sums, and writes of any kind.

``serving`` starts and ends the server, ``app`` puts it together, ``access`` decides who may ask, ``page`` opens the
file for a request and turns errors into pages, ``pages`` has one module for each group of pages. ``templating`` knows
the templates and what they call; what a page shows is made by pure functions: ``rendering`` (markdown, JSON),
``transcript``, ``waterfall``, ``charts``, ``links``. ``sharing`` makes the file that opens anywhere, without a server:
nothing that it takes imports Starlette.
"""
