"""Functions and classes that exported modules take along; they are read as text, not imported.

A helper is a function or class at the top of a file, with a docstring whose first line says why it
is needed. It may use other helpers, and `torch`, `nn`, `F`, `math`, `json`, `Path` and `product`
(of itertools).
"""
