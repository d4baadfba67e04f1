"""Where batches come from: sources, images, the transformer, read-ahead, data that ships."""
