//! How fast; run by hand: `cargo nextest run -p codexd --run-ignored only measuring --no-capture`.

use std::time::Instant;

use super::fake::World;

/// A text of about 600 bytes; word `n` is about `n` times as rare as word 1.
fn text(seed: &mut u64, number: u64) -> String {
    let mut next = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) as f64 / (1_u64 << 31) as f64
    };
    let words: Vec<String> = (0..85)
        .map(|_| {
            let rank = (60_000_f64.powf(next())) as u64;
            let stem = ["con", "pro", "gel", "mea", "tri", "ana", "sol", "rea"][(rank % 8) as usize];
            format!("{stem}{rank:x}")
        })
        .collect();
    let status = ["todo", "doing", "done"][(number % 3) as usize];
    format!(
        "---\ntitle: Note {number}\nstatus: {status}\ntags: [t{}, lab]\n---\n# {}\n\n{}\nsee [[note{}]]\n",
        number % 50,
        words[..3].join(" "),
        words.join(" "),
        number / 2
    )
}

#[tokio::test]
#[ignore = "takes a minute and says how fast, not whether"]
async fn import_and_search() {
    let entries: u64 = std::env::var("MIRROR_ENTRIES").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let world = World::new();
    let mut seed = 7;
    for number in 0..entries {
        world.text(&format!("f{}/note{number}.md", number / 500), &text(&mut seed, number));
    }
    let start = Instant::now();
    world.settle().await;
    let took = start.elapsed();
    let size = std::fs::metadata(world.folder.path().join(".codex/mirror.db")).unwrap().len() >> 20;
    eprintln!("{entries} entries in {took:?}: {:.0}/s, {size} MiB", entries as f64 / took.as_secs_f64());
    for line in [
        "gela",
        "pro1 ",
        "con10 ",
        "mea3 rea7 ",
        "pro1 con10 ",
        "\"pro1 pro1\"",
        "con",
        "gel2",
        "pro1 an",
        "solf ",
        "tag:t7 pro1 ",
        "status:done pro1 ",
        "in:f3 pro1 ",
        "zzzz",
        "-pro1 tag:t9",
    ] {
        let mut times: Vec<_> = (0..20)
            .map(|_| {
                let start = Instant::now();
                let answer = world.mirror.search(line, 20, 0).unwrap();
                (start.elapsed(), answer.total)
            })
            .collect();
        times.sort();
        eprintln!("{line:24} p50 {:>10.2?} p95 {:>10.2?} of {}", times[10].0, times[18].0, times[0].1);
    }
    let query = serde_json::from_value(
        serde_json::json!({"properties": {"status": "done"}, "sort": "modified desc"}),
    )
    .unwrap();
    let start = Instant::now();
    let answer = world.mirror.query(&query).unwrap();
    eprintln!("query of {} files: {:?}", answer.total, start.elapsed());
    let start = Instant::now();
    world.text("f1/note501.md", "changed once more");
    world.settle().await;
    eprintln!("one edit searchable after {:?}", start.elapsed());
}
