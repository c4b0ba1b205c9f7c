//! Secrets that can be recognised, given to the real program in every way there is, are in nothing it gives out.

use crate::world::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const CAMERA: &str = "CAMERA-secret-7f3a";
const BASE64_OF_CAMERA: &str = "dmlld2VyOkNBTUVSQS1zZWNyZXQtN2YzYQ=="; // viewer:CAMERA-secret-7f3a
const BROKER: &str = PASSWORD;

/// A camera that wants a password (basic authentication) and lets nobody in; how often it was shown the right one.
fn camera() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let shown = Arc::new(AtomicUsize::new(0));
    let count = shown.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 2_000];
            let n = stream.read(&mut request).unwrap_or(0);
            if String::from_utf8_lossy(&request[..n]).contains(BASE64_OF_CAMERA) {
                count.fetch_add(1, Ordering::SeqCst);
            }
            let _ = stream.write_all(
                b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
            );
        }
    });
    (port, shown)
}

/// Every secret as it could show: as text, in base64, in hexadecimal small and large.
fn forms(secrets: &[String]) -> Vec<String> {
    let mut forms = vec![BASE64_OF_CAMERA.to_owned()];
    for secret in secrets {
        let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
        forms.extend([secret.clone(), hex.to_uppercase(), hex, secret.to_uppercase()]);
    }
    forms
}

fn none_in(what: &str, text: &[u8], forms: &[String]) {
    for form in forms {
        if let Some(at) = memchr::memmem::find(text, form.as_bytes()) {
            let around = String::from_utf8_lossy(&text[at.saturating_sub(200)..at]).into_owned();
            panic!("a secret shows in {what}, after: {around}");
        }
    }
}

