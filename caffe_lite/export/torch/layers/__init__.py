"""What Caffe 1.0's layers become, by groups; each file registers its emitters."""
