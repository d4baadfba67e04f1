"""Python layers of colorization nets, under the module names that the nets have."""
