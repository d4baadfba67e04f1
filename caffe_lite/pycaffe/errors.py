"""Errors of pycaffe's helpers that are built-in exceptions as well, as scripts expect."""

from caffe_lite.errors import UsageError


class ArgumentError(UsageError, ValueError):
    """An array or a value that does not fit, where Caffe's own helpers raise ValueError."""


class NotATopError(UsageError, TypeError):
    """An input of a layer, or an attribute of a NetSpec, is not another layer's top."""


class UnknownNameError(UsageError, AttributeError):
    """A field, message, enum value or top that does not exist."""


class NotConnectedError(UsageError):
    """Tops that no spatial layers connect."""


class CropError(UsageError, AssertionError):
    """A crop that a Crop layer cannot make."""
