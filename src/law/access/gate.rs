//! The gate: whether somebody may look, how far back, and how much.
//!
//! Pure: who asks was let in before, what they did today is told to it, and what it says is recorded by the caller
//! before anything is shown.

use super::{Right, Role};
use crate::domain::Utc;
use crate::law::Policy;
use crate::law::preset::{AccessRules, Older, Police};

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// Their name.
    pub name: String,
    /// What they are; `None` where nobody has to log in (outside `enforce`).
    pub role: Option<Role>,
}

/// What somebody wants.
#[derive(Debug, Clone)]
pub struct Look {
    /// What they want to do.
    pub right: Right,
    /// Whether it is without a plate, or for many.
    pub bulk: bool,
    /// For what, in the preset's words.
    pub purpose: Option<String>,
    /// For which case.
    pub case: Option<String>,
    /// Reference of the prosecutor's decision.
    pub decision: Option<String>,
    /// The second person, let in too.
    pub second: Option<Asker>,
    /// How many bulk looks this person made in the last 24 hours.
    pub bulk_today: u32,
    /// By this time.
    pub now: Utc,
}

/// What the gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// No; in words for who asked and for the record.
    Refused(String),
    /// Yes.
    Allowed {
        /// What was first seen before is left out.
        not_before: Option<Utc>,
        /// Why it is left out.
        left_out: Option<String>,
        /// At most so many rows.
        max_rows: Option<usize>,
        /// Why it was allowed, for the record.
        reason: String,
        /// What would have been refused or left out under `enforce`; to be said to who asked.
        warning: Option<String>,
    },
}

/// Decides by the rules in force.
#[derive(Debug, Clone)]
pub struct Gate {
    /// What a refusal means.
    pub policy: Policy,
    /// The preset's name.
    pub preset: String,
    /// Its rules; `None` outside police law.
    pub rules: Option<AccessRules>,
}

const DAY_MS: i64 = 86_400_000;

impl Gate {
    /// Whether people must log in here.
    pub fn asks(&self) -> bool {
        self.policy == Policy::Enforce && self.rules.is_some()
    }

    /// Whether a role has a right; where nobody logs in, everybody has all.
    pub fn has(&self, role: Option<Role>, right: Right) -> bool {
        match (&self.rules, role) {
            (Some(rules), Some(role)) => rules.roles.value.get(&role).is_some_and(|r| r.contains(&right)),
            _ => !self.asks(),
        }
    }

    /// The decision.
    pub fn decide(&self, asker: &Asker, look: &Look) -> Answer {
        let free = |warning| Answer::Allowed {
            not_before: None,
            left_out: None,
            max_rows: None,
            reason: format!("law.policy is {}: looking back is not restricted", self.policy),
            warning,
        };
        let Some(rules) = self.rules.as_ref().filter(|_| self.policy != Policy::Off) else {
            return free(Some(
                "looking back is not restricted here (law.policy = off); it is on record all the same".into(),
            ));
        };
        let strict = self.strictly(rules, asker, look);
        if self.policy == Policy::Enforce {
            return strict;
        }
        free(match strict {
            Answer::Refused(why) => {
                Some(format!("law.policy = warn: under enforce this would be refused: {why}"))
            }
            Answer::Allowed { left_out: Some(why), .. } => {
                Some(format!("law.policy = warn: under enforce some would be left out: {why}"))
            }
            Answer::Allowed { .. } => None,
        })
    }

