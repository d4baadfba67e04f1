"""What a module with cv2.dnn's interface says and computes: caffe_lite.dnn or OpenCV's own."""

from typing import Any

import numpy as np


def facts(net: Any, shapes: list[tuple[int, ...]]) -> dict[str, Any]:
    """What a net says of itself, in plain lists."""
    ids, inputs, outputs = net.getLayersShapes(shapes)
    names = list(net.getLayerNames())
    return {
        "names": names,
        "ids": [net.getLayerId(name) for name in ["_input", *names, "nothing"]],
        "types": [net.getLayer(name).type for name in names],
        "kinds": list(net.getLayerTypes()),
        "outs": list(net.getUnconnectedOutLayersNames()),
        "out_ids": net.getUnconnectedOutLayers().tolist(),
        "shape_ids": ids.tolist(),
        "inputs": [[shape.tolist() for shape in each] for each in inputs],
        "outputs": [[shape.tolist() for shape in each] for each in outputs],
        "blobs": [[list(blob.shape) for blob in net.getLayer(name).blobs] for name in names],
        "flops": [net.getFLOPS(i, shapes) for i in range(len(ids))],
        "all_flops": net.getFLOPS(shapes),
        "memory": [list(net.getMemoryConsumption(i, shapes)) for i in range(len(ids))],
    }


def values(net: Any, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The output of every layer alone, of all at once, and of the last by default."""
    for name, array in inputs.items():
        net.setInput(array, name)
    names = list(net.getLayerNames())
    together = net.forward(names)
    found = {f"all {name}": array for name, array in zip(names, together, strict=True)}
    found |= {f"one {name}": net.forward(name) for name in names}
    found["last"] = net.forward()
    return found


def blob_of(module: Any, function: str, image: np.ndarray, arguments: dict[str, Any]) -> np.ndarray:
    """Call one of the two functions; Image2BlobParams' fields are set one by one."""
    if function == "blobFromImageWithParams":
        params = module.Image2BlobParams()
        for name, value in arguments.items():
            setattr(params, name, tuple(value) if isinstance(value, list) else value)
        blob: np.ndarray = module.blobFromImageWithParams(image, params)
        return blob
    blob = getattr(module, function)(image, **arguments)
    return blob


def model_answers(module: Any, files: list[str], image: np.ndarray) -> dict[str, Any]:
    """What the models of one detector and one pooling layer make of an image."""
    answers: dict[str, Any] = {}
    detector = module.DetectionModel(*files[:2])
    for threshold in (0.3, 0.99, 2.0):
        found = detector.detect(image, threshold)
        answers[f"detect {threshold}"] = [np.asarray(each) for each in found]
    pooling = files[2]
    points = module.KeypointsModel(module.readNet(pooling))
    answers["estimate"] = [np.asarray(points.estimate(image, limit)) for limit in (100.0, 999.0)]
    model = module.SegmentationModel(module.readNet(pooling))
    answers["segment"] = [model.segment(image)]
    model = module.ClassificationModel(module.readNet(pooling))
    answers["classify"] = [np.array(model.classify(image))]
    model.setEnableSoftmaxPostProcessing(True)
    answers["softmax"] = [np.array(model.classify(image))]
    model = module.Model(module.readNet(pooling))
    model.setInputParams(0.5, (10, 8), (1, 2, 3), True, True)
    answers["params"] = list(model.predict(image))
    model.setInputSize(20, 12).setInputScale((0.1, 0.2, 0.3)).setInputCrop(False)
    answers["setters"] = list(model.predict(image))
    return answers
