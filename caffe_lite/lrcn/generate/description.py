"""The paper's nets for video description: semantic predictions to sentences."""

from caffe_lite.lrcn.generate.captions import (
    SPLITS,
    Captions,
    batches,
    caption_solver,
    language_layers,
    loss_layers,
    sentence_layer,
    words_to_predictions,
)
from caffe_lite.lrcn.generate.layers import layer


def description_files(net: Captions) -> dict[str, str]:
    """The text of train_test.prototxt, word_to_preds.deploy.prototxt and solver.prototxt.

    The LSTM sees a video's predictions, one number per label, `net.convnet.outputs` of them, as a
    captioner sees its image. They are read as `predictions` from the files of predictions.txt
    beside the sentences.
    """
    text = net.title + 'name: "description"\n'
    for phase in SPLITS:
        text += sentence_layer(net, phase)
        text += layer(
            "predictions",
            "HDF5Data",
            [],
            "predictions",
            f'  hdf5_data_param {{\n    source: "{batches(net, phase)}/predictions.txt"\n'
            f"    batch_size: {net.buffer}\n  }}",
            when=f"include {{ phase: {phase} }}",
        )
    return {
        "train_test.prototxt": text + language_layers(net, "predictions") + loss_layers(net),
        "word_to_preds.deploy.prototxt": words_to_predictions(net),
        "solver.prototxt": caption_solver(net, frozen=True),
    }
