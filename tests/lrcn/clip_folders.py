"""Moving digits as the folders and lists that LRCN's clip layers read."""

from caffe_lite.data.images import write_image
from caffe_lite.datasets.clip_folders import clip_images, video_name
from caffe_lite.datasets.moving_digits import make_clips


def write_clip_folders(root, count, height, width):
    """`count["train"]` and `count["test"]` clips of height x width pixels under `root`."""
    for split, n in count.items():
        clips = make_clips(n, 0, split)
        names = [video_name(clips, split, index) for index in range(n)]
        for index, name in enumerate(names):
            video = name.rpartition("/")[2]
            for kind, images in clip_images(video, clips[index], height, width).items():
                folder = root / kind / video
                folder.mkdir(parents=True)
                for file, image in images.items():
                    write_image(folder / file, image)
        rows = zip(names, clips.labels.tolist(), strict=True)
        lines = "".join(f"{name} {label}\n" for name, label in rows)
        (root / f"ucf101_split1_{split}Videos.txt").write_text(lines)
