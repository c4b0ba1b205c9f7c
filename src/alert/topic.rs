//! Topics of one box: `platewatch/v1/<zone>/<box>/…`, built in one place from names that were checked.

use super::AlertError;

/// First two levels of every topic; the version changes only when a message's meaning would.
const ROOT: &str = "platewatch/v1";

/// Most characters of one name in a topic.
pub const MAX_NAME: usize = 64;

/// Which box speaks: the names that stand in its topics and in the `source` of its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxIdentity {
    zone: String,
    box_id: String,
}

impl BoxIdentity {
    /// Takes the names as they are.
    ///
    /// # Errors
    /// [`AlertError::Name`] where one of them cannot stand in a topic, see [`check_name`].
    pub fn new(zone: &str, box_id: &str) -> Result<Self, AlertError> {
        check_name("zone", zone)?;
        check_name("box", box_id)?;
        Ok(Self { zone: zone.into(), box_id: box_id.into() })
    }

    /// The zone.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// The box.
    pub fn box_id(&self) -> &str {
        &self.box_id
    }

    /// CloudEvents `source`: `/platewatch/<zone>/<box>`.
    pub fn source(&self) -> String {
        format!("/platewatch/{}/{}", self.zone, self.box_id)
    }

    /// MQTT client id: `platewatch-<zone>-<box>`.
    pub fn client_id(&self) -> String {
        format!("platewatch-{}-{}", self.zone, self.box_id)
    }

    /// Hits.
    pub fn hits(&self) -> String {
        self.topic("hits")
    }

    /// Passages.
    pub fn passages(&self) -> String {
        self.topic("passages")
    }

    /// Whether the box is there.
    pub fn status(&self) -> String {
        self.topic("status")
    }

    /// How the box is.
    pub fn health(&self) -> String {
        self.topic("health")
    }

    /// How one camera is.
    ///
    /// # Errors
    /// [`AlertError::Name`] where the camera's name cannot stand in a topic.
    pub fn camera_status(&self, camera: &str) -> Result<String, AlertError> {
        check_name("camera", camera)?;
        Ok(self.topic(&format!("cameras/{camera}/status")))
    }

    /// Which version of one list is in use.
    ///
    /// # Errors
    /// [`AlertError::Name`] where the list's name cannot stand in a topic.
    pub fn hotlist_status(&self, list: &str) -> Result<String, AlertError> {
        check_name("hotlist", list)?;
        Ok(self.topic(&format!("hotlists/{list}/status")))
    }

    /// What operators ask.
    pub fn commands(&self) -> String {
        self.topic("commands")
    }

    /// What operators answer to hits.
    pub fn outcomes(&self) -> String {
        self.topic("outcomes")
    }

    fn topic(&self, rest: &str) -> String {
        format!("{ROOT}/{}/{}/{rest}", self.zone, self.box_id)
    }
}

/// Whether `name` can be one level of a topic: 1 to 64 of `a-z A-Z 0-9 - _ .`. MQTT 5.0 section 4.7
/// forbids only `+ # /` and the null character in a level, and `$` at the start of a topic; we take less,
/// so that a name is also safe in a file name, a shell and a broker's access list.
///
/// # Errors
/// [`AlertError::Name`] otherwise; `what` says in the text what the name is of.
pub fn check_name(what: &'static str, name: &str) -> Result<(), AlertError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(allowed) {
        return Ok(());
    }
    Err(AlertError::Name { what, name: name.chars().take(MAX_NAME).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn topics_are_those_of_the_design() {
        let id = BoxIdentity::new("antwerpen", "car-12").unwrap();
        assert_eq!(id.hits(), "platewatch/v1/antwerpen/car-12/hits");
        assert_eq!(id.camera_status("front").unwrap(), "platewatch/v1/antwerpen/car-12/cameras/front/status");
        assert_eq!(id.hotlist_status("be").unwrap(), "platewatch/v1/antwerpen/car-12/hotlists/be/status");
        assert_eq!(id.client_id(), "platewatch-antwerpen-car-12");
    }

    #[test]
    fn names_that_would_change_the_topic_are_refused() {
        for bad in ["", "a/b", "+", "#", "a#", "$SYS", "a b", "é", "a\0", &"x".repeat(65)] {
            let error = BoxIdentity::new("zone", bad).unwrap_err();
            assert!(error.to_string().contains("box"), "{bad:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_topic_has_exactly_the_levels_it_should(zone in ".{0,70}", name in ".{0,70}") {
            if let Ok(id) = BoxIdentity::new(&zone, &name) {
                prop_assert_eq!(id.hits().split('/').count(), 5);
                prop_assert!(!id.hits().contains(['+', '#', '\0']));
            }
        }
    }
}
