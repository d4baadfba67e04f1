"""The data sets included in the package: handwritten digits, and clips of moving digits."""
