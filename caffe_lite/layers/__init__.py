"""Layers: one file per type, found from its `type:` string (`InnerProduct`: inner_product.py)."""
