"""The CPU backend in NumPy: who threads, and operations that the reference does too slowly."""
