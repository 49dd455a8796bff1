// Features of raw frames by an edgefeat bundle, and the proof that they are right. Not run by us.
//
//   java -cp onnxruntime-VERSION.jar Client.java camera.onnx [frame.raw]      (Java 17; on Android the same classes)
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.regex.Pattern;

class Client {
    static int state;

    static int next(int below) {
        state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
        return (state >>> 8) % below;
    }

    /** The picture of generator edgefeat-probe-1: whole numbers only, the same in every language. */
    static byte[] probeImage(int seed, int h, int w, int c) {
        byte[] pixels = new byte[h * w * c], colour = new byte[c];
        for (int i = 0; i < pixels.length; i++)
            pixels[i] = (byte) (i / c / w * 160 / h + i / c % w * 95 / w * (i % c + 1) / 3);
        state = seed * (int) 2654435761L + 1;
        if (state == 0) state = 1;
        for (int n = 0; n < 24; n++) {
            int top = next(h), left = next(w);
            int bottom = Math.min(h, top + 1 + next(Math.max(1, h / 2))), right = Math.min(w, left + 1 + next(Math.max(1, w / 2)));
            for (int k = 0; k < c; k++) colour[k] = (byte) next(1 << 24);
            for (int y = top; y < bottom; y++)
                for (int x = left; x < right; x++) System.arraycopy(colour, 0, pixels, (y * w + x) * c, c);
        }
        return pixels;
    }

    public static void main(String[] words) throws Exception {
        var environment = OrtEnvironment.getEnvironment();
        var options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(1);
        var session = environment.createSession(words[0], options);
        String spec = session.getMetadata().getCustomMetadata().get("edgefeat.spec");
        long[] shape = ((TensorInfo) session.getInputInfo().get("frame").getInfo()).getShape();
        var seed = Pattern.compile("\"seed\": (\\d+)").matcher(spec);
        byte[] frame = words.length > 1 ? Files.readAllBytes(Path.of(words[1]))
            : probeImage(seed.find() ? Integer.parseInt(seed.group(1)) : 0, (int) shape[1], (int) shape[2], (int) shape[3]);
        var input = OnnxTensor.createTensor(environment, ByteBuffer.allocateDirect(frame.length).put(frame).rewind(), shape, OnnxJavaType.UINT8);
        var features = ((OnnxTensor) session.run(Map.of("frame", input)).get("features").orElseThrow()).getFloatBuffer();
        var bytes = ByteBuffer.allocate(4 * features.remaining()).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(features);
        System.out.println(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.array()))
            + (words.length > 1 ? " of the frame" : " of the probe, to compare with probe.features_sha256"));
    }
}
