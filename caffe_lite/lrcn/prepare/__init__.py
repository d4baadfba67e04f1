"""Data of LRCN's kind from what people have: captions, videos, lists."""
