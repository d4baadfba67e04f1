"""Prepare LRCN's input files from captions, videos and lists of videos."""
