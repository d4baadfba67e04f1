"""`lrcn reproduce`: the experiments of the LRCN paper as lists of commands of this package."""
