//! A box with mandates to try the law on.

use crate::world::*;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The plate on the clip.
pub const PLATE: &str = "2HLU481";

/// A folder with keys, mandates and a configuration.
pub struct LawBox {
    pub dir: tempfile::TempDir,
    pub law: String,
    pub cameras: String,
    pub lists: String,
    /// When the clips were taken; their files' times where it is not said.
    pub taken_at: Option<String>,
    port: u16,
    console: u16,
    clock: bool,
}

/// A day in the middle of the mandate that [`mandate`] gives.
pub const MANDATE: &str = r#"reference = "GR-1"
decided = 2026-01-05T18:00:00Z
authority = "municipal council of Exampleton"
types = ["fixed"]
purposes = ["crimes-and-offences", "traffic-offences"]
valid_from = 2026-01-10T00:00:00Z
valid_until = 2098-01-01T00:00:00Z
impact_analysis = "DPIA-1"
contact = "officer Example"
[modalities]
visible = true
[[places]]
name = "Quay"
geometry = { type = "Point", coordinates = [4.402, 51.219] }
radius_m = 50
"#;

/// What a fixed camera inside the mandate's place says.
pub const FIXED: &str = "mandate = \"GR-1\"\ntype = \"fixed\"\nposition = [4.402, 51.219]\n";

impl LawBox {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["mandates", "store-parent"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let all = Self {
            law: "[law]\nmandates = \"mandates\"\nsigners = \"signers\"\n".into(),
            cameras: String::new(),
            lists: String::new(),
            taken_at: None,
            port: free_port(),
            console: free_port(),
            clock: false,
            dir,
        };
        let made =
            all.verb(&["mandate", "key", "--id", "zone", "--secret", "zone.key", "--public", "signers"]);
        assert!(made.status.success(), "{}", stderr(&made));
        all
    }

