"""Nets as ONNX models, built layer by layer from the graph of the net.

`model.py` builds the model, `builder.py` has the nodes and constants of a graph, `site.py` what a
translator is given. Translators are functions registered for a layer's class: those of Caffe's
types are in `layers/`, those of a family of forks in `forks/<family>.py`.
"""
