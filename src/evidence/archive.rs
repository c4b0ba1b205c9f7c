//! The file itself: a ZIP archive in one spelling only, so that not a byte of it can be changed unseen.
//!
//! ZIP (PKWARE APPNOTE 6.3.10) leaves its writer many choices, and readers ignore most of what is written: dates,
//! attributes, comments, gaps. Here every choice is made once: stored without compression, dated 1980-01-01, UTF-8
//! names, no comments, no gaps. What does not come out the same when written again is refused.

use super::EvidenceError;

/// Most files in an archive.
const MOST_FILES: usize = 200;
/// Largest archive in bytes: pictures are some hundred kilobytes.
pub(super) const LARGEST: usize = 256 << 20;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// Version 2.0 is needed to extract.
const VERSION: u16 = 20;
/// Bit 11: names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// 1980-01-01, the first day ZIP knows; 00:00.
const DATE: u16 = 0x21;

/// A file in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// The bytes of the archive of `files`, in their order.
pub(super) fn write(files: &[File]) -> Result<Vec<u8>, EvidenceError> {
    let too_large = || EvidenceError::Malformed("it is too large for an archive".into());
    if files.len() > MOST_FILES || files.iter().map(|f| f.bytes.len()).sum::<usize>() > LARGEST {
        return Err(too_large());
    }
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for file in files {
        let offset = u32::try_from(out.len()).map_err(|_| too_large())?;
        let size = u32::try_from(file.bytes.len()).map_err(|_| too_large())?;
        let name = u16::try_from(file.name.len()).map_err(|_| too_large())?;
        let mut common = Vec::new();
        for half in [VERSION, FLAGS, 0, 0, DATE] {
            common.extend(half.to_le_bytes());
        }
        for word in [crc32(&file.bytes), size, size] {
            common.extend(word.to_le_bytes());
        }
        common.extend(name.to_le_bytes());
        common.extend(0u16.to_le_bytes()); // no extra field
        out.extend(LOCAL.to_le_bytes());
        out.extend(&common);
        out.extend(file.name.as_bytes());
        out.extend(&file.bytes);
        central.extend(CENTRAL.to_le_bytes());
        central.extend(VERSION.to_le_bytes()); // made by
        central.extend(common);
        central.extend([0; 10]); // comment, disk, attributes
        central.extend(offset.to_le_bytes());
        central.extend(file.name.as_bytes());
    }
    let count = u16::try_from(files.len()).map_err(|_| too_large())?;
    let offset = u32::try_from(out.len()).map_err(|_| too_large())?;
    let size = u32::try_from(central.len()).map_err(|_| too_large())?;
    out.extend(central);
    out.extend(END.to_le_bytes());
    out.extend([0; 4]); // disks
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend([0; 2]); // comment
    Ok(out)
}

/// The files of an archive, where it is spelled as [`write()`] does.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<File>, EvidenceError> {
    let wrong = |why: &str| EvidenceError::Malformed(why.to_owned());
    if bytes.len() > LARGEST {
        return Err(wrong("it is larger than 256 MiB"));
    }
    let mut files: Vec<File> = Vec::new();
    let mut rest = bytes;
    while rest.starts_with(&LOCAL.to_le_bytes()) {
        if files.len() == MOST_FILES {
            return Err(wrong("it holds more than 200 files"));
        }
        let (size, name) = (le32(rest, 18), le16(rest, 26));
        let (Some(size), Some(name)) = (size, name) else { return Err(wrong("it ends in the middle")) };
        let (name_end, end) = (30 + name, 30 + name + size);
        let (Some(name), Some(content)) = (rest.get(30..name_end), rest.get(name_end..end)) else {
            return Err(wrong("it ends in the middle"));
        };
        let name = std::str::from_utf8(name).map_err(|_| wrong("a name in it is not UTF-8"))?.to_owned();
        if files.iter().any(|f| f.name == name) {
            return Err(EvidenceError::Malformed(format!("{name:?} stands in it twice")));
        }
        files.push(File { name, bytes: content.to_vec() });
        rest = rest.get(end..).unwrap_or_default();
    }
    if files.is_empty() {
        return Err(wrong("it is no archive of evidence"));
    }
    let again = write(&files)?;
    if again == bytes {
        return Ok(files);
    }
    let at = again.iter().zip(bytes).position(|(a, b)| a != b).unwrap_or(again.len().min(bytes.len()));
    Err(EvidenceError::Changed { name: place(&files, at), at })
}

/// In which file, or beside which, byte `at` of the archive lies.
fn place(files: &[File], at: usize) -> String {
    let mut from = 0;
    for file in files {
        let end = from + 30 + file.name.len() + file.bytes.len();
        if at < end {
            return file.name.clone();
        }
        from = end;
    }
    "the directory of the archive".to_owned()
}

fn le32(bytes: &[u8], at: usize) -> Option<usize> {
    let word: &[u8; 4] = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_le_bytes(*word)).ok()
}

fn le16(bytes: &[u8], at: usize) -> Option<usize> {
    let half: &[u8; 2] = bytes.get(at..)?.first_chunk()?;
    Some(usize::from(u16::from_le_bytes(*half)))
}

/// CRC-32 as ZIP has it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    let table: [u32; 256] = std::array::from_fn(|n| {
        (0..8).fold(n as u32, |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    });
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        let index = (crc ^ u32::from(*byte)) & 0xff;
        crc >> 8 ^ table.get(index as usize).copied().unwrap_or(0)
    });
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Vec<File> {
        vec![
            File { name: "a.txt".into(), bytes: b"hello".to_vec() },
            File { name: "dir/é.json".into(), bytes: vec![] },
        ]
    }

    #[test]
    fn crc_as_in_its_check_value() {
        // "The catalogue of parametrised CRC algorithms": CRC-32/ISO-HDLC, check.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn comes_back_and_opens_with_another_program() {
        let bytes = write(&two()).unwrap();
        assert_eq!(read(&bytes).unwrap(), two());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.zip");
        std::fs::write(&path, &bytes).unwrap();
        let python = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(z.read('a.txt').decode(), z.namelist())";
        let output = std::process::Command::new("python3").args(["-c", python]).arg(&path).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "hello ['a.txt', 'dir/é.json']");
    }

    #[test]
    fn any_other_spelling_is_refused() {
        let bytes = write(&two()).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                // A changed content comes with a wrong sum; everything else is no spelling of ours.
                assert!(read(&changed).is_err(), "byte {at} bit {bit}");
            }
        }
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "{cut} bytes");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(read(&longer).is_err());
        let twice = [two()[0].clone(), two()[0].clone()];
        assert!(read(&write(&twice).unwrap()).unwrap_err().to_string().contains("twice"));
    }
}
