//! Features of raw frames by an edgefeat bundle, and the proof that they are right. Not run by us.
//!
//!     cargo new client && cd client && cargo add ort@=2.0.0-rc.10 serde_json sha2 hex && cp .../main.rs src/
//!     cargo run --release -- camera.onnx [frame.raw]
use ort::{session::Session, value::Tensor};
use sha2::{Digest, Sha256};

type Failure = Box<dyn std::error::Error>;

/// The picture of generator edgefeat-probe-1: whole numbers only, the same in every language.
fn probe_image(seed: u32, h: usize, w: usize, c: usize) -> Vec<u8> {
    let mut pixels: Vec<u8> = (0..h * w * c)
        .map(|i| (i / c / w, i / c % w, i % c))
        .map(|(y, x, k)| (y * 160 / h + x * 95 / w * (k + 1) / 3) as u8)
        .collect();
    let mut state = seed.wrapping_mul(2654435761).wrapping_add(1).max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as usize
    };
    for _ in 0..24 {
        let (top, left) = (next() % h, next() % w);
        let bottom = h.min(top + 1 + next() % (h / 2).max(1));
        let right = w.min(left + 1 + next() % (w / 2).max(1));
        let colour: Vec<u8> = (0..c).map(|_| next() as u8).collect();
        for y in top..bottom {
            for x in left..right {
                pixels[(y * w + x) * c..][..c].copy_from_slice(&colour);
            }
        }
    }
    pixels
}

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().collect();
    let mut session = Session::builder()?.with_intra_threads(1)?.commit_from_file(&words[1])?;
    let text = session.metadata()?.custom("edgefeat.spec")?.ok_or("not an edgefeat file")?;
    let spec: serde_json::Value = serde_json::from_str(&text)?;
    let probe = &spec["probe"];
    let side = |place: usize| probe["size_hw"][place].as_u64().unwrap_or(0) as usize;
    let (h, w) = (side(0), side(1));
    let c = match spec["frame"]["pixels"].as_str() { Some("rgba") => 4, Some("yuyv422") => 2, Some("nv12") => 1, _ => 3 };
    let mut hash = |frame: Vec<u8>| -> Result<String, Failure> {
        let input = Tensor::from_array(([1usize, h, w, c], frame))?;
        let outputs = session.run(ort::inputs!["frame" => input])?;
        let (_, features) = outputs["features"].try_extract_tensor::<f32>()?;
        let bytes: Vec<u8> = features.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(hex::encode(Sha256::digest(bytes)))
    };
    let got = hash(probe_image(probe["seed"].as_u64().unwrap_or(0) as u32, h, w, c))?;
    let passed = probe["features_sha256"].as_str() == Some(&got);
    println!("self-test {} {got}", if passed { "passed" } else { "FAILED" });
    if let Some(path) = words.get(2) { println!("features {}", hash(std::fs::read(path)?)?); }
    std::process::exit(!passed as i32)
}
