//! `platewatch store encrypt` and `decrypt` of the real program, killed at random moments: one whole store each time.

use crate::world::*;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Kills; more with KILLS=N, for the figure in docs/guide/reliability.md.
fn kills() -> u32 {
    std::env::var("KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(12)
}

/// A configuration of the store `store` in `dir`, with the key or without.
fn config(dir: &Path, sealed: bool) -> PathBuf {
    let path = dir.join(if sealed { "sealed.toml" } else { "plain.toml" });
    let text = format!(
        "zone = \"antwerp\"\nbox = \"box-1\"\n[store]\ndir = \"store\"\n{}\n[vision]\ndetector = {:?}\nreader = {:?}\n\
         [[cameras]]\nname = \"gate\"\nv4l2 = \"/dev/video-none\"\n[log]\nlevel = \"error\"\n\
         [mqtt]\nhost = \"127.0.0.1\"\nport = {}\n",
        if sealed { "[store.encryption]\nkey_file = \"key\"" } else { "" },
        root().join("models/detector.toml"),
        root().join("models/reader.toml"),
        free_port(),
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn load(config: &Path, seconds: &str) -> std::process::Output {
    let config = config.to_str().unwrap();
    run(&[
        "bench",
        "load",
        "--config",
        config,
        "--per-second",
        "100",
        "--seconds",
        seconds,
        "--drain-seconds",
        "0",
    ])
}

/// `check store`: whether it could be opened, and what it counts.
fn check(config: &Path) -> Option<Vec<String>> {
    let output = run(&["check", "store", "--config", config.to_str().unwrap()]);
    let said = stdout(&output);
    if !said.contains("findings ") {
        let error = stderr(&output);
        assert!(
            error.contains("no key was given") || error.contains("is not encrypted"),
            "refused for what it is: {error}"
        );
        return None;
    }
    assert_eq!(output.status.code(), Some(0), "{said}");
    let counted = ["pictures ", "outbox_pending ", "findings "];
    Some(said.lines().filter(|l| counted.iter().any(|c| l.starts_with(c))).map(str::to_owned).collect())
}

#[test]
fn a_conversion_killed_at_any_moment_leaves_one_whole_store() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert!(run(&["store", "keygen", "--out", dir.join("key").to_str().unwrap()]).status.success());
    let (plain, sealed) = (config(dir, false), config(dir, true));
    let output = load(&plain, "1");
    assert!(stdout(&output).contains("recorded hit"), "{}", stderr(&output));
    let wanted = check(&plain).unwrap();
    assert!(!wanted.contains(&"pictures 0".to_owned()), "{wanted:?}");
    // How long one takes here, undisturbed.
    let verb = |encrypt: bool| {
        let mut command = platewatch();
        command.args(["store", if encrypt { "encrypt" } else { "decrypt" }, "--config"]).arg(&sealed);
        command
    };
    let began = Instant::now();
    assert!(verb(true).output().unwrap().status.success());
    let whole = began.elapsed();
    let (mut is_sealed, mut cut_off, mut recovered) = (true, 0, 0);
    for n in 0..kills() {
        let mut child = Process(verb(!is_sealed).spawn().unwrap());
        // Spread over its whole time, not at random: each run tries other moments.
        let share = f64::from((n * 37 + 11) % 100) / 100.0;
        std::thread::sleep(whole.mul_f64(share * 1.1).max(Duration::from_millis(1)));
        cut_off += u32::from(child.0.try_wait().unwrap().is_none());
        let _ = child.0.kill();
        child.0.wait().unwrap();
        // Whoever opens it for recording finishes or undoes what was begun; with either configuration.
        let interrupted =
            dir.join("store/converting").exists() || dir.join("store/before-conversion").exists();
        recovered += u32::from(interrupted);
        load(&plain, "0");
        load(&sealed, "0");
        assert!(
            !dir.join("store/converting").exists() && !dir.join("store/before-conversion").exists(),
            "run {n}"
        );
        let found = [check(&plain), check(&sealed)];
        is_sealed = found[1].is_some();
        assert_eq!(found.iter().flatten().collect::<Vec<_>>(), [&wanted], "run {n}: {found:?}");
        let audit =
            run(&["audit", "verify", "--config", if is_sealed { &sealed } else { &plain }.to_str().unwrap()]);
        assert_eq!(audit.status.code(), Some(0), "run {n}: {}", stdout(&audit));
    }
    println!("conversion-kill runs={} cut_off={cut_off} left_begun={recovered} lost=0", kills());
    assert!(cut_off > 0, "every one was over before it was killed");
}
