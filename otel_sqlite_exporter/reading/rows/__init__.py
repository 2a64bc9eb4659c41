"""What questions are answered with: one frozen dataclass for each kind of row, named as the columns are.

A module for each kind of question, so that a question loads the rows that it answers with and no others.
"""
