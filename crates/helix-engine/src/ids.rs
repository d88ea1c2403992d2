//! Ids: a count of 100 ns ticks inside, a UUID of version 6 outside.
//!
//! Source of the outer form: RFC 9562, section 5.6. The 61 bits of a UUID that carry no time are a keyed hash of the time, so
//! that a foreign UUID is recognised without a look-up and ids cannot be guessed from their neighbours.

use std::hash::Hasher as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use siphasher::sip::SipHasher13;
use uuid::Uuid;

/// 100 ns ticks from 1582-10-15T00:00:00Z to 1970-01-01T00:00:00Z.
const TICKS_TO_UNIX_EPOCH: u64 = 0x01b2_1dd2_1381_4000;

/// The bits of a UUID's time.
const TIME_BITS: u32 = 60;

/// An item inside the engine: 60 bits of time, increasing in the order of creation over all kinds and types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub u64);

impl ItemId {
    /// The id as it stands in keys.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// The id that eight bytes of a key hold.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

/// Turns ids into UUIDs and back, by the database's secret.
#[derive(Clone, Copy)]
pub struct IdCodec {
    secret: [u8; 16],
}

impl std::fmt::Debug for IdCodec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdCodec(***)")
    }
}

impl IdCodec {
    /// A codec for a database.
    #[must_use]
    pub const fn new(secret: [u8; 16]) -> Self {
        Self { secret }
    }

    /// The UUID of an id.
    #[must_use]
    pub fn encode(self, id: ItemId) -> Uuid {
        let time = id.0;
        // Version 6 puts the time first: 48 bits, the version, 12 bits.
        let high = (u128::from(time >> 12) << 80) | (0x6 << 76) | (u128::from(time & 0xfff) << 64);
        let mut hasher = SipHasher13::new_with_key(&self.secret);
        hasher.write_u64(time);
        // The variant is binary 10; the multicast bit of the node says that it is no hardware address.
        let low = (hasher.finish() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000 | 0x0100_0000_0000;
        Uuid::from_u128(high | u128::from(low))
    }

    /// The id of a UUID of this database; `None` for any other.
    #[must_use]
    pub fn decode(self, uuid: Uuid) -> Option<ItemId> {
        let bits = uuid.as_u128();
        let time = (((bits >> 80) as u64) << 12) | ((bits >> 64) as u64 & 0xfff);
        let id = ItemId(time);
        (self.encode(id) == uuid).then_some(id)
    }
}

/// Gives ids, each larger than every one before. Only the writer has one; what it gave counts once it is committed.
#[derive(Clone, Copy, Debug)]
pub struct IdSource {
    last: u64,
}

impl IdSource {
    /// A source that goes on behind `last`.
    #[must_use]
    pub const fn new(last: u64) -> Self {
        Self { last }
    }

    /// The next id at an instant.
    pub fn next(&mut self, now: SystemTime) -> ItemId {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let ticks = TICKS_TO_UNIX_EPOCH.saturating_add(u64::try_from(since.as_nanos() / 100).unwrap_or(u64::MAX));
        self.last = ticks.min((1 << TIME_BITS) - 1).max(self.last + 1);
        ItemId(self.last)
    }

    /// The last id given.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_come_back_from_their_uuid(time in 0_u64..1 << 60, secret: [u8; 16]) {
            let codec = IdCodec::new(secret);
            let uuid = codec.encode(ItemId(time));
            prop_assert_eq!(uuid.get_version_num(), 6);
            prop_assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
            prop_assert_eq!(codec.decode(uuid), Some(ItemId(time)));
        }

        #[test]
        fn uuids_sort_as_ids_do(a in 0_u64..1 << 60, b in 0_u64..1 << 60, secret: [u8; 16]) {
            prop_assume!(a != b);
            let codec = IdCodec::new(secret);
            prop_assert_eq!(a.cmp(&b), codec.encode(ItemId(a)).cmp(&codec.encode(ItemId(b))));
        }

        #[test]
        fn foreign_uuids_are_nobodys(bits: u128, secret: [u8; 16]) {
            let codec = IdCodec::new(secret);
            let uuid = Uuid::from_u128(bits);
            if let Some(id) = codec.decode(uuid) {
                prop_assert_eq!(codec.encode(id), uuid);
            }
        }
    }

    #[test]
    fn ids_increase_even_when_the_clock_stands_or_goes_back() {
        let mut ids = IdSource::new(0);
        let now = SystemTime::now();
        let first = ids.next(now);
        let second = ids.next(now);
        let third = ids.next(now - Duration::from_secs(3600));
        assert!(first < second && second < third);
        assert_eq!(ids.last(), third.0);
    }
}
