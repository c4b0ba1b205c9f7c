//! The store's key sealed to a TPM, as docs/guide/encryption.md says: swtpm, a TPM in software, and systemd-creds.
//! systemd itself, which would unseal it for the service, is not started here: its tool does that part.

use crate::world::*;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Whether both programs are there; said in one line where one is not.
fn installed() -> bool {
    let missing = ["swtpm", "systemd-creds"].into_iter().find(|name| {
        !std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
    });
    if let Some(name) = missing {
        eprintln!("skipped: {name} is not installed (scripts/setup.sh --tests; systemd 250 or newer)");
    }
    missing.is_none()
}

/// A machine's TPM; it ends with the test.
struct Tpm {
    port: u16,
    _process: Process,
}

impl Tpm {
    fn of(dir: &Path) -> Self {
        std::fs::create_dir_all(dir).unwrap();
        // The control channel is the port after the server's (what systemd's driver expects).
        let (server, control) = loop {
            let server = free_port();
            if server < u16::MAX && std::net::TcpListener::bind(("127.0.0.1", server + 1)).is_ok() {
                break (server, server + 1);
            }
        };
        let process = Command::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear", "--tpmstate"])
            .arg(format!("dir={}", dir.display()))
            .args(["--server", &format!("type=tcp,port={server},bindaddr=127.0.0.1")])
            .args(["--ctrl", &format!("type=tcp,port={control},bindaddr=127.0.0.1")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { port: server, _process: Process(process) }
    }

    fn creds(&self, verb: &str, more: &[&str], from: &Path, to: &Path) -> Output {
        Command::new("systemd-creds")
            .arg(verb)
            .args(more)
            .arg(format!("--tpm2-device=swtpm:host=127.0.0.1,port={}", self.port))
            .arg("--name=platewatch-store")
            .args([from, to])
            .output()
            .unwrap()
    }
}

#[test]
fn a_key_sealed_to_the_machine_opens_the_store_there_and_nowhere_else() {
    if !installed() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (key, sealed, credentials) =
        (dir.join("store.key"), dir.join("store.key.cred"), dir.join("credentials"));
    std::fs::create_dir(&credentials).unwrap();
    let unsealed = credentials.join("platewatch-store");
    assert!(run(&["store", "keygen", "--out", key.to_str().unwrap()]).status.success());

    let here = Tpm::of(&dir.join("tpm"));
    eventually("the key is sealed", || {
        here.creds("encrypt", &["--with-key=tpm2"], &key, &sealed).status.success().then_some(())
    });
    let secret = std::fs::read_to_string(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    assert!(!String::from_utf8_lossy(&std::fs::read(&sealed).unwrap()).contains(secret.trim()));

    // The stolen disk in another machine, whose TPM works.
    let (elsewhere, other) = (Tpm::of(&dir.join("another-tpm")), dir.join("other.key"));
    std::fs::write(&other, "of the other machine").unwrap();
    eventually("the other TPM seals", || {
        let done = elsewhere.creds("encrypt", &["--with-key=tpm2"], &other, &dir.join("other.cred"));
        done.status.success().then_some(())
    });
    let refused = elsewhere.creds("decrypt", &[], &sealed, &unsealed);
    assert!(!refused.status.success() && !unsealed.exists(), "{}", stderr(&refused));

    // What systemd does at the start of the service.
    let opened = here.creds("decrypt", &[], &sealed, &unsealed);
    assert!(opened.status.success(), "{}", stderr(&opened));

    let config = dir.join("box.toml");
    std::fs::create_dir(dir.join("in")).unwrap();
    std::fs::copy(root().join("samples/pictures/day-1.jpg"), dir.join("in/1.jpg")).unwrap();
    std::fs::write(&config, folder_box("[store.encryption]\ncredential = \"platewatch-store\"")).unwrap();
    let with = |args: &[&str]| {
        platewatch()
            .args(args)
            .arg("--config")
            .arg(&config)
            .env("CREDENTIALS_DIRECTORY", &credentials)
            .output()
            .unwrap()
    };
    let ran = with(&["run"]);
    assert!(ran.status.success(), "{}", stderr(&ran));
    let passages = with(&["log", "--passages"]);
    assert!(passages.status.success() && stdout(&passages).lines().count() > 1, "{}", stderr(&passages));
    let without = run(&["log", "--passages", "--data", dir.join("store").to_str().unwrap()]);
    assert!(
        !without.status.success() && stderr(&without).contains("no key was given"),
        "{}",
        stderr(&without)
    );
}
