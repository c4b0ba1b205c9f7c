//! Every key there is: what it may hold, its default and its meaning. Checks, hints and
//! `docs/ref/config.md` all come from this table.

use std::fmt;

/// What a key may hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// `true` or `false`.
    Bool,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number from, to, of what.
    Whole(i64, i64, &'static str),
    /// A number from, to, of what.
    Number(f64, f64, &'static str),
    /// A text, described.
    Text(&'static str),
    /// An array, described.
    Array(&'static str),
}

use Kind::{Array, Bool, Number, Text, Whole, Word};

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bool => f.write_str("true, false"),
            Word(words) => f.write_str(&quoted(words.iter().copied())),
            Whole(from, to, of) => write!(f, "a whole number{} from {from} to {to}", of_what(of)),
            Number(from, to, of) => write!(f, "a number{} from {from} to {to}", of_what(of)),
            Text(what) | Array(what) => f.write_str(what),
        }
    }
}

fn of_what(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" of {unit}") }
}

/// `"a", "b"`.
pub(super) fn quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|w| format!("{w:?}")).collect::<Vec<_>>().join(", ")
}

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// Its table: `""` for the top, `cameras` for each `[[cameras]]`.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// Its default as written, `required`, or `none`.
    pub default: &'static str,
    /// An example of a value, as written.
    pub example: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

/// The tables in the order of the reference: name, heading, what it is about.
pub(super) const SECTIONS: &[(&str, &str, &str)] = &[
    ("", "Top of the file", "Which box this is."),
    ("store", "[store]", "Records and pictures."),
    (
        "store.encryption",
        "[store.encryption]",
        "Encrypts the database (SQLCipher) and every picture. The key comes from `key_file` or from `credential`, exactly one of them; without it, or with a wrong one, the box does not start. `docs/guide/encryption.md`.",
    ),
    ("vision", "[vision]", "Models and threads. Required."),
    (
        "track",
        "[track]",
        "When readings become a passage; holds for every camera that does not say otherwise.",
    ),
    (
        "cameras",
        "[[cameras]]",
        "One block a camera, at least one. Each has exactly one of `rtsp`, `mjpeg`, `v4l2`, `file` and `folder`.",
    ),
    (
        "cameras.track",
        "[cameras.track]",
        "Under a `[[cameras]]` block: tracking of this camera where it differs from `[track]`.",
    ),
    (
        "cameras.lanes",
        "[[cameras.lanes]]",
        "Under a `[[cameras]]` block: a lane or zone of its picture. A passage names the one in which its plate was found most; where two overlap, the first counts.",
    ),
    (
        "cameras.covert",
        "[cameras.covert]",
        "Under a `[[cameras]]` block with `mode = \"covert\"`: on what its covert use rests.",
    ),
    (
        "hotlists",
        "[[hotlists]]",
        "One block a list. Without any, passages are recorded and nothing is a hit.",
    ),
    (
        "ignore",
        "[ignore]",
        "Plates whose passages are not kept: the zone's own convoy, with the consent of whoever drives. A CSV file with the columns `plate`, `consented_by`, `reason`, and where wanted `until` (a day, or a time with an offset) and `hits` (`send`, the default: a hit goes out all the same; `suppress`: it does not). A row without a person and a reason is refused, and the whole file with it. Each suppressed passage is counted and logged with its line. The file is read again when it changes.",
    ),
    ("matching", "[matching]", "What matching and the budgets of lists are reckoned with."),
    (
        "law",
        "[law]",
        "Which rules hold: `docs/guide/mandates.md`. Without this table cameras run without a mandate, and check, log, health and register say so.",
    ),
    (
        "retention",
        "[retention]",
        "How long things are kept. Terms count from when a vehicle was first seen; the preset of `[law]` says the longest, and what holds where nothing is written. With the preset `off` nothing is deleted unless this table is there. What a case holds (`platewatch hold`) stays until the hold ends.",
    ),
    ("mqtt", "[mqtt]", "The broker that gets the hits. Required: either `embedded = true` or `host`."),
    (
        "mqtt.tls",
        "[mqtt.tls]",
        "TLS to the broker. PEM files. Required unless the broker is on this box or `allow_plaintext` is set.",
    ),
    (
        "mqtt.inbound",
        "[mqtt.inbound]",
        "Commands and answers of operators, on the topics `commands` and `outcomes`. Without this table the box listens to nothing. `docs/ref/mqtt.md`.",
    ),
    (
        "mqtt.inbound.signers",
        "[[mqtt.inbound.signers]]",
        "Under `[mqtt.inbound]`, with `accept = \"signed\"`: one block for each key that counts. `platewatch message keygen` prints it.",
    ),
    ("console", "[console]", "Web page, health and metrics. Without this table nothing is served."),
    ("log", "[log]", "Logs, on standard error."),
    ("run", "[run]", "The daemon."),
];