fn files(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn secrets_are_in_no_log_message_page_record_process_list_or_core() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let broker = Mosquitto::start(dir);
    let (_subscriber, heard) = broker.subscriber();
    let (camera_port, shown) = camera();
    let secret = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    };
    secret("camera.password", CAMERA);
    let key = "5ec2e7".repeat(10) + "abcd";
    secret("store.key", &key);
    let console = free_port();
    let config = dir.join("box.toml");
    let text = format!(
        "zone = \"antwerp\"\nbox = \"box-1\"\n[store]\ndir = \"store\"\n[store.encryption]\nkey_file = \"store.key\"\n\
         [log]\nlevel = \"trace\"\n[vision]\nworkers = 1\ndetector = {:?}\nreader = {:?}\n\
         [[cameras]]\nname = \"gate\"\nmjpeg = \"http://127.0.0.1:{camera_port}/x\"\nusername = \"viewer\"\n\
         password_file = \"camera.password\"\nreconnect_s = [0.1, 0.2]\n\
         [[cameras]]\nname = \"quay\"\nrtsp = \"rtsp://127.0.0.1:{}/x\"\nusername = \"viewer\"\n\
         password_env = \"QUAY_PASSWORD\"\nreconnect_s = [0.1, 0.2]\n\
         [[hotlists]]\nname = \"wanted\"\npath = {:?}\n[console]\nlisten = \"127.0.0.1:{console}\"\n{}",
        root().join("models/detector.toml"),
        root().join("models/reader.toml"),
        free_port(),
        root().join("samples/hotlist.csv"),
        broker.section(),
    );
    std::fs::write(&config, text).unwrap();
    let all = [CAMERA, BROKER, &key].map(str::to_owned).into_iter().chain(["QUAY-secret-91bc".into()]);
    let forms = forms(&all.collect::<Vec<_>>());
    none_in("nothing", b"5ec2e7", &forms);
    assert!(std::panic::catch_unwind(|| none_in("a test of the test", key.as_bytes(), &forms)).is_err());

    let work = dir.join("cwd");
    std::fs::create_dir(&work).unwrap();
    // Core dumps of any size are wanted, in the working folder: the program must not give one.
    let mut child = Command::new("sh")
        .args([
            "-c",
            "ulimit -c unlimited; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_platewatch"),
            "run",
            "--config",
        ])
        .arg(&config)
        .current_dir(&work)
        .env("QUAY_PASSWORD", "QUAY-secret-91bc")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = Arc::new(Mutex::new(Vec::new()));
    let streams: [Box<dyn Read + Send>; 2] =
        [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
    let readers: Vec<_> = streams
        .into_iter()
        .map(|mut stream| {
            let said = said.clone();
            std::thread::spawn(move || {
                let mut piece = [0; 65_536];
                while let Ok(n) = stream.read(&mut piece) {
                    if n == 0 {
                        return;
                    }
                    said.lock().unwrap().extend_from_slice(&piece[..n]);
                }
            })
        })
        .collect();
    let mut box_1 = Process(child);
    let pid = box_1.0.id();
    eventually("the camera's password is used", || (shown.load(Ordering::SeqCst) > 1).then_some(()));
    eventually("the broker's is", || payloads(&heard, "/health").pop());
    eventually("both cameras are said to fail", || {
        (payloads(&heard, "/cameras/gate/status").len() > 1
            && payloads(&heard, "/cameras/quay/status").len() > 1)
            .then_some(())
    });
    let get = |path: &str| {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", console)).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{console}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    };
    for path in ["/", "/health", "/metrics", "/healthz"] {
        none_in(path, &get(path), &forms);
    }
    let proc = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).unwrap();
    none_in("the process list", &proc("cmdline"), &forms);
    none_in("the names of threads", &proc("comm"), &forms);
    let limits = String::from_utf8(proc("limits")).unwrap();
    let core = limits.lines().find(|l| l.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{limits}");

    // It crashes, by a signal whose default is a core dump.
    Command::new("kill").args(["-ABRT", &pid.to_string()]).status().unwrap();
    let status = box_1.0.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
    assert_eq!(std::fs::read_dir(&work).unwrap().count(), 0, "a core was written");
    readers.into_iter().for_each(|r| r.join().unwrap());
    let said = said.lock().unwrap();
    let log = String::from_utf8_lossy(&said);
    for word in ["camera failed", "connected to the broker", "gate", "quay"] {
        assert!(log.contains(word), "{word} is missing, so nothing was proved: {log}");
    }
    none_in("the log", &said, &forms);
    none_in("what was published", heard.all().join("\n").as_bytes(), &forms);

    // What is on disk, and what verbs print of it.
    let mut kept = Vec::new();
    files(&dir.join("store"), &mut kept);
    assert!(kept.len() > 3, "{kept:?}");
    for path in &kept {
        none_in(&path.display().to_string(), &std::fs::read(path).unwrap(), &forms);
    }
    for args in [
        &["audit", "list", "--json"][..],
        &["check", "store"],
        &["check"],
        &["log", "--json", "--passages"],
        &["outbox", "list"],
        &["store", "encrypt"],
    ] {
        let mut command = platewatch();
        command.args(args).arg("--config").arg(&config).env("QUAY_PASSWORD", "QUAY-secret-91bc");
        let output = command.output().unwrap();
        none_in(&args.join(" "), &[output.stdout, output.stderr].concat(), &forms);
    }
    // Wrong ones do not show either: in the place of paths, names and keys.
    let text = std::fs::read_to_string(&config).unwrap();
    for (from, to) in [
        ("key_file = \"store.key\"", format!("key_file = \"{key}\"")),
        ("\"camera.password\"", format!("\"{CAMERA}\"")),
        ("QUAY_PASSWORD", "QUAY-secret-91bc".to_owned()),
    ] {
        assert!(text.contains(from), "{from}");
        std::fs::write(&config, text.replace(from, &to)).unwrap();
        let output = run(&["check", "--config", config.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        none_in(&format!("check with a secret for {from}"), &output.stderr, &forms);
    }
}

#[test]
fn without_its_key_or_with_another_a_box_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::create_dir(dir.join("in")).unwrap();
    std::fs::copy(root().join("samples/pictures/day-1.jpg"), dir.join("in/1.jpg")).unwrap();
    let config = dir.join("box.toml");
    let write = |encryption: &str| std::fs::write(&config, folder_box(encryption)).unwrap();
    let path = config.to_str().unwrap();
    let run_box = || run(&["run", "--config", path]);
    for name in ["a.key", "b.key"] {
        let key = dir.join(name);
        assert!(run(&["store", "keygen", "--out", key.to_str().unwrap()]).status.success());
    }
    write("");
    assert!(run_box().status.success());
    let refused = run(&["store", "encrypt", "--config", path]);
    assert!(stderr(&refused).contains("names no key"), "{}", stderr(&refused));

    write("[store.encryption]\nkey_file = \"a.key\"");
    let refused = run_box();
    assert!(
        !refused.status.success() && stderr(&refused).contains("is not encrypted"),
        "{}",
        stderr(&refused)
    );
    let done = run(&["store", "encrypt", "--config", path, "--by", "admin"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(run_box().status.success());
    let mut kept = Vec::new();
    files(&dir.join("store"), &mut kept);
    for file in kept {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.starts_with(b"SQLite") && !bytes.starts_with(b"\xff\xd8"), "{}", file.display());
    }
    for args in [
        &["check", "store"][..],
        &["audit", "verify"],
        &["log", "--passages"],
        &["outbox", "list"],
        &["alarms", "list"],
    ] {
        let with = run(&[args, &["--config", path]].concat());
        assert_eq!(with.status.code(), Some(0), "{args:?}: {}{}", stdout(&with), stderr(&with));
        let without = run(&[args, &["--data", dir.join("store").to_str().unwrap()]].concat());
        assert_eq!(without.status.code(), Some(1));
        assert!(stderr(&without).contains("no key was given"), "{args:?}: {}", stderr(&without));
    }

    write("[store.encryption]\nkey_file = \"b.key\"");
    let refused = run_box();
    assert!(!refused.status.success() && stderr(&refused).contains("another key"), "{}", stderr(&refused));
    write("");
    let refused = run_box();
    assert!(
        !refused.status.success() && stderr(&refused).contains("no key was given"),
        "{}",
        stderr(&refused)
    );
    write("[store.encryption]\ncredential = \"platewatch-store\"");
    let refused = run_box();
    assert!(stderr(&refused).contains("CREDENTIALS_DIRECTORY"), "{}", stderr(&refused));
    // As systemd does it.
    std::fs::create_dir(dir.join("credentials")).unwrap();
    std::fs::copy(dir.join("a.key"), dir.join("credentials/platewatch-store")).unwrap();
    let mut command = platewatch();
    command.args(["run", "--config", path]).env("CREDENTIALS_DIRECTORY", dir.join("credentials"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));

    write("[store.encryption]\nkey_file = \"a.key\"");
    let key = dir.join("b.key");
    let done = run(&["store", "rekey", "--config", path, "--new-key", key.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    write("[store.encryption]\nkey_file = \"b.key\"");
    assert!(run_box().status.success());
    assert_eq!(run(&["check", "store", "--config", path]).status.code(), Some(0));
    assert_eq!(run(&["store", "decrypt", "--config", path]).status.code(), Some(0));
    write("");
    assert!(run_box().status.success());
}

#[test]
fn a_broker_elsewhere_is_not_spoken_to_in_the_clear_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("box.toml");
    let write = |mqtt: &str| {
        let text = format!(
            "zone = \"antwerp\"\nbox = \"box-1\"\n[store]\ndir = {:?}\n[vision]\ndetector = {:?}\nreader = {:?}\n\
             [[cameras]]\nname = \"gate\"\nv4l2 = \"/dev/video-none\"\n[mqtt]\n{mqtt}\n",
            dir.path().join("store"),
            root().join("models/detector.toml"),
            root().join("models/reader.toml"),
        );
        std::fs::write(&config, text).unwrap();
    };
    for host in
        ["broker.zone.example", "192.0.2.5", "2001:db8::5", "localhost.zone.example", "127.0.0.1.example"]
    {
        write(&format!("host = {host:?}"));
        for verb in ["check", "run"] {
            let output = run(&[verb, "--config", config.to_str().unwrap()]);
            assert_eq!(output.status.code(), Some(1), "{verb} {host}");
            assert!(stderr(&output).contains("[mqtt.tls]"), "{host}: {}", stderr(&output));
        }
        assert!(!dir.path().join("store").exists(), "nothing was started");
    }
    for host in ["127.0.0.1", "::1", "localhost"] {
        write(&format!("host = {host:?}"));
        let output = run(&["check", "--config", config.to_str().unwrap()]);
        assert!(!stderr(&output).contains("[mqtt.tls]"), "{host}: {}", stderr(&output));
    }
}
