"""Nets in other formats: the net as it is used for inference, the formats, and the proof."""
