"""Pictures of what LRCN's nets do: pure functions from arrays and texts to Pillow images."""
