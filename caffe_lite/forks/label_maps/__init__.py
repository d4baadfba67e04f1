"""Images with a label for each pixel: lists, transformations and batches, on the host."""
