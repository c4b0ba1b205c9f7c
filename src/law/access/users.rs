//! The people known on a box: one TOML file that nobody but its owner may read, with passwords as salted hashes.

use super::Role;
use crate::runtime::{SHORTEST_PASSWORD, Secret, hash_password, is_password, waste_a_password};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why somebody cannot be added, found or let in.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The file cannot be read or written.
    #[error("{doing} the users file {}: {why}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Name, role or password cannot be used.
    #[error("{0}")]
    Refused(String),
    /// The name is not known, is disabled, or the password is another. One text for all three: it tells a stranger nothing.
    #[error("name or password is wrong, or the person is disabled")]
    NotLetIn,
}

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The name they log in with and stand in records by.
    pub name: String,
    /// What they are.
    pub role: Role,
    /// Salted hash of the password, or of the token of a machine.
    pub password: String,
    /// When they were added, RFC 3339.
    pub added_at: String,
    /// Who added them.
    pub added_by: String,
    /// When they were disabled; empty: they are not. Their name is never given to another.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub disabled_at: String,
}

impl User {
    /// Whether they may log in.
    pub fn is_enabled(&self) -> bool {
        self.disabled_at.is_empty()
    }
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    user: Vec<User>,
}

/// The file, as read.
#[derive(Debug, Clone)]
pub struct Users {
    path: PathBuf,
    users: Vec<User>,
}

impl Users {
    /// Reads the file; nobody is known where there is none.
    ///
    /// # Errors
    /// It cannot be read, is open to others, or is not such a file.
    pub fn read(path: &Path) -> Result<Self, UserError> {
        let fail = |why: String| UserError::File { doing: "reading", path: path.to_path_buf(), why };
        let mode = match std::fs::metadata(path) {
            Ok(file) => file.permissions().mode(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { path: path.to_path_buf(), users: Vec::new() });
            }
            Err(e) => return Err(fail(e.to_string())),
        };
        if mode & 0o077 != 0 {
            return Err(fail("it can be read by others than its owner; chmod 600 it".into()));
        }
        let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
        let written: Written =
            toml::from_str(&text).map_err(|e| fail(e.to_string().trim_end().to_owned()))?;
        Ok(Self { path: path.to_path_buf(), users: written.user })
    }

    /// Everybody, the disabled included.
    pub fn all(&self) -> &[User] {
        &self.users
    }

    /// Whether somebody with this role can log in.
    pub fn has(&self, role: Role) -> bool {
        self.users.iter().any(|u| u.role == role && u.is_enabled())
    }

    /// Who `name` is, where the password fits and they are not disabled. Takes the same time either way.
    ///
    /// # Errors
    /// [`UserError::NotLetIn`].
    pub fn let_in(&self, name: &str, password: &Secret) -> Result<&User, UserError> {
        match self.users.iter().find(|u| u.name == name.trim()) {
            Some(user) if is_password(password, &user.password) && user.is_enabled() => Ok(user),
            Some(_) => Err(UserError::NotLetIn),
            None => {
                waste_a_password(password);
                Err(UserError::NotLetIn)
            }
        }
    }

    /// Adds somebody and writes the file.
    ///
    /// # Errors
    /// The name is taken or cannot be one, the password is too short, or the file cannot be written.
    pub fn add(
        &mut self,
        name: &str,
        role: Role,
        password: &Secret,
        by: &str,
        now: &str,
    ) -> Result<(), UserError> {
        let refused = |text: &str| Err(UserError::Refused(text.to_owned()));
        let fits = |c: char| c.is_alphanumeric() || ".-_@".contains(c);
        if name.is_empty() || name.chars().count() > 64 || !name.chars().all(fits) {
            return refused("a name has 1 to 64 letters, digits or . - _ @");
        }
        if ["box", "unknown"].contains(&name) {
            return refused("this name stands for the machine itself in the audit chain; choose another");
        }
        if self.users.iter().any(|u| u.name == name) {
            return refused(
                "somebody has this name already; names are never given twice, so that records stay theirs",
            );
        }
        if password.reveal().chars().count() < SHORTEST_PASSWORD {
            return Err(UserError::Refused(format!(
                "a password has at least {SHORTEST_PASSWORD} characters"
            )));
        }
        let hash = hash_password(password).map_err(|e| UserError::Refused(e.to_string()))?;
        self.users.push(User {
            name: name.to_owned(),
            role,
            password: hash,
            added_at: now.to_owned(),
            added_by: by.to_owned(),
            disabled_at: String::new(),
        });
        self.write()
    }

    /// Lets somebody in no more, and writes the file.
    ///
    /// # Errors
    /// Nobody has this name, they are disabled already, or the file cannot be written.
    pub fn disable(&mut self, name: &str, now: &str) -> Result<(), UserError> {
        match self.users.iter_mut().find(|u| u.name == name) {
            None => return Err(UserError::Refused(format!("nobody is called {name:?} here"))),
            Some(user) if !user.is_enabled() => {
                return Err(UserError::Refused(format!("{name:?} is disabled already")));
            }
            Some(user) => user.disabled_at = now.to_owned(),
        }
        self.write()
    }

    /// Whole or not at all: a new file beside, then renamed.
    fn write(&self) -> Result<(), UserError> {
        let fail = |why: String| UserError::File { doing: "writing", path: self.path.clone(), why };
        let text = toml::to_string(&Written { user: self.users.clone() }).map_err(|e| fail(e.to_string()))?;
        let new = self.path.with_extension("toml.new");
        let _ = std::fs::remove_file(&new); // left by a loss of power
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut file| {
                writeln!(file, "# People known on this box; written by `platewatch access user`.\n\n{text}")?;
                file.sync_all()
            })
            .and_then(|()| std::fs::rename(&new, &self.path))
            .and_then(|()| match self.path.parent() {
                Some(dir) if !dir.as_os_str().is_empty() => std::fs::File::open(dir)?.sync_all(),
                _ => Ok(()),
            });
        written.map_err(|e| fail(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_was_added_and_not_disabled_is_let_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("users.toml");
        let secret = |t: &str| Secret::new(t.to_owned());
        let mut users = Users::read(&path).unwrap();
        assert!(users.all().is_empty());
        users
            .add("j.peeters", Role::Investigator, &secret("long enough"), "root", "2026-11-25T00:00:00Z")
            .unwrap();
        for (name, password, word) in [
            ("j.peeters", "long enough", "already"),
            ("a b", "long enough", "letters"),
            ("", "long enough", "letters"),
            ("box", "long enough", "machine"),
            ("new", "short", "at least"),
        ] {
            let error =
                users.add(name, Role::Operator, &secret(password), "root", "x").unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let mut users = Users::read(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("long enough"), "{text}");
        assert_eq!(users.let_in("j.peeters", &secret("long enough")).unwrap().role, Role::Investigator);
        assert!(users.let_in("j.peeters", &secret("wrong")).is_err());
        assert!(users.let_in("nobody", &secret("long enough")).is_err());
        users.disable("j.peeters", "2026-11-26T00:00:00Z").unwrap();
        assert!(users.let_in("j.peeters", &secret("long enough")).is_err());
        assert!(users.disable("j.peeters", "x").is_err() && users.disable("nobody", "x").is_err());
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(Users::read(&path).unwrap_err().to_string().contains("chmod 600"));
    }
}
