//! Who may look: roles and their rights, people and their passwords, and the gate every look goes through.
//!
//! `roles` are the words, `users` the file of who is known on this box, `gate` the decision. What may be done comes from
//! the preset; nothing of a country stands here.

mod gate;
mod roles;
mod users;

pub use gate::{Answer, Asker, Gate, Look};
pub use roles::{Right, Role};
pub use users::{User, UserError, Users};
