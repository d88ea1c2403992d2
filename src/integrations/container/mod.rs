//! Instances in containers of Docker or Podman, through their API: the programs `docker` and `podman` are not needed.
//!
//! [`settings`] is what the project says, [`names`] what the things of an instance are called and found by, [`spec`] the
//! container that comes out of that, [`compose`] the same for people. All of it is plain values; `docker` sends them, and
//! `ops::container` decides when.

pub mod compose;
pub mod names;
pub mod settings;
pub mod spec;

pub use names::Names;
pub use settings::Settings;

/// The port that every server listens on inside its container; only the one outside differs.
pub const PORT: u16 = 6969;
/// Where the data is inside.
pub const DATA: &str = "/data";
/// Where the file of variables is inside.
pub const VARIABLES: &str = "/run/helix.env";
/// The server inside an image.
pub const SERVER: &str = "/usr/local/bin/helix-server";
/// How long a server may take to end, in seconds, when nobody says otherwise.
pub const GRACE_SECS: u32 = 30;
