"""Where batches come from: sources, images, the transformer, read-ahead, and the data that ships."""
