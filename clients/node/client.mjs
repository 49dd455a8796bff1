// Features of raw frames by an edgefeat bundle, and the proof that they are right.
//
//   npm install onnxruntime-node
//   node client.mjs camera.onnx [frame.raw]
//
// frame.raw holds one frame's bytes in the bundle's size and layout (see `edgefeat info`).
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const ort = createRequire(`${process.cwd()}/`)("onnxruntime-node");

/** The JSON under metadata key edgefeat.spec: a protobuf string, its length before it. */
function readSpec(file) {
  const key = Buffer.from("edgefeat.spec\x12");
  let at = file.lastIndexOf(key) + key.length, length = 0, shift = 0, byte;
  do { byte = file[at++]; length |= (byte & 127) << shift; shift += 7; } while (byte & 128);
  return JSON.parse(file.toString("utf8", at, at + length));
}

/** The picture of generator edgefeat-probe-1: whole numbers only, the same in every language. */
function probeImage(seed, [height, width], channels) {
  const pixels = new Uint8Array(height * width * channels), at = (y, x) => (y * width + x) * channels;
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++)
    pixels[at(y, x) + c] = Math.floor(y * 160 / height) + Math.floor(Math.floor(x * 95 / width) * (c + 1) / 3);
  let state = (Math.imul(seed, 2654435761) + 1) >>> 0 || 1;
  const next = () => {
    state ^= state << 13; state >>>= 0; state ^= state >>> 17; state ^= state << 5; state >>>= 0;
    return state >>> 8;
  };
  for (let n = 0; n < 24; n++) {
    const [top, left, high, wide, ...colour] = Array.from({ length: 4 + channels }, next);
    const bottom = Math.min(height, top % height + 1 + high % Math.max(1, height >> 1));
    const right = Math.min(width, left % width + 1 + wide % Math.max(1, width >> 1));
    for (let y = top % height; y < bottom; y++) for (let x = left % width; x < right; x++)
      pixels.set(colour, at(y, x));  // each number modulo 256
  }
  return pixels;
}

const [path, framePath] = process.argv.slice(2);
const spec = readSpec(readFileSync(path)), probe = spec.probe;
const [height, width] = probe.size_hw;
if (!probe.features_sha256) throw Error(`${path} carries no hash: only int8 models give the same bits everywhere`);
const channels = { rgba: 4, yuyv422: 2, nv12: 1 }[spec.frame.pixels] ?? 3;
const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1 });
const features = async pixels => {
  const frame = new ort.Tensor("uint8", pixels, [1, height, width, channels]);
  return (await session.run({ frame }, ["features"])).features.data;
};
const sha256 = data => createHash("sha256").update(Buffer.from(data.buffer, data.byteOffset, data.byteLength)).digest("hex");

const got = sha256(await features(probeImage(probe.seed, probe.size_hw, channels)));
const passed = got === probe.features_sha256;
console.log(`self-test ${passed ? "passed" : "FAILED"} ${got}`);
if (framePath) console.log(`features ${sha256(await features(new Uint8Array(readFileSync(framePath))))}`);
process.exit(passed ? 0 : 1);
