//! Roles and rights.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
        pub enum $name { $($(#[$what])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word used in files and on the command line.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|w| w.word() == text).ok_or_else(|| {
                    let words: Vec<&str> = Self::ALL.iter().map(|w| w.word()).collect();
                    format!("one of {}", words.join(", "))
                })
            }
        }
    };
}

words! {
    /// What somebody is on this box.
    Role {
        /// Sees hits as they come and answers them.
        Operator => "operator",
        /// Looks back for a case.
        Investigator => "investigator",
        /// Watches over the data and answers citizens.
        DataProtectionOfficer => "data-protection-officer",
        /// Watches over the people: reads who looked for what.
        Supervisor => "supervisor",
        /// Keeps the box running; sees health, never plates.
        Maintainer => "maintainer",
    }
}

words! {
    /// Something a role may do.
    Right {
        /// See hits as they come, with their pictures.
        Live => "live",
        /// Answer hits.
        Answer => "answer",
        /// Look back for one plate.
        Search => "search",
        /// Look back beyond the first days, with what that needs.
        Older => "older",
        /// Look back without a plate, or for many.
        Bulk => "bulk",
        /// Take data out of the box.
        Export => "export",
        /// Answer a citizen who asks what is held.
        Subject => "subject",
        /// Place legal holds.
        Hold => "hold",
        /// Release legal holds.
        ReleaseHold => "release-hold",
        /// Read who looked for what.
        Report => "report",
        /// Add and disable people.
        Users => "users",
        /// Be the second person where two are needed.
        Second => "second",
        /// See whether the box is well.
        Health => "health",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back() {
        for role in Role::ALL {
            assert_eq!(role.word().parse::<Role>().unwrap(), *role);
        }
        for right in Right::ALL {
            assert_eq!(right.word().parse::<Right>().unwrap(), *right);
        }
        assert!("chief".parse::<Role>().unwrap_err().contains("supervisor"));
    }
}
