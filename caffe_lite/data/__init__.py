"""Sources of batches: databases, images, lists, the transformer and prefetching."""
