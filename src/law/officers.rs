//! Who may be in charge of a box: a file of card or service numbers and names.

use std::collections::BTreeMap;

/// Officers by what their card or code says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Officers(BTreeMap<String, String>);

impl Officers {
    /// Reads lines `CODE NAME…`; blank ones and those that begin with `#` are left out.
    ///
    /// # Errors
    /// The line that is none, and why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut officers = BTreeMap::new();
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: &str| format!("line {}: {why}; a line is \"CODE NAME\"", i + 1);
            let (code, name) = line.split_once(char::is_whitespace).ok_or_else(|| wrong("no name"))?;
            if officers.insert(code.to_owned(), name.trim().to_owned()).is_some() {
                return Err(wrong("a second officer with the same code"));
            }
        }
        if officers.is_empty() { Err("no officer in it".into()) } else { Ok(Self(officers)) }
    }

    /// Who the code belongs to, as the register will name them: code and name. Without a file of officers every
    /// text that says something is taken as it is.
    pub fn find(&self, code: &str) -> Option<String> {
        let code = code.trim();
        if self.0.is_empty() {
            return (!code.is_empty() && !code.chars().any(char::is_control)).then(|| code.to_owned());
        }
        self.0.get(code).map(|name| format!("{code} {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_or_refused() {
        let officers = Officers::parse("# shift A\n4711 An Example\n4712\tBo Example\n").unwrap();
        assert_eq!(officers.find(" 4711 "), Some("4711 An Example".into()));
        assert_eq!(officers.find("9999"), None);
        assert_eq!(Officers::default().find("anyone"), Some("anyone".into()));
        assert_eq!(Officers::default().find("  "), None);
        assert!(Officers::parse("4711 An\n4711 Bo\n").unwrap_err().contains("line 2"));
    }
}
