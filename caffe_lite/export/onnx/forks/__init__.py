"""Translators of the layers that forks of Caffe added, a module for each family."""
