"""What broken prototxts are answered: the exact place, the rule, and what to do."""

import pytest

from caffe_lite.errors import PrototxtError
from caffe_lite.proto import schema, text
from tests.proto.real_files import FILES

NET, SOLVER = schema.NetParameter, schema.SolverParameter

BROKEN = [
    # Names that the schema does not have.
    (NET, 'layer { nmae: "x" }', '1:9: LayerParameter has no field "nmae"; did you mean "name"?'),
    (
        NET,
        'layer {\n  type: "Convolution"\n  num_output: 3\n}',
        '3:3: LayerParameter has no field "num_output"; it belongs inside convolution_param,'
        " embed_param, inner_product_param, ...",
    ),
    (
        NET,
        "layer {\n  pooling_param {\n    kernelsize: 2 } }",
        '3:5: PoolingParameter has no field "kernelsize"; did you mean "kernel_size"?',
    ),
    (NET, "zebra: 3", '1:1: NetParameter has no field "zebra"'),
    (
        NET,
        'name: "n"\nbase_lr: 1',
        '2:1: NetParameter has no field "base_lr"; this looks like a solver file where a net is'
        " expected",
    ),
    (
        SOLVER,
        "layer { }",
        '1:1: SolverParameter has no field "layer"; this looks like a net file where a solver is'
        " expected",
    ),
    (NET, "[a.b]: 1", "1:1: extension fields are not part of the schema"),
    # Enum values.
    (
        NET,
        "layer { pooling_param { pool: MAXX } }",
        '1:31: "pool" has no value "MAXX"; did you mean "MAX"? (one of MAX, AVE, STOCHASTIC)',
    ),
    (
        NET,
        "layer { pooling_param { pool: -7 } }",
        '1:31: "pool" has no value "-7" (one of MAX, AVE, STOCHASTIC)',
    ),
    (
        NET,
        "layer { include: { phase: Test } }",
        '1:27: "phase" has no value "Test"; did you mean "TEST"? (one of TRAIN, TEST)',
    ),
    (NET, 'layers { type: "RELU" }', '1:16: "type" takes RELU without quotes'),
    (
        NET,
        'layers { type: "Convolution" }',
        '1:16: "layers" is the old form; with type: "Convolution" in quotes, write "layer"',
    ),
    (
        NET,
        "layer { phase: 'Tset' }",
        '1:16: "phase" takes a name without quotes; did you mean "TEST"?',
    ),
    (
        NET,
        'layer { type: "ReLU" blobs_lr: 1 }',
        '1:22: LayerParameter has no field "blobs_lr"; in "layer", unlike the old "layers",'
        " it is param { lr_mult: ... }",
    ),
    (
        NET,
        "layers { type: CONV }",
        '1:16: "type" has no value "CONV"; did you mean "CONVOLUTION"?',
    ),
    # Values of the wrong type.
    (
        NET,
        "layer {\n\ttype: ReLU\n}",
        '2:8: "type" takes a string in quotes, got "ReLU"; write "ReLU"',
    ),
    (NET, "name: 3", '1:7: "name" takes a string in quotes, got "3"; write "3"'),
    (
        SOLVER,
        'base_lr: "0.1"',
        '1:10: "base_lr" takes a number, got "0.1"; leave out the quotes',
    ),
    (SOLVER, "base_lr: abc", '1:10: "base_lr" takes a number, got "abc"'),
    (SOLVER, "base_lr: { }", '1:10: "base_lr" takes a number, got "{"'),
    (SOLVER, "base_lr: [0.1]", '1:10: "base_lr" takes a number, got "["'),
    (SOLVER, "debug_info: yes", '1:13: "debug_info" takes true or false, got "yes"'),
    (SOLVER, "debug_info: 2", '1:13: "debug_info" takes true or false, got "2"'),
    (
        SOLVER,
        'debug_info: "true"',
        '1:13: "debug_info" takes true or false, got "true"; leave out the quotes',
    ),
    (SOLVER, "max_iter: MANY", '1:11: "max_iter" takes a whole number, got "MANY"'),
    (NET, "layer: 3", '1:8: expected "{" after "layer", got "3"'),
    (NET, 'layer: "conv"', '1:8: expected "{" after "layer", got "conv"'),
    # Numbers.
    (
        SOLVER,
        "base_lr: 0.1 # fine\nmax_iter: 1e5",
        '2:11: "max_iter" takes a whole number, got 1e5; write 100000',
    ),
    (SOLVER, "stepsize: 2.5", '1:11: "stepsize" takes a whole number, got 2.5'),
    (SOLVER, "stepsize: 1e400", '1:11: "stepsize" takes a whole number, got 1e400'),
    (
        SOLVER,
        "max_iter: 2147483648",
        '1:11: 2147483648 is out of range for "max_iter" (int32: -2147483648 to 2147483647)',
    ),
    (
        NET,
        "layer { convolution_param { num_output: - 3 } }",
        '1:41: -3 is out of range for "num_output" (uint32: 0 to 4294967295)',
    ),
    (
        NET,
        "layer { reshape_param { shape { dim: 9223372036854775808 } } }",
        '1:38: 9223372036854775808 is out of range for "dim"'
        " (int64: -9223372036854775808 to 9223372036854775807)",
    ),
    (
        SOLVER,
        "max_iter: " + "9" * 5000,
        f'1:11: {"9" * 40} is out of range for "max_iter" (int32: -2147483648 to 2147483647)',
    ),
    (NET, "layer { convolution_param { pad: 3x3 } }", '1:34: "3x3" is not a number (for "pad")'),
    (SOLVER, "base_lr: 1.2.3", '1:10: "1.2.3" is not a number (for "base_lr")'),
    (SOLVER, "max_iter: 1_000", '1:11: "1_000" is not a number (for "max_iter")'),
    (SOLVER, "stepsize: 09", "1:11: 09 starts with 0 and so must be octal, but is not"),
    (
        SOLVER,
        "base_lr: 010.5",
        '1:10: "base_lr" takes a decimal number, got 010.5; leave out the leading 0',
    ),
    (SOLVER, "base_lr: -", '1:11: "base_lr" takes a number, got the end of the file'),
    (
        SOLVER,
        "base_lr: +1",
        '1:10: unexpected "+"; numbers take no plus sign, and adjacent strings join without one',
    ),
    # Strings.
    (NET, 'name: "abc\n"', '1:7: the string that starts here has no closing " on its line'),
    (NET, "name: 'abc", "1:7: the string that starts here has no closing ' on its line"),
    (NET, r'name: "a" "\q"', r"1:11: unknown escape \q in the string"),
    (NET, r'name: "\ud800"', r"1:7: unknown escape \ud800 in the string"),
    (NET, r'name: "\377"', '1:7: the string for "name" is not UTF-8 text'),
    # Fields given twice, or not at all.
    (NET, 'name: "a"\nname: "a"', '2:1: "name" is given twice in NetParameter'),
    (
        NET,
        "layer { relu_param { } relu_param { } }",
        '1:24: "relu_param" is given twice in LayerParameter',
    ),
    (
        NET,
        "layer {\n  clip_param { min: 1 }\n}",
        '2:3: ClipParameter lacks its required "max"',
    ),
    # Punctuation.
    (NET, 'name "x"', '1:6: expected ":" after "name", got "x"'),
    (NET, "name:", '1:6: "name" takes a string in quotes, got the end of the file'),
    (NET, ": 3", '1:1: expected a field name, got ":"'),
    (NET, 'name: "a",, input: "b"', '1:11: expected a field name, got ","'),
    (SOLVER, "test_iter: 10 20", '1:15: expected a field name, got "20"'),
    (NET, "input_dim: [1, 2", '1:12: this "[" is never closed'),
    (NET, "input_dim: [1 2]", '1:15: "," or "]" expected in the list, got "2"'),
    (NET, "input_dim: [1,]", '1:15: "," or "]" expected in the list, got "]"'),
    # Braces.
    (
        NET,
        'name: "n"\n  layer { name: "a" ',
        '2:3: this LayerParameter is never closed; "}" is missing',
    ),
    (
        NET,
        'layer {\n  name: "a"\nlayer {\n  name: "b"\n}',
        '3:1: LayerParameter has no field "layer"; it belongs to NetParameter:'
        ' is a "}" missing before it?',
    ),
    (NET, 'layer { name: "a" } }', '1:21: this "}" closes nothing'),
    (NET, 'layer < name: "a" }', '1:19: expected a field name or ">", got "}"'),
    # What is no token at all.
    (NET, "// old\nname: 'x'", '1:1: unexpected "/"; comments start with #'),
    (NET, "layer { @ }", "1:9: unexpected character '@'"),
    (NET, "nàme: 'x'", "1:2: unexpected character 'à'"),
]


