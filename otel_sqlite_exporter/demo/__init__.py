"""A demonstration file: what a month of agents, chats, tools and failures looks like, before anything is recorded.

``texts`` has what is said, ``calls`` makes spans of it, ``month`` spreads them over days and users, ``file`` records
them through the exporter, as an application would. The same moment gives the same file.
"""
