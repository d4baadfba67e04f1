"""The data sets that ship: handwritten digits, and clips and captions of moving digits."""
