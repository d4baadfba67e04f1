"""Errors of pycaffe's helpers that scripts may know by the name of a built-in exception as well."""

from caffe_lite.errors import UsageError


class ArgumentError(UsageError, ValueError):
    """An array or a value that does not fit, where Caffe's own helpers raise ValueError."""


class NotATopError(UsageError, TypeError):
    """A layer's input, or what a NetSpec is given, that is not another layer's top."""


class UnknownNameError(UsageError, AttributeError):
    """A field, message, enum value or top that there is not."""


class NotConnectedError(UsageError):
    """Tops between which no spatial layers lead."""


class CropError(UsageError, AssertionError):
    """A crop that a Crop layer cannot make."""
