"""Dense optical flow as images, scaled and clipped as LRCN's flow nets expect it."""

import numpy as np

SCALE = 16.0  # grey levels per pixel of motion; motions above 8 pixels per frame are clipped
CENTRE = 128.0  # the level of zero motion
X = 2  # the channel of x; the channels B G R are magnitude, y and x


def encode_flow(flow: np.ndarray, scale: float = SCALE) -> np.ndarray:
    """Encode `flow` (..., H, W, 2), x and y in pixels, as images (..., H, W, 3) uint8, B G R.

        R = 128 + 16 x,  G = 128 + 16 y,  B = 128 + 16 sqrt(x^2 + y^2)

    with 16 = `scale`, rounded and clipped to 0 ... 255. LRCN: create_flow_images_LRCN.m.
    """
    magnitude = np.hypot(flow[..., 0], flow[..., 1])
    levels = np.stack([magnitude, flow[..., 1], flow[..., 0]], axis=-1)
    return np.rint(np.clip(levels * scale + CENTRE, 0, 255)).astype(np.uint8)


def turn_x(levels: np.ndarray) -> None:
    """Invert the x levels of mirrored flow images, uint8, in place: v becomes 255 - v."""
    np.subtract(255, levels, out=levels)


def flow_name(frame_name: str) -> str:
    """The file name of the flow image for the motion into the frame of this name."""
    return f"flow_image_{frame_name}"
