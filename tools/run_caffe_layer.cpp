// Runs one layer of a fork of Caffe, forward and backward, for tools/record_forks_with_caffe.py and
// tools/record_ssd_with_caffe.py. It is linked with the layers of one fork, outside this repository.
//
// Call: RUNNER DEFINITION INPUT OUTPUT. INPUT holds int32: the numbers of bottoms, tops and learned
// blobs, whether to run backward, how often to run forward, and whether to take the code for GPUs;
// then bottoms and learned blobs; for backward the gradients of the tops, and an int32
// propagate_down for each bottom. An array is its number of axes and its shape as int32, then
// float32 values. OUTPUT holds the tops; for backward the gradients of bottoms that were asked for,
// and of learned blobs; and the learned blobs themselves, as forward leaves them.

#include <cstdio>
#include <fstream>
#include <google/protobuf/text_format.h>
#include <glog/logging.h>
#include "caffe/layer.hpp"
#include "caffe/layer_factory.hpp"
#include "caffe/layers/sigmoid_layer.hpp"
#include "caffe/layers/softmax_layer.hpp"
#include "caffe/util/math_functions.hpp"

namespace caffe {

// Of these, a file that chooses between them and cuDNN's would register the makers.
template <typename D>
shared_ptr<Layer<D> > MakeSoftmax(const LayerParameter& param) {
  return shared_ptr<Layer<D> >(new SoftmaxLayer<D>(param));
}
template <typename D>
shared_ptr<Layer<D> > MakeSigmoid(const LayerParameter& param) {
  return shared_ptr<Layer<D> >(new SigmoidLayer<D>(param));
}
REGISTER_LAYER_CREATOR(Softmax, MakeSoftmax);
REGISTER_LAYER_CREATOR(Sigmoid, MakeSigmoid);

}  // namespace caffe

using namespace caffe;

typedef float D;
static FILE* input;
static FILE* output;

static int read_int() {
  int value;
  CHECK_EQ(fread(&value, sizeof(value), 1, input), 1) << "the input ends early";
  return value;
}

static void read_blob(Blob<D>* blob, bool diff, bool reshape) {
  vector<int> shape(read_int());
  for (size_t i = 0; i < shape.size(); ++i) shape[i] = read_int();
  if (reshape) blob->Reshape(shape);
  int size = 1;
  for (size_t i = 0; i < shape.size(); ++i) size *= shape[i];
  CHECK_EQ(size, blob->count()) << blob->shape_string();
  D* values = diff ? blob->mutable_cpu_diff() : blob->mutable_cpu_data();
  const size_t count = blob->count();
  CHECK_EQ(fread(values, sizeof(D), count, input), count) << "the input ends early";
}

static void write_blob(Blob<D>* blob, bool diff) {
  const int axes = blob->num_axes();
  fwrite(&axes, sizeof(axes), 1, output);
  for (int i = 0; i < axes; ++i) {
    const int size = blob->shape(i);
    fwrite(&size, sizeof(size), 1, output);
  }
  fwrite(diff ? blob->cpu_diff() : blob->cpu_data(), sizeof(D), blob->count(), output);
}

int main(int argc, char** argv) {
  google::InitGoogleLogging(argv[0]);
  FLAGS_logtostderr = 1;
  FLAGS_minloglevel = 1;
  CHECK_EQ(argc, 4) << "call: RUNNER DEFINITION INPUT OUTPUT";
  std::ifstream file(argv[1]);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  LayerParameter param;
  CHECK(google::protobuf::TextFormat::ParseFromString(text, &param));
  input = fopen(argv[2], "rb");
  output = fopen(argv[3], "wb");
  const int bottoms = read_int(), tops = read_int(), blobs = read_int(), backward = read_int();
  const int forwards = read_int();
  if (read_int()) Caffe::set_mode(Caffe::GPU);
  vector<Blob<D>*> bottom, top;
  for (int i = 0; i < bottoms; ++i) {
    bottom.push_back(new Blob<D>());
    read_blob(bottom[i], false, true);
  }
  for (int i = 0; i < tops; ++i) top.push_back(new Blob<D>());
  shared_ptr<Layer<D> > layer = LayerRegistry<D>::CreateLayer(param);
  layer->SetUp(bottom, top);
  CHECK_EQ(blobs, layer->blobs().size());
  for (int i = 0; i < blobs; ++i) read_blob(layer->blobs()[i].get(), false, false);
  for (int i = 0; i < forwards; ++i) layer->Forward(bottom, top);
  for (int i = 0; i < tops; ++i) write_blob(top[i], false);
  if (backward) {
    for (int i = 0; i < tops; ++i) read_blob(top[i], true, false);
    vector<bool> flags;
    for (int i = 0; i < bottoms; ++i) flags.push_back(read_int());
    for (int i = 0; i < blobs; ++i) {
      Blob<D>* blob = layer->blobs()[i].get();
      caffe_set(blob->count(), D(0), blob->mutable_cpu_diff());
    }
    layer->Backward(top, flags, bottom);
    for (int i = 0; i < bottoms; ++i) {
      if (flags[i]) write_blob(bottom[i], true);
    }
    for (int i = 0; i < blobs; ++i) write_blob(layer->blobs()[i].get(), true);
  }
  for (int i = 0; i < blobs; ++i) write_blob(layer->blobs()[i].get(), false);
  fclose(output);
  return 0;
}
