//! Mappings that are built in, as text, so that they can be printed and changed.

/// Name and TOML text of every ready mapping; our own layout first.
pub fn ready() -> &'static [(&'static str, &'static str)] {
    &[
        ("platewatch", include_str!("ready/platewatch.toml")),
        ("simple", include_str!("ready/simple.toml")),
        ("ncic", include_str!("ready/ncic.toml")),
        ("texas-ncic", include_str!("ready/texas-ncic.toml")),
        ("florida", include_str!("ready/florida.toml")),
        ("new-york", include_str!("ready/new-york.toml")),
        ("california-clew", include_str!("ready/california-clew.toml")),
        ("illinois-leads", include_str!("ready/illinois-leads.toml")),
        ("washington", include_str!("ready/washington.toml")),
        ("openalpr", include_str!("ready/openalpr.toml")),
        ("genetec", include_str!("ready/genetec.toml")),
        ("flock", include_str!("ready/flock.toml")),
    ]
}