    /// With the mandate and a camera that fits it.
    pub fn lawful() -> Self {
        let mut all = Self::new();
        all.mandate("gr-1", MANDATE);
        all.camera("gate", FIXED);
        all
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// Runs a verb in the box's folder.
    pub fn verb(&self, args: &[&str]) -> Output {
        platewatch().current_dir(self.dir.path()).args(args).output().unwrap()
    }

    /// Writes a mandate and has it signed as it is, whatever the rules say of it.
    pub fn mandate(&self, name: &str, text: &str) {
        let key = platewatch::runtime::SigningKey::read(&self.path("zone.key")).unwrap();
        let signed = platewatch::law::Mandate::sign(text, "zone", &key);
        std::fs::write(self.path(&format!("mandates/{name}.toml.new")), signed).unwrap();
        std::fs::rename(
            self.path(&format!("mandates/{name}.toml.new")),
            self.path(&format!("mandates/{name}.toml")),
        )
        .unwrap();
    }

    /// A camera that shows one vehicle again and again, two pictures a second.
    pub fn camera(&mut self, name: &str, more: &str) {
        let clip = self.clip();
        self.cameras += &format!(
            "[[cameras]]\nname = {name:?}\nfile = {clip:?}\npace = \"real-time\"\nrepeat = true\n#start_at\n{more}"
        );
    }

    /// A camera that shows it once and ends.
    pub fn once(&mut self, name: &str, more: &str) {
        let clip = self.clip();
        self.cameras += &format!("[[cameras]]\nname = {name:?}\nfile = {clip:?}\n{more}");
    }

    fn clip(&self) -> PathBuf {
        let target = self.path("clip.mp4");
        if !target.exists() {
            let done = Command::new("ffmpeg")
                .args(["-loglevel", "error", "-y", "-loop", "1", "-i"])
                .arg(root().join("samples/pictures/street-1.jpg"))
                .args(["-vf", "crop=960:540:960:540", "-r", "2", "-t", "4", "-an", "-c:v", "libx264"])
                .args(["-preset", "ultrafast", "-crf", "16", "-pix_fmt", "yuv420p"])
                .arg(&target)
                .output()
                .expect("ffmpeg is installed: run scripts/setup.sh --tests");
            assert!(done.status.success(), "{}", stderr(&done));
        }
        target
    }

    /// A list with the vehicle of the clip on it.
    pub fn list(&mut self, name: &str, more: &str) {
        let path = self.path(&format!("{name}.csv"));
        std::fs::write(&path, format!("plate,category,case\n{PLATE},stolen-vehicle,C-1\n")).unwrap();
        self.lists += &format!("[[hotlists]]\nname = {name:?}\npath = {path:?}\n{more}");
    }

    pub fn config(&self) -> PathBuf {
        let path = self.path("box.toml");
        let start = self.taken_at.as_ref().map_or_else(String::new, |at| format!("start_at = {at:?}\n"));
        let cameras = self.cameras.replace("#start_at\n", &start);
        let text = format!(
            "zone = \"example\"\nbox = \"box-1\"\n[store]\ndir = \"store\"\n\
             [vision]\nworkers = 1\ndetector = {:?}\nreader = {:?}\n{}{}{}\
             [mqtt]\nembedded = true\nport = {}\nhealth_every_s = 1\n[console]\nlisten = \"127.0.0.1:{}\"\npage = false\n",
            root().join("models/detector.toml"),
            root().join("models/reader.toml"),
            self.law,
            cameras,
            self.lists,
            self.port,
            self.console
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Lets the box's clock run from `now` on; again while it runs, to let time pass.
    pub fn clock(&mut self, now: &str) {
        let wanted: platewatch::domain::Utc = now.parse().unwrap();
        let seconds = wanted.since_ms(platewatch::domain::Utc::now()) / 1000;
        let (path, beside) = (self.path("clock"), self.path("clock.new"));
        std::fs::write(&beside, format!("{seconds:+}s")).unwrap();
        std::fs::rename(beside, path).unwrap();
        self.clock = true;
    }

    pub fn command(&self) -> Command {
        let mut command = platewatch();
        if self.clock {
            let multiarch =
                format!("/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1", std::env::consts::ARCH);
            assert!(Path::new(&multiarch).exists(), "faketime is installed: run scripts/setup.sh --tests");
            command
                .env("LD_PRELOAD", multiarch)
                .env("FAKETIME_TIMESTAMP_FILE", self.path("clock"))
                .env("FAKETIME_NO_CACHE", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("NO_FAKE_STAT", "1");
        }
        command
    }

    /// Starts the box with more arguments.
    pub fn start_with(&self, more: &[&str]) -> (Process, Lines) {
        let mut child: Child = self
            .command()
            .args(["run", "--config"])
            .arg(self.config())
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Lines::of(child.stderr.take().unwrap());
        (Process(child), log)
    }

    pub fn start(&self) -> (Process, Lines) {
        self.start_with(&[])
    }

    /// Runs a verb by the box's clock.
    pub fn by_clock(&self, args: &[&str]) -> Output {
        self.command().current_dir(self.dir.path()).args(args).output().unwrap()
    }

    /// Exports the register as a supervisor who is let in; `month` and more follow.
    pub fn export(&self, more: &[&str]) -> Output {
        let users = self.store().join("users.toml");
        let mut users = platewatch::law::access::Users::read(&users).unwrap();
        let secret = platewatch::runtime::Secret::new("a long enough one".into());
        if users.all().is_empty() {
            let role = platewatch::law::access::Role::Supervisor;
            users.add("m.claes", role, &secret, "test", "2026-01-01T00:00:00Z").unwrap();
        }
        let mut command = self.command();
        command.env("PLATEWATCH_PASSWORD", "a long enough one").current_dir(self.dir.path());
        command.args(["register", "export", "--as", "m.claes", "--config"]).arg(self.config());
        command.args(more).output().unwrap()
    }

    /// Runs the box to its end (its cameras end by themselves).
    pub fn played(&self) -> Lines {
        let (mut process, log) = self.start();
        eventually("the box ends by itself", || process.0.try_wait().unwrap());
        log
    }

    /// Starts it, waits until `gate` is refused, ends it: nothing was opened, the refusal is in the log, the audit
    /// chain and the register, and no passage was made. The words of the refusal.
    pub fn refused(&self) -> String {
        let (mut process, log) = self.start();
        eventually("the camera is refused", || log.has("may not look and is not opened").then_some(()));
        self.health("may not look");
        assert_eq!(process.terminate(), Some(0), "{}", log.all().join("\n"));
        assert!(!log.has("camera opened"), "{}", log.all().join("\n"));
        assert_eq!(self.rows("SELECT count(*) FROM passage"), ["0"]);
        let used = self.rows("SELECT count(*) FROM use_period WHERE state = 'use'");
        assert_eq!(used, ["0"], "the register holds a use");
        let explained = self.rows("SELECT explanation FROM use_period WHERE state = 'pause' ORDER BY id");
        let audited = self.rows(
            "SELECT json_extract(detail, '$.why') FROM audit WHERE action = 'camera-refused' ORDER BY seq",
        );
        assert!(!audited.is_empty() && explained.contains(&audited[0]), "{audited:?} {explained:?}");
        audited[0].clone()
    }

    /// Waits until `/healthz` names `part` among its problems.
    pub fn health(&self, part: &str) {
        eventually(&format!("health says {part:?}"), || self.healthz().contains(part).then_some(()));
    }

    pub fn healthz(&self) -> String {
        http(self.console, "/healthz")
    }

    /// How often a plate of this camera was read since the start.
    pub fn readings(&self, camera: &str) -> u64 {
        let of = format!("platewatch_readings_total{{camera=\"{camera}\"}} ");
        let metrics = http(self.console, "/metrics");
        metrics.lines().find_map(|l| l.strip_prefix(&of)?.trim().parse().ok()).unwrap_or_default()
    }

    /// First column of what the database answers.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        self.try_rows(sql).unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    pub fn try_rows(&self, sql: &str) -> rusqlite::Result<Vec<String>> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let db = rusqlite::Connection::open_with_flags(self.store().join("platewatch.db"), flags)?;
        let mut statement = db.prepare(sql)?;
        let text = |r: &rusqlite::Row<'_>| {
            let value: rusqlite::types::Value = r.get(0)?;
            Ok(match value {
                rusqlite::types::Value::Null => "NULL".to_owned(),
                rusqlite::types::Value::Integer(n) => n.to_string(),
                rusqlite::types::Value::Real(x) => x.to_string(),
                rusqlite::types::Value::Text(t) => t,
                rusqlite::types::Value::Blob(_) => "BLOB".to_owned(),
            })
        };
        statement.query_map([], text)?.collect()
    }

    /// Waits until the camera's latest period is this.
    pub fn until_state(&self, camera: &str, state: &str, reason: &str) {
        let sql = format!(
            "SELECT state || ' ' || reason FROM use_period WHERE camera = '{camera}' ORDER BY id DESC LIMIT 1"
        );
        let wanted = format!("{state} {reason}");
        eventually(&format!("{camera} is in {wanted:?}"), || {
            self.try_rows(&sql).is_ok_and(|r| r.first() == Some(&wanted)).then_some(())
        });
    }

    pub fn actions(&self, action: &str) -> Vec<String> {
        self.rows(&format!("SELECT detail FROM audit WHERE action = '{action}' ORDER BY seq"))
    }
}
