//! mosquitto and its own client as child processes, and a cable that can be cut.

use super::fixtures::eventually;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A mosquitto of our own; killed, as ever by its own pid, when dropped.
pub struct Mosquitto {
    pub port: u16,
    pub dir: tempfile::TempDir,
    child: Option<Child>,
}

impl Mosquitto {
    /// Not yet running. `extra` lines follow the listener's; `{dir}` in them is the temporary folder.
    pub fn prepare(extra: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let path = dir.path().display().to_string();
        let config = format!(
            "per_listener_settings false\nuser root\npersistence true\npersistence_location {path}/\n\
             autosave_on_changes true\nautosave_interval 1\nlistener {port} 127.0.0.1\n{}\n",
            extra.replace("{dir}", &path)
        );
        std::fs::write(dir.path().join("mosquitto.conf"), config).unwrap();
        Self { port, dir, child: None }
    }

    pub fn anonymous() -> Self {
        let mut broker = Self::prepare("allow_anonymous true");
        broker.start();
        broker
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn start(&mut self) {
        let child = Command::new("/usr/sbin/mosquitto")
            .arg("-c")
            .arg(self.path("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed (apt-get install mosquitto)");
        self.child = Some(child);
        eventually("mosquitto listens", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Subscribes with mosquitto's own client, arguments added as they are.
    pub fn subscribe(&self, topic: &str, arguments: &[&str]) -> Listener {
        let listener = Listener::start(self.port, topic, arguments);
        listener.await_ready();
        listener
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `mosquitto_sub`, collecting `(topic, payload)`.
pub struct Listener {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    pub fn start(port: u16, topic: &str, arguments: &[&str]) -> Self {
        // Into a pipe it would write in blocks; `stdbuf` becomes mosquitto_sub, so the pid is its own.
        let mut child = Command::new("stdbuf")
            .args([
                "-oL",
                "/usr/bin/mosquitto_sub",
                "-h",
                "127.0.0.1",
                "-p",
                &port.to_string(),
                "-t",
                topic,
                "-q",
                "1",
                "-d",
                "-F",
                "%t\t%p",
            ])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto_sub is installed (apt-get install mosquitto-clients)");
        let out = BufReader::new(child.stdout.take().unwrap());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let into = lines.clone();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                into.lock().unwrap().push(line);
            }
        });
        Self { child, lines }
    }

    /// Until the broker has granted the subscription.
    pub fn await_ready(&self) {
        eventually("mosquitto_sub is subscribed", || {
            self.lines.lock().unwrap().iter().any(|l| l.contains("SUBACK") || l.starts_with("Subscribed"))
        });
    }

    pub fn messages(&self) -> Vec<(String, serde_json::Value)> {
        let lines = self.lines.lock().unwrap();
        lines
            .iter()
            .filter_map(|l| l.split_once('\t'))
            .map(|(topic, payload)| (topic.to_owned(), serde_json::from_str(payload).unwrap()))
            .collect()
    }

    /// CloudEvents ids that came on `topic`, in order, repeats kept.
    pub fn ids(&self, topic: &str) -> Vec<String> {
        let all = self.messages();
        all.iter().filter(|(t, _)| t == topic).map(|(_, m)| m["id"].as_str().unwrap().to_owned()).collect()
    }

    /// `data.state` of the messages on `topic`, in order.
    pub fn states(&self, topic: &str) -> Vec<String> {
        let all = self.messages();
        all.iter()
            .filter(|(t, _)| t == topic)
            .map(|(_, m)| m["data"]["state"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A cable to a port on loopback that can be cut.
pub struct Cable {
    pub port: u16,
    ends: Arc<Mutex<Vec<TcpStream>>>,
}

impl Cable {
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let ends = Arc::new(Mutex::new(Vec::new()));
        let kept = ends.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                kept.lock().unwrap().extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
                for (from, to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                    std::thread::spawn(move || carry(from, to));
                }
            }
        });
        Self { port, ends }
    }

    /// Ends every connection without a word of MQTT; new ones are carried again.
    pub fn cut(&self) {
        for end in self.ends.lock().unwrap().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(n) = from.read(&mut buffer) {
        if n == 0 || to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// Certificates made for one test: a CA, a server certificate for 127.0.0.1 and a client certificate.
pub fn certificates(dir: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "test CA");
    let ca = params.self_signed(&key).unwrap();
    std::fs::write(dir.join("ca.pem"), ca.pem()).unwrap();
    let issuer = Issuer::new(params, key);
    for (name, hosts) in [("server", vec!["127.0.0.1".to_owned()]), ("client", vec![])] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let certificate = params.signed_by(&key, &issuer).unwrap();
        std::fs::write(dir.join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(dir.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}
