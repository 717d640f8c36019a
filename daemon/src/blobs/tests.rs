#![allow(clippy::unwrap_used)]

use super::*;

async fn store() -> (tempfile::TempDir, Blobs) {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(dir.path().join("blobs")).await.unwrap();
    (dir, blobs)
}

#[tokio::test]
async fn what_goes_in_comes_out_and_survives_reopening() {
    let (dir, blobs) = store().await;
    let mut paths = Vec::new();
    for (n, size) in [0_usize, 1, 16 << 10, (16 << 10) + 1, 300_000].into_iter().enumerate() {
        let path = dir.path().join(format!("f{n}"));
        std::fs::write(&path, vec![n as u8; size]).unwrap();
        paths.push(path);
    }
    let missing = dir.path().join("missing");
    let mut asked = paths.clone();
    asked.insert(2, missing);
    let mut taken = blobs.import_many(asked).await;
    let error = taken.remove(2).unwrap_err().to_string();
    assert!(error.contains("missing"), "{error}");
    blobs.sync().await.unwrap();
    blobs.shutdown().await;
    drop(blobs);

    let blobs = Blobs::open(dir.path().join("blobs")).await.unwrap();
    for (path, taken) in paths.iter().zip(taken) {
        let (hash, size) = taken.unwrap();
        let bytes = std::fs::read(path).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!((hash, size), (ContentHash::of(&bytes), bytes.len() as u64));
        assert!(blobs.has(&hash).await.unwrap());
        blobs.export(&hash, path).await.unwrap();
        assert_eq!(std::fs::read(path).unwrap(), bytes);
    }
    blobs.shutdown().await;
}

/// losses.md L41: nothing is collected, whatever becomes of the file that it came from, or of the entry: it may be the
/// last copy.
#[tokio::test]
async fn the_last_copy_stays() {
    let (dir, blobs) = store().await;
    let file = dir.path().join("image.png");
    let mut versions = Vec::new();
    for n in 0..3_u8 {
        std::fs::write(&file, vec![n; 100_000]).unwrap();
        versions.push(blobs.import(&file).await.unwrap().0);
    }
    std::fs::remove_file(&file).unwrap();
    blobs.sync().await.unwrap();
    blobs.shutdown().await;
    drop(blobs);
    let blobs = Blobs::open(dir.path().join("blobs")).await.unwrap();
    for (n, hash) in (0..3_u8).zip(versions) {
        blobs.export(&hash, &file).await.unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), vec![n; 100_000]);
    }
    blobs.shutdown().await;
}

#[tokio::test]
async fn a_range_is_read_and_nothing_beyond_the_end() {
    let (_dir, blobs) = store().await;
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let hash = blobs.import_bytes(bytes.clone().into()).await.unwrap();
    for (offset, len) in [(0, 10), (1_000, 70_000), (199_990, 100), (200_000, 5), (u64::MAX, u64::MAX)] {
        let start = offset.min(200_000) as usize;
        let end = offset.saturating_add(len).min(200_000) as usize;
        assert_eq!(blobs.read(&hash, offset, len).await.unwrap(), bytes[start..end], "{offset} {len}");
    }
    let absent = ContentHash::of(b"absent");
    assert!(!blobs.has(&absent).await.unwrap());
    assert!(blobs.read(&absent, 0, 1).await.is_err());
    blobs.shutdown().await;
}

/// losses.md L42: the file is the user's; what was taken in stays whatever becomes of it.
#[tokio::test]
async fn a_large_file_may_change_or_go_after_it_was_taken_in() {
    let (dir, blobs) = store().await;
    let big = dir.path().join("big");
    let file = std::fs::File::create(&big).unwrap();
    file.set_len(LARGE_BYTES + 1).unwrap();
    let (hash, _) = blobs.import(&big).await.unwrap();
    std::fs::remove_file(&big).unwrap();
    let target = dir.path().join("out");
    blobs.export(&hash, &target).await.unwrap();
    assert_eq!(std::fs::metadata(&target).unwrap().len(), LARGE_BYTES + 1);
    blobs.shutdown().await;
}
