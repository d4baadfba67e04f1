"""Nets whose weights come from elsewhere."""

IMAGES = """
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 2 dim: 3 dim: 7 dim: 6 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_h: 3 kernel_w: 2 } }
layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "conv"
        batch_norm_param { eps: 0.01 } }
layer { name: "norm_scale" type: "Scale" bottom: "conv" top: "conv"
        scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "depthwise" type: "Convolution" bottom: "conv" top: "depthwise"
        convolution_param { num_output: 4 kernel_size: 3 pad: 1 group: 4 } }
layer { name: "prelu" type: "PReLU" bottom: "depthwise" top: "depthwise" }
layer { name: "up" type: "Deconvolution" bottom: "depthwise" top: "up"
        convolution_param { num_output: 5 kernel_size: 2 stride: 2 } }
layer { name: "fc" type: "InnerProduct" bottom: "up" top: "fc"
        inner_product_param { num_output: 8 } }
"""

SEQUENCES = """
layer { name: "ids" type: "Input" top: "ids" input_param { shape { dim: 5 dim: 2 } } }
layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 5 dim: 2 } } }
layer { name: "words" type: "Embed" bottom: "ids" top: "words"
        embed_param { input_dim: 11 num_output: 6 bias_term: false } }
layer { name: "lstm" type: "LSTM" bottom: "words" bottom: "cont" top: "lstm"
        recurrent_param { num_output: 4 } }
layer { name: "predict" type: "InnerProduct" bottom: "lstm" top: "predict"
        inner_product_param { num_output: 3 axis: 2 } }
"""
