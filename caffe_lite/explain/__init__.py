"""Step forward and backward through a small net, and show every number on one HTML page."""
