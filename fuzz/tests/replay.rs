//! The committed corpus, and what was once found, on stable Rust.
#![allow(clippy::unwrap_used)]

use std::path::Path;

#[test]
fn the_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in fuzz::TARGETS {
        let folder = corpus.join(name);
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap_or_else(|why| panic!("{}: {why}", folder.display()))
            .map(|file| file.unwrap().path())
            .collect();
        // One that goes on where another ended repeats itself only in order.
        files.sort();
        assert!(files.len() >= 3, "{name} has a corpus of {}", files.len());
        for file in files {
            target(&std::fs::read(file).unwrap());
        }
        for odd in [&b""[..], b"\0", b"\xff\xfe", b"{", b"%", b"=&=&", &[b'9'; 300]] {
            target(odd);
        }
    }
}

/// What is nearly a file that people write: bytes of the corpus changed, cut, doubled, by seed.
#[test]
fn what_is_near_the_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let near = ["settings", "import", "config", "template", "statement", "mutations"];
    for (name, target) in fuzz::TARGETS.into_iter().filter(|(name, _)| near.contains(name)) {
        for file in std::fs::read_dir(corpus.join(name)).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            for seed in 0..60 {
                target(&fuzz::near(&bytes, seed));
            }
        }
    }
}
