//! A store with passages of chosen ages and people of every role, to look back into with the real binary.

use crate::world::*;
use platewatch::domain::*;
use platewatch::law::Preset;
use platewatch::law::access::{Role, Users};
use platewatch::runtime::Secret;
use platewatch::store::{
    EvidenceFile, EvidenceRole, LawInForce, MessageKind, OutboxMessage, Record, Settings, Store,
};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

pub const PASSWORD: &str = "a long enough one";
pub const DAY_MS: i64 = 86_400_000;

pub struct Kept {
    pub dir: tempfile::TempDir,
}

/// So many days ago.
pub fn ago(days: i64) -> Utc {
    Utc::now().plus_ms(-days * DAY_MS)
}

pub fn passage(text: &str, seen: Utc) -> Passage {
    let mut d = CharDistribution { p: [0.0; 36], none: 0.01 };
    d.p[11] = 0.9;
    Passage {
        id: PassageId::generate(),
        camera: CameraId::new("gate"),
        state: PassageState::Closed,
        first_seen: seen,
        last_seen: seen.plus_ms(900),
        clock: ClockQuality { source: ClockSource::Ntp, error_ms: Some(5) },
        position: None,
        text: PlateText::new(text).unwrap(),
        confidence: 0.9,
        positions: vec![d; text.len()],
        country: None,
        lines: 1,
        readings: 5,
        agreement: 1.0,
        contradictory: false,
        direction: None,
        lane: None,
        best_frame: 3,
        best_frame_at: seen,
        best_frame_received_at: seen,
        best_corners: Corners::from_box(10.0, 10.0, 110.0, 30.0),
        mandate: None,
    }
}

pub fn picture(role: EvidenceRole, jpeg: Vec<u8>) -> EvidenceFile {
    let sha256 = Sha256::digest(&jpeg).iter().map(|b| format!("{b:02x}")).collect();
    EvidenceFile { role, sha256, jpeg, width: 10, height: 10, frame_seq: 3, captured_at: ago(0) }
}

impl Kept {
    /// A store under `policy` with one person of each role, called by it.
    pub fn new(policy: &str) -> Self {
        let kept = Self { dir: tempfile::tempdir().unwrap() };
        let preset = if policy == "off" { Preset::off() } else { Preset::be_wpa() };
        let law = LawInForce {
            policy: policy.into(),
            preset: preset.name,
            statement: preset.statement,
            rules: preset.text,
            terms:
                r#"{"non_hits":365,"hits":365,"plate_texts":365,"pictures":365,"register":3650,"audit":3650}"#
                    .into(),
        };
        Store::open(&Settings::new(kept.store())).unwrap().set_law(&law, Utc::now()).unwrap();
        let mut users = Users::read(&kept.store().join("users.toml")).unwrap();
        let secret = Secret::new(PASSWORD.into());
        for role in Role::ALL {
            users.add(role.word(), *role, &secret, "test", "2026-01-01T00:00:00Z").unwrap();
        }
        kept
    }

    pub fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Records passages of a plate, without a hit.
    pub fn passed(&self, text: &str, days_ago: &[i64]) {
        let mut store = Store::open(&Settings::new(self.store())).unwrap();
        for days in days_ago {
            let passage = passage(text, ago(*days));
            store
                .record(&Record { passage, hits: vec![], evidence: vec![], messages: vec![], models: None })
                .unwrap();
        }
    }

    /// Records a hit with two pictures and a message.
    pub fn hit(&self, text: &str, days_ago: i64, case: &str, pictures: [Vec<u8>; 2]) -> HitId {
        let seen = ago(days_ago);
        let passage = passage(text, seen);
        let hit = Hit {
            id: HitId::generate(),
            passage: passage.id,
            state: HitState::Final,
            kind: MatchKind::Exact,
            probability: 0.99,
            entry: Arc::new(Entry {
                plate: PlateText::new(text).unwrap().into(),
                line: 2,
                category: "stolen-vehicle".into(),
                priority: 10,
                country: None,
                valid_from: None,
                valid_until: None,
                case: case.into(),
                instruction: String::new(),
            }),
            list: Arc::new(ListVersion { name: "zone".into(), sha256: "ab".repeat(32), loaded_at: seen }),
            decided_at: seen.plus_ms(400),
        };
        let [plate, context] = pictures;
        let message = OutboxMessage {
            event_id: hit.id.to_string(),
            topic: "platewatch/v1/z/b/hits".into(),
            payload: format!("{{\"plate\":\"{text}\"}}"),
            kind: MessageKind::Hit,
            hit: Some(hit.id),
            created_at: seen,
        };
        let id = hit.id;
        let evidence = vec![picture(EvidenceRole::Plate, plate), picture(EvidenceRole::Context, context)];
        let record = Record { passage, hits: vec![hit], evidence, messages: vec![message], models: None };
        Store::open(&Settings::new(self.store())).unwrap().record(&record).unwrap();
        id
    }

    /// Runs a verb on the store as `who`, with the right passwords.
    pub fn verb(&self, who: &str, args: &[&str]) -> Output {
        let mut command = platewatch();
        command.args(args).arg("--data").arg(self.store());
        command.env("PLATEWATCH_PASSWORD", PASSWORD).env("PLATEWATCH_SECOND_PASSWORD", PASSWORD);
        if !who.is_empty() {
            command.args(["--as", who]);
        }
        command.output().unwrap()
    }

    /// The words with which a verb is refused.
    pub fn refused(&self, who: &str, args: &[&str]) -> String {
        let output = self.verb(who, args);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}{}", stdout(&output));
        assert!(said.contains("refused: "), "{said}");
        assert_eq!(stdout(&output), "", "nothing is shown beside a refusal");
        said
    }

    /// What a verb that is allowed shows.
    pub fn shown(&self, who: &str, args: &[&str]) -> String {
        let output = self.verb(who, args);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    }

    pub fn sql<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        let db = rusqlite::Connection::open(self.store().join("platewatch.db")).unwrap();
        db.query_row(sql, [], |r| r.get(0)).unwrap()
    }

    pub fn execute(&self, sql: &str) {
        rusqlite::Connection::open(self.store().join("platewatch.db")).unwrap().execute_batch(sql).unwrap();
    }

    /// A box over this store with no camera but a picture, for the daemon.
    pub fn config(&self, more: &str) -> PathBuf {
        let pictures = self.path("in");
        std::fs::create_dir_all(&pictures).unwrap();
        for name in ["1.jpg", "2.jpg", "3.jpg"] {
            std::fs::copy(root().join("samples/pictures/day-1.jpg"), pictures.join(name)).unwrap();
        }
        let text = format!(
            "zone = \"z\"\nbox = \"b\"\n[store]\ndir = {:?}\nkeep_passages = false\n[vision]\nworkers = 1\ndetector = {:?}\nreader = {:?}\n\
             [[cameras]]\nname = \"still\"\nfolder = {:?}\n[mqtt]\nembedded = true\nport = {}\n{more}",
            self.store(),
            root().join("models/detector.toml"),
            root().join("models/reader.toml"),
            pictures,
            free_port(),
        );
        let path = self.path("box.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs the daemon on it until its picture is played and everything due is deleted.
    pub fn run(&self, more: &str) {
        let config = self.config(more);
        let output = run(&["run", "--config", config.to_str().unwrap()]);
        assert!(output.status.success(), "{}", stderr(&output));
    }
}

/// Every file under `dir` that holds `text`, read raw.
pub fn holding(dir: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if std::fs::read(&path).unwrap().windows(text.len()).any(|w| w == text.as_bytes()) {
            found.push(path);
        }
    }
    found
}
