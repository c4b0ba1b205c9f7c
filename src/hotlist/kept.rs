//! The last accepted version of a signed list, kept beside the memory of what was accepted.
//!
//! A box that is started while the newest file is refused (half copied, unsigned, brought again from before) would
//! watch for nobody. Here it finds the version it used last, with its manifest, and takes it under the same checks.

use super::{Manifest, Settings, Signing, hash_file, manifest_path};
use std::io;
use std::path::{Path, PathBuf};

fn place(memory: &Path, name: &str) -> PathBuf {
    memory.join(format!("{name}.kept"))
}

/// Keeps the file and the manifest of a version that was just accepted; nothing to do where they are kept already.
///
/// # Errors
/// Where they cannot be written, or the file has changed meanwhile.
pub(super) fn keep(settings: &Settings, manifest: &Manifest) -> io::Result<()> {
    let Some(Signing { memory: Some(memory), manifest: signed, signers, .. }) = &settings.signing else {
        return Ok(());
    };
    let to = place(memory, &settings.name);
    let text = std::fs::read(signed)?;
    if Manifest::verify(&text, signers).ok().as_ref() != Some(manifest) {
        return Err(io::Error::other("its manifest has changed since it was accepted"));
    }
    if std::fs::read(manifest_path(&to)).is_ok_and(|known| known == text)
        && hash_file(&to).is_ok_and(|known| known == manifest.sha256)
    {
        return Ok(());
    }
    std::fs::create_dir_all(memory)?;
    let beside = memory.join(format!("{}.kept.new", settings.name));
    std::fs::copy(&settings.path, &beside)?;
    if hash_file(&beside)? != manifest.sha256 {
        let _ = std::fs::remove_file(&beside); // the next version writes over it
        return Err(io::Error::other("the file has changed since it was accepted"));
    }
    std::fs::File::open(&beside)?.sync_all()?;
    std::fs::rename(&beside, &to)?;
    // A crash in between leaves a file that its manifest does not fit: then nothing is kept, and nothing wrong.
    std::fs::write(&beside, &text)?;
    std::fs::File::open(&beside)?.sync_all()?;
    std::fs::rename(&beside, manifest_path(&to))?;
    std::fs::File::open(memory)?.sync_all()
}

/// The settings under which the kept version is loaded; `None` where none is kept.
pub(super) fn kept(settings: &Settings) -> Option<Settings> {
    let signing = settings.signing.as_ref()?;
    let path = place(signing.memory.as_ref()?, &settings.name);
    let manifest = manifest_path(&path);
    let signing = Signing { manifest, ..signing.clone() };
    path.is_file().then(|| Settings { path, signing: Some(signing), ..settings.clone() })
}
