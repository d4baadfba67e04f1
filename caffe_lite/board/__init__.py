"""A local web page that shows trainings, live and afterwards (extra `web`)."""
