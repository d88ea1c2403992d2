//! The memory of a request.

use std::ops::{Deref, DerefMut};
use std::time::SystemTime;

use bumpalo::Bump;

use crate::value::Date;

/// The memory that what a request reads and makes lives in, and the instant that it is read at: a field that a migration fills with
/// `NOW` is the same wherever the request looks.
#[derive(Debug)]
pub struct Arena {
    bump: Bump,
    now: Date,
}

impl Arena {
    /// An empty one, at this moment.
    #[must_use]
    pub fn new() -> Self {
        Self::at(SystemTime::now())
    }

    /// An empty one, of a request at that instant.
    #[must_use]
    pub fn at(now: SystemTime) -> Self {
        Self { bump: Bump::new(), now: Date::from_system(now) }
    }

    /// The instant of the request.
    #[must_use]
    pub const fn now(&self) -> Date {
        self.now
    }
}

impl Default for Arena {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Arena {
    type Target = Bump;

    fn deref(&self) -> &Bump {
        &self.bump
    }
}

impl DerefMut for Arena {
    fn deref_mut(&mut self) -> &mut Bump {
        &mut self.bump
    }
}
