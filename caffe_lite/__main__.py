"""`python -m caffe_lite`."""

import sys

from caffe_lite.cli import main

sys.exit(main())
