// Features of raw frames by an edgefeat bundle, and the proof that they are right.
//
//	CGO_CFLAGS=-IORT/include CGO_LDFLAGS="-LORT/lib -lonnxruntime" go run client.go camera.onnx [frame.raw]
package main

/*
#include <onnxruntime_c_api.h>
#include <stdio.h>
static const OrtApi *api; static OrtSession *session; static OrtAllocator *allocator;
static void must(OrtStatus *s) { if (s) { fprintf(stderr, "%s\n", api->GetErrorMessage(s)); exit(3); } }
static char *start(const char *path, int64_t *shape) {
  OrtEnv *env; OrtSessionOptions *o; OrtTypeInfo *type; const OrtTensorTypeAndShapeInfo *info; OrtModelMetadata *meta; char *spec;
  api = OrtGetApiBase()->GetApi(17);
  must(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "", &env)); must(api->CreateSessionOptions(&o)); must(api->SetIntraOpNumThreads(o, 1));
  must(api->CreateSession(env, path, o, &session)); must(api->GetAllocatorWithDefaultOptions(&allocator));
  must(api->SessionGetInputTypeInfo(session, 0, &type)); must(api->CastTypeInfoToTensorInfo(type, &info)); must(api->GetDimensions(info, shape, 4));
  must(api->SessionGetModelMetadata(session, &meta)); must(api->ModelMetadataLookupCustomMetadataMap(meta, allocator, "edgefeat.spec", &spec));
  return spec;
}
static float *features(void *frame, size_t size, int64_t *shape, size_t *count) {
  OrtMemoryInfo *cpu; OrtValue *in, *out = NULL; OrtTensorTypeAndShapeInfo *info; float *data; const char *ins[] = {"frame"}, *outs[] = {"features"};
  must(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &cpu));
  must(api->CreateTensorWithDataAsOrtValue(cpu, frame, size, shape, 4, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, &in));
  must(api->Run(session, NULL, ins, (const OrtValue *const *)&in, 1, outs, 1, &out));
  must(api->GetTensorTypeAndShape(out, &info)); must(api->GetTensorShapeElementCount(info, count)); must(api->GetTensorMutableData(out, (void **)&data));
  return data; // the value is kept: a loop of frames releases it with api->ReleaseValue
}
*/
import "C"
import ("crypto/sha256"; "encoding/hex"; "encoding/json"; "fmt"; "os"; "unsafe")

// probeImage makes the picture of generator edgefeat-probe-1: the same in every language.
func probeImage(seed uint32, h, w, c int) []byte {
	pixels := make([]byte, h*w*c)
	for i := range pixels { y, x, k := i/c/w, i/c%w, i%c; pixels[i] = byte(y*160/h + x*95/w*(k+1)/3) }
	state := max(seed*2654435761+1, 1)
	next := func() int { state ^= state << 13; state ^= state >> 17; state ^= state << 5; return int(state >> 8) }
	for n := 0; n < 24; n++ {
		top, left := next()%h, next()%w
		bottom := min(h, top+1+next()%int(max(uint32(h/2), 1)))
		right := min(w, left+1+next()%int(max(uint32(w/2), 1)))
		colour := make([]byte, c)
		for k := range colour { colour[k] = byte(next()) }
		for y := top; y < bottom; y++ { for x := left; x < right; x++ { copy(pixels[(y*w+x)*c:], colour) } }
	}
	return pixels
}
func max(a, b uint32) uint32 { if a > b { return a }; return b }
func min(a, b int) int { if a < b { return a }; return b }
func main() {
	var shape [4]C.int64_t
	var spec struct{ Probe struct { Seed uint32; Features_sha256 string } }
	json.Unmarshal([]byte(C.GoString(C.start(C.CString(os.Args[1]), &shape[0]))), &spec)
	frame := probeImage(spec.Probe.Seed, int(shape[1]), int(shape[2]), int(shape[3]))
	if len(os.Args) > 2 { frame, _ = os.ReadFile(os.Args[2]) }
	var count C.size_t
	data := C.features(C.CBytes(frame), C.size_t(len(frame)), &shape[0], &count)
	sum := sha256.Sum256(C.GoBytes(unsafe.Pointer(data), C.int(count*4)))
	fmt.Println(hex.EncodeToString(sum[:]), "of the features; the probe's:", spec.Probe.Features_sha256)
}
