//! The audit chain and the store's own check, on what the real binary has written.

use crate::world::*;
use std::path::Path;

/// A box with one picture as its camera, so that it starts and ends by itself.
pub(crate) fn configured(dir: &Path) -> std::path::PathBuf {
    let pictures = dir.join("pictures-in");
    std::fs::create_dir_all(&pictures).unwrap();
    std::fs::copy(root().join("samples/pictures/day-1.jpg"), pictures.join("1.jpg")).unwrap();
    let config = dir.join("box.toml");
    let text = format!(
        "zone = \"antwerp\"\nbox = \"box-1\"\n[store]\ndir = {:?}\n[vision]\nworkers = 1\ndetector = {:?}\nreader = {:?}\n\
         [[cameras]]\nname = \"gate\"\nfolder = {:?}\n[[hotlists]]\nname = \"wanted\"\npath = {:?}\n\
         [mqtt]\nembedded = true\nport = {}\n",
        dir.join("store"),
        root().join("models/detector.toml"),
        root().join("models/reader.toml"),
        pictures,
        root().join("samples/hotlist.csv"),
        free_port(),
    );
    std::fs::write(&config, text).unwrap();
    config
}

/// Its store, after it has run.
fn played(dir: &Path) -> std::path::PathBuf {
    let config = configured(dir);
    let output = run(&["run", "--config", config.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    dir.join("store")
}

pub(crate) fn verb(args: &[&str], store: &Path, more: &[&str]) -> (Option<i32>, String) {
    let all: Vec<&str> =
        args.iter().copied().chain(["--data", store.to_str().unwrap()]).chain(more.iter().copied()).collect();
    let output = run(&all);
    (output.status.code(), stdout(&output) + &stderr(&output))
}

#[test]
fn what_a_box_does_stands_in_a_chain_that_shows_every_change() {
    let dir = tempfile::tempdir().unwrap();
    let store = played(dir.path());
    let (code, listed) = verb(&["audit", "list"], &store, &[]);
    assert_eq!(code, Some(0), "{listed}");
    for action in [
        "box-started",
        "configuration-used",
        "list-activated",
        "camera-started",
        "camera-stopped",
        "box-stopped",
    ] {
        assert!(listed.contains(action), "{action} is missing:\n{listed}");
    }
    let (code, said) = verb(&["audit", "verify"], &store, &[]);
    assert_eq!(code, Some(0), "{said}");
    let head = said.lines().find_map(|l| l.strip_prefix("head ")).unwrap().to_owned();
    let (code, said) = verb(&["check", "store"], &store, &["--head", &head]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("findings 0"), "{said}");

    // Someone with the file and the sqlite3 shell.
    let database = rusqlite::Connection::open(store.join("platewatch.db")).unwrap();
    database.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM audit_seal; DELETE FROM audit WHERE seq >= (SELECT seq FROM audit WHERE action = 'box-stopped')").unwrap();
    let (code, said) = verb(&["audit", "verify"], &store, &["--head", &head]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cut off"), "{said}");
    database.execute_batch("UPDATE audit SET detail = '{}' WHERE action = 'list-activated'").unwrap();
    let (code, said) = verb(&["audit", "verify"], &store, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("was changed"), "{said}");
}

#[test]
fn a_message_given_up_on_is_listed_and_can_be_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = played(dir.path());
    let database = rusqlite::Connection::open(store.join("platewatch.db")).unwrap();
    database
        .execute_batch(
            "INSERT INTO outbox (event_id, kind, topic, payload, created_at, state, ended_at, reason)
             VALUES ('e1', 'passage', 't', '{}', 1, 'dead', 2, 'the broker refused it: NotAuthorized')",
        )
        .unwrap();
    let (_, listed) = verb(&["outbox", "list"], &store, &[]);
    assert!(listed.contains("NotAuthorized"), "{listed}");
    let (code, said) = verb(&["outbox", "retry", "--all"], &store, &["--by", "j.peeters"]);
    assert_eq!((code, said.trim()), (Some(0), "1 message will be sent again"));
    let (_, listed) = verb(&["audit", "list"], &store, &["--action", "outbox-retried"]);
    assert!(listed.contains("j.peeters"), "{listed}");
    let (_, said) = verb(&["check", "store"], &store, &[]);
    assert!(said.contains("outbox_dead 0") && said.contains("outbox_pending 1"), "{said}");
}

#[test]
fn systemd_is_told_when_the_box_is_ready_alive_and_stopping() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let config = configured(dir.path());
    let mut command = platewatch();
    command.args(["run", "--config", config.to_str().unwrap()]).env("NOTIFY_SOCKET", &path);
    assert!(command.status().unwrap().success());
    socket.set_nonblocking(true).unwrap();
    let mut told = String::new();
    let mut bytes = [0; 4096];
    while let Ok(n) = socket.recv(&mut bytes) {
        told += &String::from_utf8_lossy(&bytes[..n]);
        told += "\n";
    }
    for word in ["READY=1", "WATCHDOG=1", "STATUS=1 cameras", "STOPPING=1"] {
        assert!(told.contains(word), "{word} is missing in {told:?}");
    }
}
