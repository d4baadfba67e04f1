"""The update rules, one solver in each file; every module here is imported as a solver."""
