// Features of raw frames by an edgefeat bundle, and the proof that they are right. Not run by us.
//
// Package: https://github.com/microsoft/onnxruntime-swift-package-manager, product "onnxruntime".
//   swift run client camera.onnx spec.json [frame.raw]
// spec.json is what `edgefeat info camera.onnx --json` prints: the package does not read metadata.
import CryptoKit
import Foundation
import OnnxRuntimeBindings

struct Info: Decodable {
    struct Spec: Decodable { let probe: Probe; let frame: Frame }
    struct Probe: Decodable { let seed: UInt32; let size_hw: [Int]; let features_sha256: String }
    struct Frame: Decodable { let pixels: String }
    let spec: Spec
}

/// The picture of generator edgefeat-probe-1: whole numbers only, the same in every language.
func probeImage(seed: UInt32, _ h: Int, _ w: Int, _ c: Int) -> Data {
    var pixels = Data(count: h * w * c)
    for i in 0..<h * w * c {
        pixels[i] = UInt8(truncatingIfNeeded: i / c / w * 160 / h + i / c % w * 95 / w * (i % c + 1) / 3)
    }
    var state = max(seed &* 2_654_435_761 &+ 1, 1)
    func next() -> Int {
        state ^= state << 13
        state ^= state >> 17
        state ^= state << 5
        return Int(state >> 8)
    }
    for _ in 0..<24 {
        let top = next() % h, left = next() % w
        let bottom = min(h, top + 1 + next() % max(1, h / 2))
        let right = min(w, left + 1 + next() % max(1, w / 2))
        let colour = (0..<c).map { _ in UInt8(truncatingIfNeeded: next()) }
        for y in top..<bottom { for x in left..<right { for k in 0..<c { pixels[(y * w + x) * c + k] = colour[k] } } }
    }
    return pixels
}

let words = CommandLine.arguments
let spec = try JSONDecoder().decode(Info.self, from: Data(contentsOf: URL(fileURLWithPath: words[2]))).spec
let (h, w) = (spec.probe.size_hw[0], spec.probe.size_hw[1])
let c = ["rgba": 4, "yuyv422": 2, "nv12": 1][spec.frame.pixels] ?? 3
let options = try ORTSessionOptions()
try options.setIntraOpNumThreads(1)
let session = try ORTSession(env: ORTEnv(loggingLevel: .error), modelPath: words[1], sessionOptions: options)

func hash(_ frame: Data) throws -> String {
    let shape = [1, h, w, c].map { NSNumber(value: $0) }
    let input = try ORTValue(tensorData: NSMutableData(data: frame), elementType: .uInt8, shape: shape)
    let outputs = try session.run(withInputs: ["frame": input], outputNames: ["features"], runOptions: nil)
    let features = try outputs["features"]!.tensorData() as Data
    return SHA256.hash(data: features).map { String(format: "%02x", $0) }.joined()
}

let got = try hash(probeImage(seed: spec.probe.seed, h, w, c))
print("self-test", got == spec.probe.features_sha256 ? "passed" : "FAILED", got)
if words.count > 3 { print("features", try hash(Data(contentsOf: URL(fileURLWithPath: words[3])))) }