const NAME: Kind = Text("1 to 64 of a-z, 0-9, - and _");
const TOPIC: Kind = Text("1 to 32 of a-z, 0-9 and -");
const DAYS: Kind = Whole(1, 36_500, "days");
const FILE: Kind = Text("an existing file");
const SHARE: Kind = Number(0.0, 1.0, "");
const POLYGON: &str = "three or more corners [x, y] from 0 to 1";
const SECONDS: Kind = Number(0.1, 300.0, "seconds");

const fn key(
    section: &'static str,
    name: &'static str,
    kind: Kind,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> Key {
    Key { section, name, kind, default, example, meaning }
}

/// All keys, table by table.
#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    key("", "zone", TOPIC, "required", "\"antwerp\"", "The police zone, in every topic."),
    key("", "box", TOPIC, "required", "\"box-1\"", "This box's name in its zone, in every topic and in its MQTT client id. No two boxes of a zone share one."),

    key("store", "dir", Text("a folder"), "\"/var/lib/platewatch\"", "\"data\"", "Folder of the database and the pictures; made when it is missing."),
    key("store", "keep_passages", Bool, "true", "false", "Whether passages without a hit are recorded too."),
    key("store", "keep_passage_pictures", Bool, "false", "true", "Whether pictures of passages without a hit are kept; needs `keep_passages`."),
    key("store", "outbox_max_mb", Whole(1, 1_048_576, "MiB"), "512", "64", "Messages of passages without a hit that may wait for the broker; beyond it the oldest are dropped and counted. Messages of hits are never dropped."),

    key("store.encryption", "key_file", Text("an existing file with the key, readable by its owner alone"), "none", "\"/etc/platewatch/secrets/store.key\"", "File with the store's key, as `platewatch store keygen` makes it. Keep it on another medium than `store.dir`, or it protects nothing."),
    key("store.encryption", "credential", Text("the name of a credential of the systemd unit"), "none", "\"platewatch-store\"", "The key as a credential of the unit (`LoadCredential=`, or `LoadCredentialEncrypted=` with the TPM)."),

    key("vision", "detector", FILE, "required", "\"models/detector.toml\"", "Card of the model that finds plates."),
    key("vision", "reader", FILE, "required", "\"models/reader.toml\"", "Card of the model that reads plates."),
    key("vision", "onnxruntime", FILE, "none", "\"/usr/lib/libonnxruntime.so\"", "ONNX Runtime's shared library; looked for in the usual places where it is not said."),
    key("vision", "workers", Whole(0, 256, ""), "0", "4", "Threads that detect and read; 0 is one a core."),
    key("vision", "intra_threads", Whole(1, 64, ""), "1", "1", "Threads inside one inference. More makes one frame faster and the box as a whole slower."),
    key("vision", "min_score", SHARE, "none", "0.4", "Detections below this score are left out; the detector's card decides where it is not said."),
    key("vision", "min_plate_width_px", Number(0.0, 4096.0, "px"), "40", "60", "Narrower plates are not read."),

    key("track", "lost_after_ms", Whole(100, 60_000, "milliseconds"), "1500", "2500", "A vehicle whose plate was not found for this long is gone (time of the pictures, not of the wall clock)."),
    key("track", "hidden_at_most_ms", Whole(0, 600_000, "milliseconds"), "30000", "60000", "A vehicle that was in view for more than 3 s may be hidden for as long as it was seen, at most this: whoever walks past a parked car makes no second passage of it."),
    key("track", "min_readings", Whole(1, 100, ""), "2", "3", "Readings needed before there is a passage. Below 11 frames a second one is enough where its confidence is 0.95."),
    key("track", "announce_confidence", SHARE, "0.9", "0.95", "Confidence from which a passage is announced while the vehicle is still in view."),
    key("track", "min_confidence", SHARE, "0.5", "0.6", "Below it, a vehicle that has left was no passage; it is only counted. Not above `announce_confidence`."),

    key("cameras", "name", NAME, "required", "\"scheldt-1\"", "The camera's name in hits, topics, records and logs; no two share one."),
    key("cameras", "rtsp", Text("rtsp://host[:port]/path, without user or password"), "none", "\"rtsp://192.0.2.10/stream1\"", "H.264 or H.265 over RTSP."),
    key("cameras", "mjpeg", Text("http://host[:port]/path, without user or password"), "none", "\"http://192.0.2.11/video.mjpg\"", "Motion JPEG over HTTP."),
    key("cameras", "v4l2", Text("a device such as /dev/video0"), "none", "\"/dev/video0\"", "A camera of this box. The device need not be there when the box starts."),
    key("cameras", "file", FILE, "none", "\"clips/tollbooth.mp4\"", "A video file."),
    key("cameras", "folder", Text("an existing folder"), "none", "\"pictures\"", "Pictures, in the order of their names."),
    key("cameras", "transport", Word(&["tcp", "udp"]), "\"tcp\"", "\"udp\"", "With `rtsp`: how the video travels. `tcp` loses nothing on the way."),
    key("cameras", "username", Text("a user name"), "none", "\"viewer\"", "With `rtsp` and `mjpeg`: the camera's user; needs `password_file` or `password_env`."),
    key("cameras", "password_file", Text("an existing file with the password"), "none", "\"secrets/scheldt-1\"", "File whose text is the password; a line end at its end does not count."),
    key("cameras", "password_env", Text("the name of an environment variable that is set"), "none", "\"SCHELDT_1_PASSWORD\"", "Environment variable with the password."),
    key("cameras", "open_timeout_s", SECONDS, "5", "8", "Longest time to open the camera."),
    key("cameras", "read_timeout_s", SECONDS, "10", "20", "Longest time without a picture before the camera counts as dead and is opened anew."),
    key("cameras", "reconnect_s", Array("[first, longest], seconds from 0.1 to 3600, the first not above the longest"), "[1, 30]", "[0.5, 60]", "Wait before opening a camera again: first, and longest after repeated failures."),
    key("cameras", "position", Array("[longitude, latitude] in degrees, -180 to 180 and -90 to 90"), "none", "[4.402, 51.219]", "Where a camera that does not move stands (WGS 84, GeoJSON order: longitude first)."),
    key("cameras", "heading", Number(0.0, 360.0, "degrees"), "none", "270", "Where it looks, clockwise from north; needs `position`."),
    key("cameras", "pace", Word(&["fast", "real-time"]), "\"fast\"", "\"real-time\"", "With `file` and `folder`: as fast as possible, or as recorded. Neither drops anything."),
    key("cameras", "start_at", Text("a date and time with an offset (RFC 3339), such as 2026-11-23T08:15:00Z"), "none", "\"2026-11-23T08:15:00Z\"", "With `file`: when the recording began; the file's modification time where it is not said."),
    key("cameras", "repeat", Bool, "false", "true", "With `file`: begin again at the end, for ever."),
    key("cameras", "fps", Number(0.1, 240.0, "frames per second"), "25", "10", "With `folder`: the rate the pictures were taken at. With `v4l2`: the rate to ask for (default: the device's own)."),
    key("cameras", "size", Array("[width, height], whole numbers of px from 16 to 16384"), "none", "[1920, 1080]", "With `v4l2`: the size to ask for."),

    key("cameras", "masks", Array("polygons, each three or more [x, y] from 0 to 1"), "none", "[[[0, 0], [1, 0], [1, 0.1], [0, 0.1]]]", "Parts of the picture in which plates are not looked at (a shop window, the neighbour's drive): [0, 0] is the top left corner, [1, 1] the bottom right. What is found there is counted and nothing else."),
    key("cameras", "min_plate_width_px", Number(0.0, 4096.0, "px"), "as in [vision]", "60", "Narrower plates of this camera are not read. Only above `vision.min_plate_width_px` does it change anything."),
    key("cameras", "people", Bool, "false", "true", "Whether people may be seen in its pictures, where its mandate allows it: wider surroundings, faces not hidden."),
    key("cameras", "max_passages_per_min", Whole(1, 100_000, "passages"), "none", "120", "Passages without a hit that are published in a minute at most (with `mqtt.publish_passages`); the others are recorded and counted. Hits are never held back by it."),

    key("cameras", "mandate", Text("the reference of a mandate"), "none", "\"GR-2026-114\"", "The authorisation the camera works under; `docs/guide/mandates.md`."),
    key("cameras", "type", Word(&["fixed", "temporary-fixed", "mobile", "third-party", "mobile-dome", "bodycam", "premises"]), "none", "\"fixed\"", "Its kind before the law. The kinds `mobile`, `mobile-dome` and `bodycam` move: they take their place from `law.positions`, and look only while an officer in charge is on duty."),
    key("cameras", "mode", Word(&["visible", "covert"]), "\"visible\"", "\"covert\"", "Whether it can be seen looking. `covert` needs `[cameras.covert]` and a mandate that allows it."),

    key("cameras.covert", "ground", Text("the article, as the preset names it"), "required", "\"WPA art. 46/4\"", "Legal ground."),
    key("cameras.covert", "officer", Text("a name or number"), "required", "\"4711\"", "The officer who leads it."),
    key("cameras.covert", "from", Text("a date and time with an offset (RFC 3339)"), "required", "\"2026-11-25T06:00:00+01:00\"", "Its first instant."),
    key("cameras.covert", "until", Text("a date and time with an offset (RFC 3339)"), "required", "\"2026-11-27T06:00:00+01:00\"", "Its first instant no longer: then the camera ends by itself."),

    key("cameras.track", "lost_after_ms", Whole(100, 60_000, "milliseconds"), "as in [track]", "2500", "As in `[track]`, for this camera."),
    key("cameras.track", "hidden_at_most_ms", Whole(0, 600_000, "milliseconds"), "as in [track]", "60000", "As in `[track]`, for this camera."),
    key("cameras.track", "min_readings", Whole(1, 100, ""), "as in [track]", "3", "As in `[track]`, for this camera."),
    key("cameras.track", "announce_confidence", SHARE, "as in [track]", "0.95", "As in `[track]`, for this camera."),
    key("cameras.track", "min_confidence", SHARE, "as in [track]", "0.6", "As in `[track]`, for this camera."),

    key("cameras.lanes", "name", NAME, "required", "\"left\"", "The lane's name in passages, hits and records; no two of a camera share one."),
    key("cameras.lanes", "polygon", Array(POLYGON), "required", "[[0, 0.4], [0.5, 0.4], [0.5, 1], [0, 1]]", "Its corners in order."),

    key("ignore", "path", FILE, "required", "\"lists/convoy.csv\"", "The CSV file."),

    key("hotlists", "name", NAME, "required", "\"stolen\"", "The list's name in hits, topics and logs; no two share one."),
    key("hotlists", "path", FILE, "required", "\"lists/stolen.csv\"", "The file."),
    key("hotlists", "mapping", Text("the name of a ready mapping (platewatch hotlist mappings), or a mapping file ending in .toml"), "\"platewatch\"", "\"genetec\"", "How the file is laid out; `docs/guide/hotlists.md`."),
    key("hotlists", "poll_s", Number(0.1, 3600.0, "seconds"), "2", "10", "How often the file is looked at for a change."),
    key("hotlists", "max_bad_share", SHARE, "0.1", "0.02", "Share of bad rows above which the whole file is refused and the list before it stays."),
    key("hotlists", "cameras", Array("names of cameras, * standing for any text"), "none", "[\"gate-*\", \"quay-north\"]", "The cameras at which the list counts; all where it is not said."),
    key("hotlists", "hours", Array("times of the week such as \"Mon-Fri 07:00-19:00\""), "none", "[\"Mon-Fri 07:00-19:00\", \"Sat 22:00-06:00\"]", "When the list counts, always where it is not said; needs `time_zone`. A span that ends before it begins goes on after midnight."),
    key("hotlists", "time_zone", Text("a time zone such as \"Europe/Brussels\""), "none", "\"Europe/Brussels\"", "Whose clock `hours` means."),
    key("hotlists", "expires", Text("a date and time with an offset (RFC 3339), such as 2026-12-31T23:59:59Z"), "none", "\"2026-12-31T23:59:59Z\"", "From then on the list is out of date."),
    key("hotlists", "max_age_h", Number(0.1, 87_600.0, "hours"), "none", "48", "From this age on the list is out of date: counted from the manifest of a signed list, else from the file's last change."),
    key("hotlists", "when_stale", Word(&["lower", "stop"]), "\"lower\"", "\"stop\"", "What an outdated list still does: its hits come with a lower priority and say so, or there are none. The hotlist status and health say so in both cases."),
    key("hotlists", "signers", FILE, "none", "\"keys/signers\"", "File with the public keys of who may sign this list; then only signed versions are taken. `docs/ref/hotlist-manifest.md`."),
    key("hotlists", "manifest", Text("a path"), "none", "\"lists/stolen.csv.manifest\"", "The signed manifest; `path` with `.manifest` at its end where it is not said. Only with `signers`."),
    key("hotlists", "allow_older", Bool, "false", "true", "Whether a signed version older than the latest accepted one is taken. Only with `signers`."),

    key("hotlists", "purposes", Array("words of the preset's purposes"), "none", "[\"crimes-and-offences\"]", "What the list is for. With `law.policy` `enforce` a camera matches only lists all of whose purposes its mandate allows; a list without purposes is matched by no camera that works under a mandate."),

    key("hotlists", "kinds", Array("words of \"exact\", \"resolved\", \"alternative\", \"wildcard\", each once"), "[\"exact\", \"resolved\", \"alternative\", \"wildcard\"]", "[\"exact\", \"resolved\"]", "Kinds of match that raise a hit. `wildcard` only counts for entries that hold a pattern."),
    key("hotlists", "min_alternative_probability", Number(0.01, 1.0, ""), "0.2", "0.5", "Probability from which a text that was not read but is likely raises a hit of kind `alternative`. Lower finds more wanted vehicles and stops more innocent ones ([figures](../design/right-hits.md))."),
    key("hotlists", "max_false_hits_per_day", Number(0.0, 1_000_000.0, "false hits a day"), "none", "2", "A version of the list that is expected to cause more is refused and the one before it stays; see `platewatch hotlist budget`."),
    key("hotlists", "activate_over_budget", Bool, "false", "true", "Whether the list is used even above `max_false_hits_per_day`; every time that is said in the log."),

    key("matching", "confusions", FILE, "none", "\"models/reader.confusion.tsv\"", "How often the reader takes one character for another, as lines `truth read count`. Where it is not said: the file that the reader's card names, or what is built in for the shipped reader."),
    key("matching", "passages_per_day", Number(1.0, 100_000_000.0, "passages a day"), "82000", "12000", "Vehicles a day before this box's cameras, for the budgets of lists."),

    key("retention", "scheme", Text("the name of a scheme of the preset: \"be-wpa-12m\", \"antwerp-30d\""), "\"be-wpa-12m\"", "\"antwerp-30d\"", "Terms that go together; the keys below shorten single ones."),
    key("retention", "non_hits_days", DAYS, "as in the scheme", "7", "Passages without a hit."),
    key("retention", "hits_days", DAYS, "as in the scheme", "180", "Passages with a hit, with their hits, answers and messages."),
    key("retention", "plate_texts_days", DAYS, "as in the scheme", "30", "Readable plates, with or without a hit: after it a passage is known by a keyed hash only, until its own term."),
    key("retention", "pictures_days", DAYS, "as in the scheme", "14", "Pictures."),
    key("retention", "register_days", DAYS, "as in the scheme", "3650", "The register: uses, searches, requests of citizens, ended holds."),
    key("retention", "audit_days", DAYS, "as in the scheme", "3650", "The audit chain; its oldest rows go, and a signed anchor says where it begins."),
    key("retention", "non_hits", Word(&["text", "hash", "none"]), "\"text\"", "\"hash\"", "What is kept of a vehicle that is on no list: its plate, a keyed hash of it from the beginning (it can be found by who knows the plate, and past searches do not find it), or nothing."),

    key("law", "preset", Text("\"be-wpa\", \"off\", or the path of a preset file ending in .toml"), "\"be-wpa\"", "\"law/our-zone.toml\"", "The rules of a country: every term, age, role and required field with its article. `off` is for use outside police law."),
    key("law", "policy", Word(&["enforce", "warn", "off"]), "\"enforce\"", "\"warn\"", "What a camera without a fitting mandate does: it is not opened; it runs and log, health and register say so; nobody looks. With the preset `off`: `off`."),
    key("law", "mandates", Text("an existing folder"), "required", "\"mandates\"", "Folder of the signed mandates, `*.toml`; looked at again while the box runs. Not needed with the policy `off`."),
    key("law", "signers", FILE, "required", "\"keys/mandate-signers\"", "File with the public keys of who may sign mandates (`platewatch mandate key`). Not needed with the policy `off`."),

    key("law", "vehicle", NAME, "none", "\"car-12\"", "The vehicle the box is in, by the name mandates give it."),
    key("law", "positions", Text("gpsd://HOST:PORT or a path"), "none", "\"gpsd://127.0.0.1:2947\"", "Who says where the vehicle is, for cameras that move: gpsd, or a file that another program keeps up to date, a line of JSON with `time`, `longitude` and `latitude` (or gpsd's TPV), replaced as it drives. `docs/guide/mandates.md`."),
    key("law", "officers", FILE, "none", "\"keys/officers\"", "Who may be in charge: lines `CODE NAME`. Without it every code is taken as it is given."),

    key("mqtt", "embedded", Bool, "false", "true", "A broker inside this process, on loopback, for demo and development."),
    key("mqtt", "host", Text("a host name or an IP address, without scheme or port"), "none", "\"broker.zone.example\"", "The broker."),
    key("mqtt", "port", Whole(0, 65_535, ""), "8883, 1883 without TLS", "8883", "Its TCP port; 0, any free one, only with `embedded`."),
    key("mqtt", "version", Word(&["5", "3.1.1"]), "\"5\"", "\"3.1.1\"", "Version of MQTT to speak."),
    key("mqtt", "username", Text("a user name"), "none", "\"box-1\"", "Our user at the broker; needs `password_file` or `password_env`."),
    key("mqtt", "password_file", Text("an existing file with the password"), "none", "\"secrets/mqtt\"", "File whose text is the password; a line end at its end does not count."),
    key("mqtt", "password_env", Text("the name of an environment variable that is set"), "none", "\"MQTT_PASSWORD\"", "Environment variable with the password."),
    key("mqtt", "keep_alive_s", Whole(5, 3600, "seconds"), "30", "60", "Time between pings; the broker tells others that we are gone after one and a half of it."),
    key("mqtt", "allow_plaintext", Bool, "false", "true", "Whether plates and passwords may go unencrypted to a broker on another machine."),
    key("mqtt", "publish_passages", Bool, "false", "true", "Whether every passage is published, not only hits."),
    key("mqtt", "health_every_s", Whole(1, 3600, "seconds"), "10", "60", "Longest time between two health messages."),
    key("mqtt", "catch_up_per_s", Whole(1, 10_000, "messages a second"), "100", "20", "How fast old messages are sent after an outage of the broker; hits of the last minute go ahead of them."),

    key("mqtt.tls", "ca", FILE, "required", "\"tls/ca.pem\"", "Who may have signed the broker's certificate."),
    key("mqtt.tls", "certificate", FILE, "none", "\"tls/box-1.pem\"", "Our certificate, for brokers that ask for one; needs `key`."),
    key("mqtt.tls", "key", FILE, "none", "\"tls/box-1.key\"", "Its private key; needs `certificate`."),

    key("mqtt.inbound", "accept", Word(&["signed", "broker"]), "\"signed\"", "\"broker\"", "Whose messages are followed: those with a signature that counts, or all that the broker lets through; then only the broker's access list decides who may."),
    key("mqtt.inbound", "may", Array("words of \"outcome\", \"reload-lists\", \"retry-outbox\", \"pause\", \"resume\", \"health-now\""), "none", "[\"outcome\"]", "With `accept = \"broker\"`: what may be asked."),
    key("mqtt.inbound", "max_age_s", Number(1.0, 86_400.0, "seconds"), "120", "600", "A message older than this is not followed. Messages that came while the box was away are held back by the broker and follow at the next connection."),
    key("mqtt.inbound", "clock_skew_s", Number(0.0, 3600.0, "seconds"), "60", "5", "The clocks of signer and box may differ by so much."),

    key("mqtt.inbound.signers", "id", NAME, "required", "\"dispatch\"", "The signer's name in messages and in the audit chain."),
    key("mqtt.inbound.signers", "key", Text("a public key, 64 hexadecimal digits"), "required", "\"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"", "The public key (Ed25519)."),
    key("mqtt.inbound.signers", "may", Array("words of \"outcome\", \"reload-lists\", \"retry-outbox\", \"pause\", \"resume\", \"health-now\""), "required", "[\"outcome\", \"health-now\"]", "What may be asked with it."),

    key("console", "listen", Text("address:port, such as \"127.0.0.1:8080\""), "\"127.0.0.1:8080\"", "\"[::1]:8080\"", "Where to listen. Under `law.policy = \"enforce\"` people log in; else beyond loopback put a login before it."),
    key("console", "page", Bool, "true", "false", "Whether hits and pictures are shown, or only health and metrics."),
    key("console", "answers", Bool, "false", "true", "Whether hits can be answered on the page (confirmed, misread, ...). Where nobody has to log in (`law.policy`) whoever reaches the page can answer under any name."),

    key("log", "level", Text("\"error\", \"warn\", \"info\", \"debug\", \"trace\", or a filter such as \"info,platewatch::capture=debug\""), "\"info\"", "\"debug\"", "How much is logged."),
    key("log", "format", Word(&["text", "json"]), "\"text\"", "\"json\"", "Text for people or one JSON object a line."),
    key("log", "plates", Bool, "false", "true", "Whether plate texts may stand in logs at `info` and above."),

    key("run", "stop_deadline_s", Number(1.0, 600.0, "seconds"), "20", "60", "Longest time for an orderly end after SIGTERM; what is not delivered by then is delivered after the next start."),
];

/// The key `name` of a table.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|k| k.section == section && k.name == name)
}

