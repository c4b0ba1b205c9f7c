//! A binary that is older than its database refuses, in words that help, and touches nothing.

use super::world::{root, run, stderr};

#[test]
fn an_older_binary_refuses_a_newer_database_and_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let data = store.to_str().unwrap();
    // A real database of this version, made by the binary, then as the next version would have it.
    let config = dir.path().join("box.toml");
    std::fs::create_dir(dir.path().join("frames")).unwrap();
    std::fs::copy(root().join("samples/pictures/day-1.jpg"), dir.path().join("frames/1.jpg")).unwrap();
    std::fs::write(
        &config,
        format!(
            "zone = \"z\"\nbox = \"b\"\n[store]\ndir = {store:?}\n[vision]\ndetector = {:?}\nreader = {:?}\n\
             [[cameras]]\nname = \"c\"\nfolder = {:?}\n[mqtt]\nembedded = true\nport = 0\n",
            root().join("models/detector.toml"),
            root().join("models/reader.toml"),
            dir.path().join("frames"),
        ),
    )
    .unwrap();
    let config = config.to_str().unwrap();
    let made = run(&["bench", "load", "--config", config, "--seconds", "0", "--drain-seconds", "2"]);
    assert!(made.status.success(), "{}", stderr(&made));
    let database = store.join("platewatch.db");
    let known: i64 = {
        let db = rusqlite::Connection::open(&database).unwrap();
        let known = db.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap();
        db.execute_batch(&format!(
            "CREATE TABLE of_the_future (x INTEGER) STRICT; PRAGMA user_version = {};
             PRAGMA wal_checkpoint(TRUNCATE)",
            known + 1
        ))
        .unwrap();
        known
    };
    let before = std::fs::read(&database).unwrap();
    let text = format!(
        "{} has schema version {}, this platewatch knows up to {known}; install the newer platewatch again, or \
         restore the copy made before the upgrade (platewatch.db.v{known}.bak)",
        database.display(),
        known + 1
    );
    for verb in [
        vec!["run", "--config", config],
        vec!["log", "--data", data],
        vec!["outbox", "list", "--data", data],
        vec!["audit", "verify", "--data", data],
        vec!["alarms", "list", "--data", data],
    ] {
        let output = run(&verb);
        assert_eq!(output.status.code(), Some(1), "{verb:?}");
        assert!(stderr(&output).contains(&text), "{verb:?}: {}", stderr(&output));
    }
    assert_eq!(std::fs::read(&database).unwrap(), before, "not a byte was changed");
    let copies = std::fs::read_dir(&store).unwrap().filter(|e| {
        let name = e.as_ref().unwrap().file_name().to_string_lossy().into_owned();
        name.contains(".bak") || name.contains("damaged")
    });
    assert_eq!(copies.count(), 0);
}
