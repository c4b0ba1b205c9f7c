//! Values as they may stand in a message: short, and never with a secret in them.

use toml::de::DeValue;

/// Whether `text` is a URL with a user or password in it. A password may hold any character, so
/// every `@` counts, wherever it stands.
pub(super) fn carries_credentials(text: &str) -> bool {
    let query = text.split_once('?').map_or("", |(_, query)| query).to_lowercase();
    text.contains('@') && text.contains(':')
        || text.contains("://") && (query.contains("pass") || query.contains("pwd"))
}

/// A value as it may stand in a message.
pub(super) fn show(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => show_text(text, 60),
        DeValue::Integer(n) => n.to_string(),
        DeValue::Float(n) => n.to_string(),
        DeValue::Boolean(b) => b.to_string(),
        DeValue::Datetime(t) => t.to_string(),
        DeValue::Table(_) => "a table".into(),
        DeValue::Array(a) => {
            let scalar = |v: &DeValue<'_>| !v.is_array() && !v.is_table();
            if a.len() <= 4 && a.iter().all(|v| scalar(v.get_ref())) {
                let items: Vec<_> = a.iter().map(|v| show(v.get_ref())).collect();
                format!("[{}]", items.join(", "))
            } else {
                format!("an array of {}", a.len())
            }
        }
    }
}

/// A text in quotes, cut to `most` characters; never a URL with credentials in it.
pub(super) fn show_text(text: &str, most: usize) -> String {
    if carries_credentials(text) {
        return "a text with a user or password in it (not repeated here)".into();
    }
    let mut cut: String = text.chars().take(most).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    format!("{cut:?}")
}
