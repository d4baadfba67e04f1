"""Nets drawn as graphs: SVG, PNG, DOT, and a page to look around in."""
