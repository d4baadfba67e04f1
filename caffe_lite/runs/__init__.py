"""What a training left behind: its logs read, as tables and as curves, and drawn."""
