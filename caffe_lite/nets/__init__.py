"""Nets: from a NetParameter to connected layers that run forward and backward."""
