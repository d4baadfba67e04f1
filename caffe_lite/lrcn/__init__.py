"""LRCN: captions, retrieval and activities from nets that Caffe's layers make up."""