    fn strictly(&self, rules: &AccessRules, asker: &Asker, look: &Look) -> Answer {
        let preset = &self.preset;
        let Some(role) = asker.role else {
            return Answer::Refused("nobody is logged in: say who you are with --as NAME".into());
        };
        for right in [Some(look.right), look.bulk.then_some(Right::Bulk)].into_iter().flatten() {
            if !self.has(Some(role), right) {
                return Answer::Refused(format!(
                    "the role {role} has not the right \"{right}\" (access.roles of the preset {preset})"
                ));
            }
        }
        let for_a_case = matches!(look.right, Right::Search | Right::Export);
        let police = match self.purpose(rules, look, for_a_case) {
            Ok(police) => police,
            Err(refused) => return Answer::Refused(refused),
        };
        if for_a_case && look.case.as_deref().is_none_or(|c| c.trim().is_empty()) {
            return Answer::Refused(
                "a look back must name its case: --case REFERENCE (access.purposes of the preset)".into(),
            );
        }
        if look.bulk && look.bulk_today >= rules.bulk_per_day.value {
            return Answer::Refused(format!(
                "{} looks without a single plate in 24 hours are the limit for one person (access.bulk_per_day, {})",
                rules.bulk_per_day.value, rules.bulk_per_day.article
            ));
        }
        let (not_before, left_out) = match police {
            Some(police) => self.how_far(rules, police, role, look),
            None => (None, None),
        };
        let older = for_a_case && not_before.is_none() && look.decision.is_some();
        let needing: Vec<Right> =
            [Some(look.right), look.bulk.then_some(Right::Bulk), older.then_some(Right::Older)]
                .into_iter()
                .flatten()
                .filter(|r| rules.four_eyes.value.contains(r))
                .collect();
        if let (Some(right), Err(why)) = (needing.first(), self.second(asker, look)) {
            return Answer::Refused(format!(
                "\"{right}\" needs a second person (access.four_eyes, {}): {why}",
                rules.four_eyes.article
            ));
        }
        Answer::Allowed {
            not_before,
            left_out,
            max_rows: look.bulk.then_some(rules.bulk_rows.value as usize),
            reason: format!(
                "{role}, preset {preset}{}{}",
                look.decision.as_deref().map_or_else(String::new, |d| format!(", decision {d}")),
                look.second.as_ref().map_or_else(String::new, |s| format!(", with {}", s.name)),
            ),
            warning: None,
        }
    }

    fn purpose(&self, rules: &AccessRules, look: &Look, needed: bool) -> Result<Option<Police>, String> {
        let words = || rules.purposes.value.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        match look.purpose.as_deref().map(str::trim) {
            None | Some("") if needed => {
                Err(format!("a look back must name its purpose: --purpose, one of {}", words()))
            }
            None | Some("") => Ok(None),
            Some(purpose) => match rules.purposes.value.get(purpose) {
                Some(police) => Ok(Some(*police)),
                None => Err(format!(
                    "{purpose:?} is no purpose of the preset {}: one of {}",
                    self.preset,
                    words()
                )),
            },
        }
    }

    /// How far back, and why no further.
    fn how_far(
        &self,
        rules: &AccessRules,
        police: Police,
        role: Role,
        look: &Look,
    ) -> (Option<Utc>, Option<String>) {
        let days = rules.first_days.value;
        let start = look.now.plus_ms(-i64::from(days) * DAY_MS);
        let article = &rules.older.article;
        let left_out = match rules.older.value.get(&police) {
            Some(Older::Free) => return (None, None),
            Some(Older::Decision) if !self.has(Some(role), Right::Older) => {
                format!("older than {days} days: the role {role} has not the right \"older\" ({article})")
            }
            Some(Older::Decision) => match look.decision.as_deref().map(str::trim) {
                Some(reference) if !reference.is_empty() => return (None, None),
                _ => format!(
                    "older than {days} days: needs the prosecutor's written, reasoned decision; give its reference \
                     with --decision ({article})"
                ),
            },
            _ => format!(
                "older than {days} days: purposes of administrative police see the first {days} days only ({article})"
            ),
        };
        (Some(start), Some(left_out))
    }

