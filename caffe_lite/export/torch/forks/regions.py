"""Pooling of regions."""

from caffe_lite.export.torch.registry import Code, Site, emits, number
from caffe_lite.forks.mscnn.roi_align import GridAlign
from caffe_lite.forks.rcnn.psroi_pooling import PSROIPooling
from caffe_lite.forks.rcnn.roi_align import ROIAlign
from caffe_lite.forks.rcnn.roi_pooling import ROIPooling


@emits(ROIPooling)
def roi_pooling(site: Site) -> Code:
    param, (x, regions) = site.param.roi_pooling_param, site.x
    pad = f", pad_ratio={number(param.pad_ratio)}" if param.pad_ratio else ""
    size = tuple(site.top_shapes[0][2:])
    return Code(f"roi_pool({x}, {regions}, {size}, {number(param.spatial_scale)}{pad})")


@emits(PSROIPooling)
def psroi_pooling(site: Site) -> Code:
    param, (x, regions) = site.param.psroi_pooling_param, site.x
    return Code(
        f"psroi_pool({x}, {regions}, {param.output_dim}, {param.group_size}, "
        f"{number(param.spatial_scale)})"
    )


@emits(ROIAlign)
def roi_align(site: Site) -> Code:
    param, (x, regions) = site.param.roi_align_param, site.x
    size = (param.pooled_h, param.pooled_w)
    return Code(f"roi_align({x}, {regions}, {size}, {number(param.spatial_scale)})")


@emits(GridAlign)
def grid_align(site: Site) -> Code:
    param, (x, regions) = site.param.roi_pooling_param, site.x
    size = (param.pooled_h, param.pooled_w)
    return Code(
        f"grid_align({x}, {regions}, {size}, {number(param.spatial_scale)}, "
        f"{number(param.pad_ratio)})"
    )
