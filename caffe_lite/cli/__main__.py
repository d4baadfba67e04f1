"""`python -m caffe_lite.cli`."""

import sys

from caffe_lite.cli import main

sys.exit(main())
