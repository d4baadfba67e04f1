"""LRCN: captions, retrieval and activity recognition with nets of Caffe's layers."""
