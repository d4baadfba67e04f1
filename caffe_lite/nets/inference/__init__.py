"""Inference plans: a net's forward pass in the TEST phase as fewer, fused steps."""
