"""LRCN's captioners: any number of LSTM layers, factored or not, over CaffeNet's fc8."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from caffe_lite.errors import UsageError
from caffe_lite.lrcn.generate.layers import (
    CAFFENET,
    Convnet,
    convolutions,
    filler,
    fully_connected,
    inputs,
    layer,
    learning,
    lstm,
)

SPLITS = {"TRAIN": "train", "TEST": "val"}  # of the data, by phase
_LIMIT = 0.08  # of the starting weights of the language layers


@dataclass(frozen=True)
class Captions:
    """What a captioner is made of; the defaults are LRCN's for COCO (LRCN-2f).

    `layers` LSTM layers have `units` units each. The last one sees the image if `is_factored`,
    which takes two layers or more, else the first one. `words` is the number of ids, <EOS>
    included; `data` the folder that `captions prepare` wrote, with batches of `buffer` images and
    `steps` words. Images are resized to `size` x `size` and cropped to `crop` x `crop`; in training
    they are mirrored at random if `mirror` is set. `schedule` holds fields of both solvers that
    replace the paper's.
    """

    layers: int = 2
    is_factored: bool = True
    units: int = 1000
    words: int = 8801
    data: str = "h5_data/buffer_100"
    buffer: int = 100
    steps: int = 20
    size: int = 256
    crop: int = 227
    mirror: bool = True
    convnet: Convnet = CAFFENET
    schedule: Mapping[str, float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.layers < 1 + self.is_factored:
            least = "two" if self.is_factored else "one"
            kind = "factored" if self.is_factored else "unfactored"
            raise UsageError(f"a {kind} captioner has {least} LSTM layers or more")

    @property
    def title(self) -> str:
        kind = "factored" if self.is_factored else "unfactored"
        return f"# Captioner: {self.layers} x {self.units} LSTM units, {kind}, {self.words} ids.\n"


def caption_files(net: Captions) -> dict[str, str]:
    """The text of the nets and solvers of both stages of training, and of both deploy nets.

    In the first stage the convnet is frozen up to fc7, in the second everything learns.
    """
    return {
        "train_test.prototxt": _train_test(net, frozen=True),
        "finetune_train_test.prototxt": _train_test(net, frozen=False),
        "word_to_preds.deploy.prototxt": words_to_predictions(net),
        "image.deploy.prototxt": _image(net),
        "solver.prototxt": caption_solver(net, frozen=True),
        "finetune_solver.prototxt": caption_solver(net, frozen=False),
    }


def language_layers(net: Captions, image: str) -> str:
    """`predict`, the scores of the next word, from words, sequence indicators and `image`."""
    uniform = filler("uniform", min=-_LIMIT, max=_LIMIT)
    text = layer(
        "embedding",
        "Embed",
        "input_sentence",
        "embedded_input_sentence",
        "  param { lr_mult: 1 }",
        f"  embed_param {{\n    bias_term: false input_dim: {net.words} num_output: {net.units}\n"
        f"    weight_filler {uniform}\n  }}",
    )
    below, seeing = "embedded_input_sentence", net.layers if net.is_factored else 1
    for number in range(1, net.layers + 1):
        bottoms = [below, "cont_sentence"] + [image] * (number == seeing)
        below = f"lstm{number}"
        text += lstm(below, bottoms, net.units, _LIMIT)
    return text + layer(
        "predict",
        "InnerProduct",
        below,
        "predict",
        learning(1, 2),
        f"  inner_product_param {{\n    num_output: {net.words} axis: 2\n"
        f"    weight_filler {uniform}\n    bias_filler {filler('constant', value=0)}\n  }}",
    )


def _image_layers(net: Captions, rates: str, dropout: bool) -> str:
    """The convnet from `data` to `fc8`; `rates` are those of the layers below fc8."""
    text = convolutions(net.convnet, rates)
    for number, below in ((6, net.convnet.top), (7, "fc6")):
        text += fully_connected(net.convnet, number, below, rates, 0.5 if dropout else None)
    return text + layer(
        "fc8",
        "InnerProduct",
        "fc7",
        "fc8",
        learning(0.1, 0.2),
        f"  inner_product_param {{\n    num_output: {net.convnet.outputs}\n"
        f"    weight_filler {filler('gaussian', std=0.01)}\n"
        f"    bias_filler {filler('constant', value=0)}\n  }}",
    )


def batches(net: Captions, phase: str) -> str:
    """The folder of the data that `captions prepare` wrote for a phase."""
    return f"{net.data}/{SPLITS[phase]}_aligned_{net.steps}_batches"


def sentence_layer(net: Captions, phase: str) -> str:
    """The layer that reads sentences."""
    return layer(
        "sentences",
        "HDF5Data",
        [],
        ["cont_sentence", "input_sentence", "target_sentence"],
        f'  hdf5_data_param {{\n    source: "{batches(net, phase)}/hdf5_chunk_list.txt"\n'
        f"    batch_size: {net.steps}\n  }}",
        when=f"include {{ phase: {phase} }}",
    )


def _train_test(net: Captions, frozen: bool) -> str:
    text = net.title + 'name: "captions"\n'
    for phase in SPLITS:
        images = f"{batches(net, phase)}/image_list.with_dummy_labels.txt"
        text += layer(
            "data",
            "ImageData",
            [],
            ["data", "label"],
            f"  transform_param {{ mirror: {str(net.mirror).lower()} crop_size: {net.crop}"
            " mean_value: 104 mean_value: 117 mean_value: 123 }",
            f'  image_data_param {{\n    source: "{images}"\n'
            f"    batch_size: {net.buffer} new_height: {net.size} new_width: {net.size}\n  }}",
            when=f"include {{ phase: {phase} }}",
        )
        text += sentence_layer(net, phase)
    text += layer("silence", "Silence", "label", [])
    text += _image_layers(net, learning(0, 0) if frozen else learning(0.1, 0.2), dropout=True)
    text += language_layers(net, "fc8")
    return text + loss_layers(net)


def loss_layers(net: Captions) -> str:
    """The loss over the words of sentences, and in tests the accuracy."""
    scored = ["predict", "target_sentence"]
    text = layer(
        "cross_entropy_loss",
        "SoftmaxWithLoss",
        scored,
        "cross_entropy_loss",
        f"  loss_weight: {net.steps}",
        "  loss_param { ignore_label: -1 }",
        "  softmax_param { axis: 2 }",
    )
    return text + layer(
        "accuracy",
        "Accuracy",
        scored,
        "accuracy",
        "  accuracy_param { axis: 2 ignore_label: -1 }",
        when="include { phase: TEST }",
    )


def words_to_predictions(net: Captions) -> str:
    text = net.title + 'name: "word_to_preds"\n'
    text += inputs(
        cont_sentence=(1, 1), input_sentence=(1, 1), image_features=(1, net.convnet.outputs)
    )
    text += language_layers(net, "image_features")
    return text + layer("probs", "Softmax", "predict", "probs", "  softmax_param { axis: 2 }")


def _image(net: Captions) -> str:
    text = "# The convnet of the captioner, up to what it sees: fc8.\n" + 'name: "image"\n'
    text += inputs(data=(10, 3, net.crop, net.crop))
    return text + _image_layers(net, learning(0.1, 0.2), dropout=False)


def caption_solver(net: Captions, frozen: bool) -> str:
    """LRCN's schedule: the language layers first, then all of them at a tenth of the rate."""
    stage = "" if frozen else "finetune_"
    schedule: dict[str, object] = {
        "test_iter": 25,
        "test_interval": 1000,
        "base_lr": 0.01 if frozen else 0.001,
        "lr_policy": '"step"',
        "gamma": 0.5,
        "stepsize": 20000,
        "display": 100,
        "max_iter": 110000 if frozen else 50000,
        "momentum": 0.9,
        "weight_decay": 0,
        "snapshot": 5000,
        "average_loss": 100,
        "clip_gradients": 10 if frozen else 25,
        **net.schedule,
    }
    lines = [
        net.title.strip(),
        f'net: "{stage}train_test.prototxt"',
        f'snapshot_prefix: "{stage}captions_{net.layers}x{net.units}"',
        "solver_mode: GPU",
        "random_seed: 1701",
        *(f"{name}: {value}" for name, value in schedule.items()),
    ]
    return "\n".join(lines) + "\n"
