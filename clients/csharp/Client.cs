// Features of raw frames by an edgefeat bundle, and the proof that they are right. Not run by us.
//
//   dotnet new console -o client && cd client && dotnet add package Microsoft.ML.OnnxRuntime
//   (Client.cs in the place of Program.cs)  dotnet run -- camera.onnx [frame.raw]
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

using var options = new SessionOptions { IntraOpNumThreads = 1 };
using var session = new InferenceSession(args[0], options);
var spec = JsonDocument.Parse(session.ModelMetadata.CustomMetadataMap["edgefeat.spec"]).RootElement;
var probe = spec.GetProperty("probe");
var shape = session.InputMetadata["frame"].Dimensions; // 1, rows, columns, values

string Hash(byte[] frame)
{
    var input = NamedOnnxValue.CreateFromTensor("frame", new DenseTensor<byte>(frame, shape));
    using var results = session.Run(new[] { input }, new[] { "features" });
    var features = results[0].AsTensor<float>().ToArray();
    return Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes<float>(features))).ToLowerInvariant();
}

// The picture of generator edgefeat-probe-1: whole numbers only, the same in every language.
byte[] ProbeImage(uint seed, int h, int w, int c)
{
    var pixels = new byte[h * w * c];
    for (var i = 0; i < pixels.Length; i++)
    {
        int y = i / c / w, x = i / c % w, k = i % c;
        pixels[i] = unchecked((byte)(y * 160 / h + x * 95 / w * (k + 1) / 3));
    }
    var state = unchecked(seed * 2654435761u + 1);
    if (state == 0) state = 1;
    int Next() { state ^= state << 13; state ^= state >> 17; state ^= state << 5; return (int)(state >> 8); }
    for (var n = 0; n < 24; n++)
    {
        int top = Next() % h, left = Next() % w;
        var bottom = Math.Min(h, top + 1 + Next() % Math.Max(1, h / 2));
        var right = Math.Min(w, left + 1 + Next() % Math.Max(1, w / 2));
        var colour = Enumerable.Range(0, c).Select(_ => unchecked((byte)Next())).ToArray();
        for (var y = top; y < bottom; y++)
            for (var x = left; x < right; x++) colour.CopyTo(pixels, (y * w + x) * c);
    }
    return pixels;
}

var got = Hash(ProbeImage(probe.GetProperty("seed").GetUInt32(), shape[1], shape[2], shape[3]));
var passed = got == probe.GetProperty("features_sha256").GetString();
Console.WriteLine($"self-test {(passed ? "passed" : "FAILED")} {got}");
if (args.Length > 1) Console.WriteLine($"features {Hash(File.ReadAllBytes(args[1]))}");
return passed ? 0 : 1;
