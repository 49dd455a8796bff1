// Features of raw frames by an edgefeat bundle, and the proof that they are right.
//
//   g++ -std=c++17 -O2 client.cpp -I ORT/include -L ORT/lib -lonnxruntime -o client
//   ./client camera.onnx [frame.raw] | sha256sum
//
// Writes the features' bytes (float32) to stdout: without a frame those of the probe, whose SHA-256
// is `probe.features_sha256` in the bundle's spec, as printed on stderr.
#include <onnxruntime_cxx_api.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <regex>
#include <vector>

using Bytes = std::vector<uint8_t>;

static std::string field(const std::string& json, const std::string& pattern) {
  std::smatch found;
  return std::regex_search(json, found, std::regex(pattern)) ? found[1].str() : "none";
}

// The picture of generator edgefeat-probe-1: whole numbers only, the same in every language.
static Bytes probe_image(uint32_t seed, uint32_t height, uint32_t width, uint32_t channels) {
  Bytes pixels(size_t(height) * width * channels);
  auto at = [&](uint32_t y, uint32_t x) { return &pixels[(size_t(y) * width + x) * channels]; };
  for (uint32_t y = 0; y < height; y++)
    for (uint32_t x = 0; x < width; x++)
      for (uint32_t c = 0; c < channels; c++) at(y, x)[c] = y * 160 / height + x * 95 / width * (c + 1) / 3;
  uint32_t state = seed * 2654435761u + 1;
  if (!state) state = 1;
  auto next = [&] { state ^= state << 13; state ^= state >> 17; state ^= state << 5; return state >> 8; };
  for (int n = 0; n < 24; n++) {
    const uint32_t top = next() % height, left = next() % width;
    const uint32_t bottom = std::min(height, top + 1 + next() % std::max(1u, height / 2));
    const uint32_t right = std::min(width, left + 1 + next() % std::max(1u, width / 2));
    Bytes colour;
    for (uint32_t c = 0; c < channels; c++) colour.push_back(uint8_t(next()));
    for (uint32_t y = top; y < bottom; y++)
      for (uint32_t x = left; x < right; x++) std::copy(colour.begin(), colour.end(), at(y, x));
  }
  return pixels;
}

int main(int count, char** words) {
  Ort::Env env(ORT_LOGGING_LEVEL_ERROR);
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(1);
  Ort::Session session(env, words[1], options);
  const auto shape = session.GetInputTypeInfo(0).GetTensorTypeAndShapeInfo().GetShape();  // {1, rows, columns, values}
  Ort::AllocatorWithDefaultOptions allocator;
  const std::string spec = session.GetModelMetadata().LookupCustomMetadataMapAllocated("edgefeat.spec", allocator).get();
  Bytes frame = probe_image(std::stoul(field(spec, "\"seed\": (\\d+)")), shape[1], shape[2], shape[3]);
  if (count > 2) { std::ifstream file(words[2], std::ios::binary); frame.assign(std::istreambuf_iterator<char>(file), {}); }
  auto input = Ort::Value::CreateTensor<uint8_t>(Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault), frame.data(), frame.size(), shape.data(), shape.size());
  const char *in = "frame", *out = "features";
  const auto result = session.Run({}, &in, &input, 1, &out, 1);
  std::fprintf(stderr, "the probe's SHA-256: %s\n", field(spec, "\"features_sha256\": \"(\\w+)\"").c_str());
  std::fwrite(result[0].GetTensorData<float>(), sizeof(float), result[0].GetTensorTypeAndShapeInfo().GetElementCount(), stdout);
}
