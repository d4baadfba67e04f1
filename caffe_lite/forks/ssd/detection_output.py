"""DetectionOutput: SSD's predictions as a list of detections."""

import logging

from caffe_lite.errors import CaffeError, DataError
from caffe_lite.forks.boxes.codes import decode
from caffe_lite.forks.ssd._detect import Selection, to_rows
from caffe_lite.forks.ssd._results import Results, check_format
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.proto import schema
from caffe_lite.types import Array, Blobs, LayerParameter, NetParameter, Shape

log = logging.getLogger("caffe_lite.layers")

_NO_THRESHOLD = -3.4028234663852886e38  # -FLT_MAX


@register("DetectionOutput")
class DetectionOutput(Layer):
    """The boxes that score best and overlap no better one of their class.

    Boxes are decoded from the priors by `code_type`. For each class but the background, the `top_k`
    best that score more than `confidence_threshold` go through non-maximum suppression; an image
    keeps the `keep_top_k` best of all classes.

    bottom[0]  location    (N, P * L * 4)   codes of P priors; L is 1, or C with
                                            `share_location: false`
    bottom[1]  confidence  (N, P * C)       scores of C = `num_classes` classes
    bottom[2]  priors      (1, 2, P * 4)    coordinates and variances, as PriorBox gives them
    bottom[3]  image       any              not read
    top[0]     detections  (1, 1, K, 7)     rows (image, label, score, xmin, ymin, xmax, ymax), by
                                            image, then label, then descending score; no gradient

    Coordinates are fractions of the image and may leave [0, 1]; with `normalized_bbox: false`,
    OpenCV's field for nets of the R-CNN family, they are pixels, of which a side has one more. With
    `variance_encoded_in_target` the priors need no variances: (1, 1, P * 4). Without any detection
    the top has a row for each image, (image, -1, -1, -1, -1, -1, -1). K changes from batch to
    batch. Boxes with a score of NaN are dropped. Suppression runs on the host.

    `save_output_param` also writes the detections to `output_directory`, whenever `num_test_image`
    images are done, boxes in pixels of the original images and cut to them. Nothing is written
    unless it names `label_map_file` and `name_size_file` too; the first forward reads these.

        VOC     {prefix}{class}.txt for each class, lines "image score xmin ymin xmax ymax"
        ILSVRC  {prefix}.txt, lines "image label score xmin ymin xmax ymax"
        COCO    {prefix}.json, a list of { image_id, category_id, bbox: [x, y, width, height],
                score }; names of images and classes that are whole numbers become numbers

    Differences from SSD: equal scores go by the index of their prior, where SSD's order is open.
    `visualize` opens no window. In COCO's format, scores below 1e-4 are written as numbers too.

    Source: weiliu89/caffe (branch ssd)

    Example::

        layer { name: "detection_out" type: "DetectionOutput" bottom: "mbox_loc"
                bottom: "mbox_conf_flatten" bottom: "mbox_priorbox" top: "detection_out"
                detection_output_param { num_classes: 21 code_type: CENTER_SIZE keep_top_k: 200
                                         confidence_threshold: 0.01
                                         nms_param { nms_threshold: 0.45 top_k: 400 } } }
    """

    bottoms = (3, 4)
    varying_axis = 2
    host_side = True

    @classmethod
    def source_shape(cls, param: LayerParameter, top: int, net: NetParameter) -> Shape | None:
        """One row, as there are before the first forward."""
        return (1, 1, 1, 7)

    @classmethod
    def overwrites(cls, param: LayerParameter) -> str:
        """The files of detections, if `save_output_param` names a folder for them."""
        folder = param.detection_output_param.save_output_param.output_directory
        return folder and f'files of detections in the folder "{folder}"'

    def setup(self, bottom: Blobs, top: Blobs) -> None:
        param = self.param.detection_output_param
        if not param.num_classes:
            raise self.fail("needs num_classes, the number of classes with the background")
        nms = param.nms_param
        if nms.nms_threshold < 0 or not 0 < nms.eta <= 1:
            raise self.fail(
                "nms_threshold must be at least 0 and eta in (0, 1], got "
                f"{nms.nms_threshold:g} and {nms.eta:g}"
            )
        given = param.HasField("confidence_threshold")
        self._extent = 0 if param.normalized_bbox else 1
        self._selection = Selection(
            background=param.background_label_id,
            threshold=param.confidence_threshold if given else _NO_THRESHOLD,
            overlap=nms.nms_threshold,
            eta=nms.eta,
            top_k=nms.top_k if nms.HasField("top_k") else -1,
            keep_top_k=param.keep_top_k,
            extent=self._extent,
        )
        self._code = schema.PriorBoxParameter.CodeType.Name(param.code_type)
        if param.visualize:
            log.warning('layer "%s": visualize opens no window here', self.name)
        self._results: Results | None = None
        self._saves = self._wants_files()

    def _wants_files(self) -> bool:
        param = self.param.detection_output_param.save_output_param
        if not param.output_directory:
            return False
        missing = [
            name for name in ("label_map_file", "name_size_file") if not getattr(param, name)
        ]
        if missing:
            log.warning(
                'layer "%s": writes no detections to %s, since save_output_param lacks %s',
                self.name,
                param.output_directory,
                " and ".join(missing),
            )
            return False
        try:
            check_format(param.output_format)
        except DataError as error:
            raise self.fail(f"save_output_param: {error}") from error
        return True

    def reshape(self, bottom: Blobs, top: Blobs) -> None:
        self.require_elements(bottom[:3])
        param = self.param.detection_output_param
        location, confidence, priors = (blob.shape for blob in bottom[:3])
        alone = param.variance_encoded_in_target and priors[:2] == (1, 1)
        if not alone and (priors[:2] != (1, 2) or bottom[2].count % 8) or bottom[2].count % 4:
            raise self.fail(
                f"the priors (bottom[2]) must have shape (1, 2, 4 * priors), got {priors}"
            )
        images, count = bottom[0].shape[:1], bottom[2].count // (4 if alone else 8)
        codes = 1 if param.share_location else param.num_classes
        for name, blob, each in (
            ("location (bottom[0])", bottom[0], codes * 4),
            ("confidence (bottom[1])", bottom[1], param.num_classes),
        ):
            if blob.shape[:1] != images or not images or blob.count != images[0] * count * each:
                raise self.fail(
                    f"needs {each} numbers in {name} for each of {count} priors, and as many "
                    f"images in both, got shapes {location} and {confidence}"
                )
        self._view = (images[0], count, codes, 4)
        if not top[0].count or top[0].shape[-1:] != (7,):
            top[0].reshape(1, 1, 1, 7)

    def forward(self, bottom: Blobs, top: Blobs) -> None:
        location, confidence, priors = (blob.data for blob in bottom[:3])
        planes = priors.reshape(priors.shape[1], -1, 1, 4)
        in_target = self.param.detection_output_param.variance_encoded_in_target
        variances = None if in_target else planes[1]
        codes = location.reshape(self._view)
        decoded = decode(self.xp, self._code, codes, planes[0], variances, self._extent)
        boxes = self.ops.to_host(decoded)
        scores = self.ops.to_host(confidence).reshape(*self._view[:2], -1)
        found = [self._selection.detect(*image) for image in zip(boxes, scores, strict=True)]
        rows = to_rows(found)
        top[0].reshape(1, 1, *rows.shape)
        self.ops.copy_to_device(rows, top[0].data)
        if self._saves:
            self._save(found)

    def _save(self, found: list[Array]) -> None:
        param = self.param.detection_output_param
        try:
            if self._results is None:
                self._results = Results(param.save_output_param, param.background_label_id)
            for detections in found:
                self._results.add(detections)
        except CaffeError as error:
            raise self.fail(f"save_output_param: {error}") from error
