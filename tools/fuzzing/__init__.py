"""Fuzzing of every reader: inputs, mutations, workers with bounds on time and memory."""
