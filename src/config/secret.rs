//! User and password, from a file or an environment variable. What might be a password itself is never
//! repeated in a message.

use super::file::{Table, Value};
use crate::runtime::Secret;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Far more than any password; keeps a wrong path from filling the memory.
const MOST_BYTES: u64 = 4096;

/// `username` with `password_file` or `password_env` of a table: all or nothing.
pub(super) fn credentials(t: &Table<'_>) -> Option<(String, Secret)> {
    let user = t.get("username");
    let (file, env) = (t.get("password_file"), t.get("password_env"));
    match (&user, &file, &env) {
        (None, None, None) => return None,
        (Some(user), None, None) => {
            let hint = "username stands without a password: add password_file or password_env".to_owned();
            let _: Option<()> = user.wrong(Some(hint));
        }
        (None, ..) => t.missing("username", Some("a password stands without a user".into())),
        (_, Some(_), Some(env)) => {
            let _: Option<()> = env.wrong_as("a second password", Some("password_file is there too".into()));
        }
        _ => {}
    }
    let secret = match (file, env) {
        (Some(file), _) => from_file(&file),
        (None, Some(env)) => from_env(&env),
        (None, None) => None,
    };
    user?.text().map(str::to_owned).zip(secret)
}

fn from_env(value: &Value<'_>) -> Option<Secret> {
    let name = value.text()?;
    let usual = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    // Operators do write the password itself here; only what cannot well be one is repeated.
    let shown = if name.bytes().all(usual) {
        format!("{name:?}")
    } else {
        "a name (not repeated, in case it is the password itself)".into()
    };
    if name.contains(['=', '\0']) {
        return value.wrong_as(&shown, None);
    }
    match (value.file.env)(name) {
        Some(text) if text.is_empty() => value.wrong_as(&format!("{shown}, which is empty"), None),
        Some(text) => Some(Secret::new(text)),
        None => value.wrong_as(&format!("{shown}, which is not set"), None),
    }
}

fn from_file(value: &Value<'_>) -> Option<Secret> {
    let text = value.text()?;
    let path = value.file.base.join(text);
    // As above: repeated only where there is such a folder, which no password makes true by chance.
    let in_a_folder = |p: &Path| p.parent().is_some_and(|p| p.parent().is_some() && p.is_dir());
    let shown = if text.contains('/') && in_a_folder(&path) {
        format!("{text:?}")
    } else {
        "a file (not repeated, in case it is the password itself)".into()
    };
    if !path.is_file() {
        let why = super::file::absence(&path, "which is no file");
        return value.wrong_as(&format!("{shown}, {why}"), None);
    }
    match read(&path) {
        Err(why) => value.wrong_as(&format!("{shown}, which cannot be read: {why}"), None),
        Ok(secret) if secret.is_empty() => value.wrong_as(&format!("{shown}, which is empty"), None),
        Ok(secret) if secret.contains('\n') => {
            value.wrong_as(&format!("{shown}, which holds more than one line"), None)
        }
        Ok(secret) => {
            warn_if_readable(value, &path);
            Some(Secret::new(secret))
        }
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(MOST_BYTES).read_to_string(&mut text)?;
    let end = text.strip_suffix('\n').map(|t| t.strip_suffix('\r').unwrap_or(t));
    Ok(end.map(str::to_owned).unwrap_or(text))
}

/// Warns where everyone on the box may read this file.
pub(super) fn warn_if_readable(value: &Value<'_>, path: &Path) {
    let mode = std::fs::metadata(path).map_or(0, |m| m.permissions().mode());
    if mode & 0o004 != 0 {
        let found = format!("a file that everyone may read (mode {:03o})", mode & 0o777);
        value.file.warn(value.at, &value.key, &found, &format!("chmod o-r {}", path.display()));
    }
}

/// A private key: an existing file, with a warning where everyone may read it.
pub(super) fn private_key(value: &Value<'_>) -> Option<PathBuf> {
    let path = value.existing_file()?;
    warn_if_readable(value, &path);
    Some(path)
}
