"""The lake: facts as Parquet by month, questions as Ibis expressions. What is computed is apart from where.

<root>/<fact>/month=2018-03/part.parquet
<root>/refresh.json         what was copied, and up to when
"""
