"""Pages over one file: Starlette and Jinja over ``reading`` (extra ``web``).

A request becomes one question to ``reading``, its answer one template. Everything from the file is data: escaped,
never obeyed, never fetched for. Not here: SQL, sums, and writes of any kind.
"""
