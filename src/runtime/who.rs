//! Who runs this program, as the system knows it.

use std::os::unix::fs::MetadataExt;

/// Name of the user this process belongs to, from the kernel and the system's list of users, not from variables
/// that anyone can set; `uid N` where the list has none. With `sudo`, who used it stands behind.
pub fn system_user() -> String {
    let Ok(process) = std::fs::metadata("/proc/self") else { return "unknown".into() };
    let uid = process.uid();
    let list = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = name_of(&list, uid);
    // Only root could have set it to something else.
    match std::env::var("SUDO_USER") {
        Ok(by) if uid == 0 && by != name && !by.is_empty() => format!("{name} (sudo by {by})"),
        _ => name,
    }
}

/// The name of `uid` in the text of a passwd(5) file.
fn name_of(list: &str, uid: u32) -> String {
    let uid = uid.to_string();
    list.lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == uid).then(|| name.to_owned())
        })
        .unwrap_or_else(|| format!("uid {uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_list_of_users() {
        let list = "root:x:0:0:root:/root:/bin/bash\nbroken\njan:x:1000:1000::/home/jan:/bin/sh\n";
        assert_eq!(name_of(list, 1000), "jan");
        assert_eq!(name_of(list, 7), "uid 7");
        assert!(!system_user().is_empty());
    }
}
