"""Normalization of channels with a scale and a shift: what the forks' BN and BatchNorm share."""
