"""Weights that were trained elsewhere, brought into a prototxt's net.

`checkpoint.py` and `keras.py` read files, `modules.py` sorts their tensors by layer, `units.py`
does that for the net, `fit.py` says how one becomes the other, `guess.py` pairs them, `name_map.py`
is the pairing as a file, and `load.py` puts it to work.
"""