/// What may stand in a table: its keys and the tables under it.
pub(super) fn names(section: &str) -> Vec<&'static str> {
    let keys = KEYS.iter().filter(|k| k.section == section).map(|k| k.name);
    let tables = SECTIONS.iter().filter_map(|(name, ..)| match name.rsplit_once('.') {
        Some((parent, child)) => (parent == section).then_some(child),
        None => (section.is_empty() && !name.is_empty()).then_some(*name),
    });
    keys.chain(tables).collect()
}

/// The word nearest to `found`, where one is near enough to be a slip of the finger.
pub(super) fn nearest<'a>(found: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let found = found.to_lowercase();
    // The distance finds swapped letters in short words, the similarity missing ends of long ones.
    let slip = |w: &str| {
        let few = if w.len() < 8 { 1 } else { 2 };
        let alike = strsim::jaro_winkler(&found, w);
        let near = w.len() > 2 && strsim::osa_distance(&found, w) <= few;
        (near || alike >= 0.85).then_some(if near { alike + 1.0 } else { alike })
    };
    words.filter_map(|w| Some((slip(w)?, w))).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, w)| w)
}

/// `docs/ref/config.md`.
pub fn reference() -> String {
    let mut out = String::from(INTRODUCTION);
    for (section, heading, about) in SECTIONS {
        let heading = if section.is_empty() { (*heading).to_owned() } else { format!("`{heading}`") };
        out.push_str(&format!("\n## {heading}\n\n{about}\n\n"));
        out.push_str("| key | holds | default | example | meaning |\n| --- | --- | --- | --- | --- |\n");
        for k in KEYS.iter().filter(|k| k.section == *section) {
            let default = match k.default {
                "required"
                | "none"
                | "as in [track]"
                | "as in [vision]"
                | "8883, 1883 without TLS"
                | "as in the scheme" => k.default.to_owned(),
                written => format!("`{written}`"),
            };
            out.push_str(&format!(
                "| `{}` | {} | {default} | `{}` | {} |\n",
                k.name, k.kind, k.example, k.meaning
            ));
        }
    }
    out
}

