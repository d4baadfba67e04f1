"""Record what OpenCV makes of random images, in tests/reference/forks/ssd_images.npz.

Needs OpenCV 4: `pip install "opencv-python-headless<5"`. The operations are those of SSD's
resize_param, noise_param and distort_param; `tests/forks/ssd/test_image_changes.py` compares.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

TARGET = Path(__file__).resolve().parent.parent / "tests/reference/forks/ssd_images.npz"
RNG = np.random.default_rng(2016)
SIZES = ((20, 31), (11, 9), (29, 40), (9, 40), (23, 17))
MODES = ("LINEAR", "AREA", "NEAREST", "CUBIC", "LANCZOS4")


def picture(height: int, width: int) -> np.ndarray:
    """Smooth colours and some noise (height, width, 3)."""
    y, x = np.mgrid[:height, :width] / 9
    waves = [np.sin(x * a + y * b + c) for a, b, c in RNG.uniform(-2, 2, (3, 3))]
    noise = RNG.normal(size=(height, width, 3)) * 12
    return np.clip(np.stack(waves, -1) * 90 + 128 + noise, 0, 255).astype(np.uint8)


def main() -> None:
    image, large = picture(23, 29), picture(61, 83)
    arrays: dict[str, Any] = {"image": image, "large": large}
    for height, width in SIZES:
        for mode in MODES:
            flag = getattr(cv2, f"INTER_{mode}")
            arrays[f"resize/{mode}/{height}x{width}"] = cv2.resize(
                image, (width, height), interpolation=flag
            )
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    shifted = hsv.copy()
    shifted[..., 0] += 40  # beyond 180
    ycrcb = cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb)
    grey = cv2.cvtColor(large, cv2.COLOR_BGR2GRAY)
    clahe = cv2.createCLAHE()
    clahe.setClipLimit(4)
    arrays |= {
        "hsv": hsv,
        "from_hsv": cv2.cvtColor(shifted, cv2.COLOR_HSV2BGR),
        "ycrcb": ycrcb,
        "from_ycrcb": cv2.cvtColor(ycrcb, cv2.COLOR_YCrCb2BGR),
        "grey": grey,
        "blur": cv2.GaussianBlur(image, (7, 7), 1.5),
        "erode": cv2.erode(image, cv2.getStructuringElement(2, (3, 3), (1, 1))),
        "equalized": cv2.equalizeHist(grey),
        "clahe": clahe.apply(grey),
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(TARGET, **arrays)
    print(f"{TARGET.name}: {len(arrays)} arrays, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
