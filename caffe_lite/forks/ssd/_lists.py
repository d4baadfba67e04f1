"""The files that name classes and images: label maps, and lists of names and sizes."""

from caffe_lite.data.lists import read_lines
from caffe_lite.errors import DataError
from caffe_lite.proto import schema, text


def read_label_map(path: str) -> dict[int, str]:
    """The names of classes by label, from a LabelMap in text format."""
    names: dict[int, str] = {}
    for item in text.read(path, schema.LabelMap).item:
        if item.label in names:
            raise DataError(
                f'{path}: label {item.label} is named twice, "{names[item.label]}" and '
                f'"{item.name}"; give each label one name'
            )
        names[item.label] = item.name
    return names


def read_name_sizes(path: str) -> list[tuple[str, tuple[int, int]]]:
    """Names of images with height and width in pixels, from lines "name height width"."""
    images = []
    for number, line in read_lines(path, "image names, heights and widths"):
        words = line.split()
        if len(words) != 3 or not all(word.isdecimal() and int(word) for word in words[1:]):
            raise DataError(
                f'{path}:{number}: "name height width" expected, both sizes > 0, got "{line}"'
            )
        images.append((words[0], (int(words[1]), int(words[2]))))
    return images
