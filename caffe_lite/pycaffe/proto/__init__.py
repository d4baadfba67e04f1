"""`caffe.proto`, for `from caffe.proto import caffe_pb2`."""