@pytest.mark.parametrize(("message", "source", "expected"), BROKEN, ids=[c[2] for c in BROKEN])
def test_broken_text(message, source, expected):
    with pytest.raises(PrototxtError) as caught:
        text.parse(source, message, "a/b.prototxt")
    assert str(caught.value) == "a/b.prototxt:" + expected
    line, column = expected.split(":")[:2]
    assert caught.value.file == "a/b.prototxt"
    assert (caught.value.line, caught.value.column) == (int(line), int(column))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (FILES["an HDF5 file"], " this is an HDF5 file; the text of a NetParameter"),
        (b"version https://git-lfs.github.com/spec/v1\noid", " this is a Git LFS pointer"),
        (b"\x1f\x8b\x08", " this is a gzip archive"),
        (b"PK\x03\x04", " this is a zip archive"),
        (b"\n\x05LeNet\xa2\x06", " this is a binary file; the text of a NetParameter (.prototxt)"),
        (b"<!DOCTYPE html>\n<html>", " this is an HTML page (a download that failed?)"),
        ('name: "x"'.encode("utf-16"), " this is UTF-16 text (save it as UTF-8)"),
        (b"", " the file is empty"),
        (b'name: "gr\xfcn"', '1:7: the string for "name" is not UTF-8 text'),
        (b"name: gr\xfcn", '1:7: "name" takes a string in quotes, got "gr"; write "gr"'),
        (b'layer { phase: "\xfc" }', '1:16: "phase" takes a name without quotes'),
        (b'layers { type: "\xfc" }', r'1:16: "layers" is the old form; with type: "\udcfc" in'),
        (
            b'name: "a" force_backward: "\xfc"',
            r'1:27: "force_backward" takes true or false, got "\u',
        ),
        (b"\xfc: 1", "1:1: unexpected byte that is not UTF-8 text; only comments may hold such"),
    ],
)
def test_files_that_are_not_prototxt(tmp_path, data, expected):
    path = tmp_path / "net.prototxt"
    path.write_bytes(data)
    with pytest.raises(PrototxtError) as caught:
        text.read(path, NET)
    assert str(caught.value).startswith(f"{path}:{expected}")
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(PrototxtError, match=r"no\.prototxt: no such file \(looked in /.*\)$"):
        text.read(tmp_path / "no.prototxt", NET)
    with pytest.raises(PrototxtError, match="is a folder; a file is expected"):
        text.read(tmp_path, NET)
    with pytest.raises(PrototxtError, match="cannot be read: .*null"):
        text.read("a\0b", NET)


def test_errors_survive_pickling():
    import pickle

    error = PrototxtError("wrong", "f.prototxt", 3, 4)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (str(copy), copy.line, copy.column) == ("f.prototxt:3:4: wrong", 3, 4)