    fn second(&self, asker: &Asker, look: &Look) -> Result<(), String> {
        match &look.second {
            None => Err("give their name with --second NAME and their password".into()),
            Some(second) if second.name == asker.name => Err("one person is not two".into()),
            Some(second) if !self.has(second.role, Right::Second) => {
                Err(format!("the role {} has not the right \"second\"", second.role.map_or("-", Role::word)))
            }
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::Preset;

    fn gate(policy: Policy) -> Gate {
        let preset = Preset::be_wpa();
        Gate { policy, preset: preset.name, rules: preset.rules.map(|r| r.access) }
    }

    fn asker(role: Role) -> Asker {
        Asker { name: format!("the {role}"), role: Some(role) }
    }

    fn look(purpose: &str) -> Look {
        Look {
            right: Right::Search,
            bulk: false,
            purpose: Some(purpose.into()),
            case: Some("AN.11/2026".into()),
            decision: None,
            second: None,
            bulk_today: 0,
            now: Utc::from_unix_ms(1_800_000_000_000),
        }
    }

    fn refused(answer: &Answer) -> &str {
        match answer {
            Answer::Refused(why) => why,
            Answer::Allowed { .. } => panic!("it was allowed"),
        }
    }

    fn not_before(answer: &Answer) -> Option<Utc> {
        match answer {
            Answer::Allowed { not_before, .. } => *not_before,
            Answer::Refused(why) => panic!("{why}"),
        }
    }

    #[test]
    fn a_look_back_needs_role_purpose_and_case() {
        let gate = gate(Policy::Enforce);
        let investigator = asker(Role::Investigator);
        assert!(not_before(&gate.decide(&investigator, &look("crimes-and-offences"))).is_some());
        for role in [Role::Operator, Role::Maintainer, Role::Supervisor, Role::DataProtectionOfficer] {
            assert!(refused(&gate.decide(&asker(role), &look("crimes-and-offences"))).contains(role.word()));
        }
        let nobody = Asker { name: "x".into(), role: None };
        assert!(refused(&gate.decide(&nobody, &look("crimes-and-offences"))).contains("--as"));
        assert!(refused(&gate.decide(&investigator, &look("curiosity"))).contains("curiosity"));
        let without = Look { purpose: None, ..look("") };
        assert!(refused(&gate.decide(&investigator, &without)).contains("purpose"));
        let without = Look { case: Some(" ".into()), ..look("sentences") };
        assert!(refused(&gate.decide(&investigator, &without)).contains("--case"));
    }

    #[test]
    fn after_the_first_month_judicial_purposes_need_a_decision_and_administrative_ones_see_nothing() {
        let gate = gate(Policy::Enforce);
        let investigator = asker(Role::Investigator);
        let with = |purpose: &str, second: Option<Asker>| Look {
            decision: Some("PdK 2026/17".into()),
            second,
            ..look(purpose)
        };
        let second = Some(asker(Role::Supervisor));
        assert_eq!(
            not_before(&gate.decide(&investigator, &with("crimes-and-offences", second.clone()))),
            None
        );
        assert!(
            refused(&gate.decide(&investigator, &with("crimes-and-offences", None)))
                .contains("second person")
        );
        let own = Some(investigator.clone());
        assert!(refused(&gate.decide(&investigator, &with("crimes-and-offences", own))).contains("not two"));
        let maintainer = Some(asker(Role::Maintainer));
        assert!(
            refused(&gate.decide(&investigator, &with("crimes-and-offences", maintainer))).contains("second")
        );
        assert!(not_before(&gate.decide(&investigator, &with("administrative-44-5", second))).is_some());
    }

    #[test]
    fn bulk_looks_have_their_own_limit() {
        let gate = gate(Policy::Enforce);
        let bulk = Look { bulk: true, second: Some(asker(Role::Supervisor)), ..look("disappearances") };
        match gate.decide(&asker(Role::Investigator), &bulk) {
            Answer::Allowed { max_rows: Some(rows), .. } => assert!(rows > 0),
            other => panic!("{other:?}"),
        }
        let often = Look { bulk_today: 10_000, ..bulk };
        assert!(refused(&gate.decide(&asker(Role::Investigator), &often)).contains("24 hours"));
    }

    #[test]
    fn warn_and_off_restrict_nothing_and_say_so() {
        let nobody = Asker { name: "x".into(), role: None };
        for policy in [Policy::Warn, Policy::Off] {
            match gate(policy).decide(&nobody, &look("curiosity")) {
                Answer::Allowed { not_before: None, warning: Some(said), .. } => {
                    assert!(said.contains(policy.word()), "{said}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
