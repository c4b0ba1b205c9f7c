//! The schema of a database as SQLite sees it, to compare two of them.

use rusqlite::Connection;

/// Every object with its columns, keys and indexes; spelling and comments aside.
pub(super) fn shape(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut lines = Vec::new();
    let names: Vec<(String, String)> = connection
        .prepare("SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2")?
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (kind, name) in names {
        let pragmas: &[&str] = if kind == "table" {
            &["table_xinfo", "foreign_key_list", "index_list"]
        } else {
            &["index_xinfo"]
        };
        let quoted = name.replace('\'', "''");
        for pragma in pragmas {
            let mut statement = connection.prepare(&format!("PRAGMA {pragma}('{quoted}')"))?;
            let columns = statement.column_count();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let cells: Vec<String> = (0..columns)
                    .map(|i| row.get_ref(i).map(|c| format!("{c:?}")))
                    .collect::<Result<_, _>>()?;
                lines.push(format!("{kind} {name} {pragma} {}", cells.join(" ")));
            }
        }
        let strict: Option<i64> = connection
            .query_row("SELECT strict FROM pragma_table_list WHERE name = ?1", [&name], |r| r.get(0))
            .ok();
        lines.push(format!("{kind} {name} strict {strict:?}"));
    }
    Ok(lines)
}

/// The shape that this platewatch expects.
pub(super) fn expected() -> rusqlite::Result<Vec<String>> {
    let fresh = Connection::open_in_memory()?;
    fresh.execute_batch(include_str!("schema.sql"))?;
    shape(&fresh)
}
