"""From a folder of images to a trained net and a report on it."""
