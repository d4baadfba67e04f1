"""Builds the wheel that contains the compiled C library; setup.py uses it."""
