//! What the tests of the real binary share: the program, a folder, mosquitto with TLS and password, waiting.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The program under test, set to find models and ONNX Runtime of this checkout.
pub fn platewatch() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_platewatch"));
    command.current_dir(root());
    command
}

/// Runs it to its end.
pub fn run(args: &[&str]) -> Output {
    platewatch().args(args).output().expect("the binary can be started")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pictures and clips beside the project on machines of ours; `None` elsewhere, said in one line.
pub fn shared(path: &str) -> Option<PathBuf> {
    let beside = [root().join("../shared"), PathBuf::from("/work/shared")];
    let found = beside.iter().map(|d| d.join(path)).find(|p| p.exists());
    if found.is_none() {
        eprintln!("skipped: shared/{path} is not on this machine");
    }
    found
}

/// Waits until `done` gives something; panics with `what` after a minute and a half.
pub fn eventually<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(90);
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(Instant::now() < until, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A child that is killed, by its own process id, when the test is over.
pub struct Process(pub Child);

impl Process {
    /// Asks it to end and waits; its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        let pid = self.0.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while Instant::now() < until {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("process {pid} did not end within 60 s of SIGTERM");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lines of a child's output as they come.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    pub fn of(stream: impl std::io::Read + Send + 'static) -> Self {
        let lines = Self::default();
        let other = lines.clone();
        std::thread::spawn(move || {
            // As text, whatever it is: hostile payloads are no UTF-8.
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                other.0.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
            }
        });
        lines
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub fn has(&self, part: &str) -> bool {
        self.all().iter().any(|l| l.contains(part))
    }
}

/// Starts the daemon on a configuration; its log is collected.
pub fn daemon(config: &Path) -> (Process, Lines) {
    let mut child = platewatch()
        .args(["run", "--config"])
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = Lines::of(child.stderr.take().unwrap());
    (Process(child), log)
}

/// mosquitto with TLS and password on loopback.
pub struct Mosquitto {
    pub port: u16,
    pub ca: PathBuf,
    dir: PathBuf,
    process: Option<Process>,
}

pub const USER: &str = "box";
pub const PASSWORD: &str = "over/the:hill@42";

impl Mosquitto {
    pub fn start(dir: &Path) -> Self {
        let mut broker = Self::prepare(dir);
        broker.up();
        broker
    }

    /// Certificates, passwords and configuration, but no process yet.
    pub fn prepare(dir: &Path) -> Self {
        let port = free_port();
        let path = |name: &str| dir.join(name);
        let mut authority = rcgen::CertificateParams::new(vec![]).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "test authority");
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        std::fs::write(path("ca.pem"), authority_pem).unwrap();
        std::fs::write(path("broker.pem"), certificate.pem()).unwrap();
        std::fs::write(path("broker.key"), key.serialize_pem()).unwrap();
        let made = Command::new("mosquitto_passwd")
            .args(["-b", "-c"])
            .arg(path("passwords"))
            .args([USER, PASSWORD])
            .output()
            .expect("mosquitto is installed: run scripts/setup.sh --tests");
        assert!(made.status.success(), "{}", stderr(&made));
        let config = format!(
            "listener {port} 127.0.0.1\ncafile {0}/ca.pem\ncertfile {0}/broker.pem\nkeyfile {0}/broker.key\n\
             allow_anonymous false\npassword_file {0}/passwords\nuser root\n",
            dir.display()
        );
        std::fs::write(path("mosquitto.conf"), config).unwrap();
        Self { port, ca: path("ca.pem"), dir: dir.to_path_buf(), process: None }
    }

    pub fn up(&mut self) {
        let sbin = Path::new("/usr/sbin/mosquitto");
        let program = if sbin.exists() { sbin } else { Path::new("mosquitto") };
        let child = Command::new(program)
            .arg("-c")
            .arg(self.dir.join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed: run scripts/setup.sh --tests");
        self.process = Some(Process(child));
        let port = self.port;
        eventually("mosquitto listens", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    }

    pub fn down(&mut self) {
        self.process = None;
    }

    /// Another client than ours, on every topic: lines of `topic payload`.
    pub fn subscriber(&self) -> (Process, Lines) {
        let mut child = Command::new("mosquitto_sub")
            .args(["-h", "localhost", "-p", &self.port.to_string(), "-u", USER, "-P", PASSWORD, "-V", "5"])
            .args(["-q", "1", "-v", "-t", "platewatch/v1/#", "--cafile"])
            .arg(&self.ca)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto_sub is installed: run scripts/setup.sh --tests");
        let lines = Lines::of(child.stdout.take().unwrap());
        std::thread::sleep(Duration::from_millis(500));
        (Process(child), lines)
    }

    /// The `[mqtt]` section that reaches it.
    pub fn section(&self) -> String {
        let password = self.dir.join("password.txt");
        std::fs::write(&password, PASSWORD).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        format!(
            "[mqtt]\nhost = \"localhost\"\nport = {}\nusername = \"{USER}\"\npassword_file = {password:?}\n\
             [mqtt.tls]\nca = {:?}\n",
            self.port, self.ca
        )
    }
}

/// Payloads of one topic's end among `mosquitto_sub`'s lines.
pub fn payloads(lines: &Lines, topic_end: &str) -> Vec<serde_json::Value> {
    let all = lines.all();
    let of_topic = all.iter().filter_map(|l| l.split_once(' ')).filter(|(t, _)| t.ends_with(topic_end));
    of_topic.map(|(_, p)| serde_json::from_str(p).expect("payloads are JSON")).collect()
}

/// The vehicles of a sample's truth: text and whether a person can read it.
pub fn truth(clip: &str) -> Vec<(String, bool)> {
    let path = root().join(format!("samples/{clip}.truth.json"));
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let vehicles = json["vehicles"].as_array().unwrap();
    vehicles
        .iter()
        .map(|v| (v["text"].as_str().unwrap().to_owned(), v["readable"].as_bool().unwrap()))
        .collect()
}

/// The configuration of a box that reads the pictures of the folder `in` beside it, once; `encryption` is that section.
pub fn folder_box(encryption: &str) -> String {
    format!(
        "zone = \"antwerp\"\nbox = \"box-1\"\n[store]\ndir = \"store\"\nkeep_passage_pictures = true\n{encryption}\n\
         [vision]\nworkers = 1\ndetector = {:?}\nreader = {:?}\n[[cameras]]\nname = \"gate\"\nfolder = \"in\"\n\
         fps = 5\n[track]\nmin_readings = 1\n[[hotlists]]\nname = \"wanted\"\npath = {:?}\n\
         [mqtt]\nembedded = true\nport = {}\n",
        root().join("models/detector.toml"),
        root().join("models/reader.toml"),
        root().join("samples/hotlist.csv"),
        free_port(),
    )
}

/// What the box's page answers to a GET; empty where nobody listens.
pub fn http(console: u16, path: &str) -> String {
    use std::io::{Read, Write};
    let mut answer = String::new();
    if let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", console)) {
        let _ = write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        let _ = stream.read_to_string(&mut answer);
    }
    answer
}