const INTRODUCTION: &str = "\
# Configuration

One TOML file. `platewatch check --config FILE` names everything wrong with it at once: key, line, what was \
found, what is allowed. Unknown keys are errors. Relative paths start from the folder of the file. Passwords \
stand in files or environment variables, never here and never in URLs.

This page is printed by `platewatch print-config --reference` from the table the program checks against \
(`src/config/keys.rs`); a test keeps the two the same. Examples: `docs/guide/configuration-by-example.md`.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ref/config.md");
        let written = std::fs::read_to_string(path).unwrap();
        assert!(
            written == reference(),
            "docs/ref/config.md is stale: platewatch print-config --reference > docs/ref/config.md"
        );
        for key in KEYS {
            assert!(written.contains(&format!("| `{}` |", key.name)), "{} is missing", key.name);
        }
    }

    #[test]
    fn every_key_has_its_table_and_stands_once() {
        for (i, k) in KEYS.iter().enumerate() {
            assert!(SECTIONS.iter().any(|(s, ..)| *s == k.section), "{k:?}");
            assert!(!KEYS.iter().skip(i + 1).any(|o| (o.section, o.name) == (k.section, k.name)), "{k:?}");
        }
    }

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let near = |w| nearest(w, names("cameras").into_iter());
        assert_eq!(near("trasnport"), Some("transport"));
        assert_eq!(near("read_timeout"), Some("read_timeout_s"));
        assert_eq!(near("zzz"), None);
    }
}
