//! Where the register is kept: events in an append-only log that anybody can check, in one SQLite file or in PostgreSQL.
//!
//! The log is the truth. Every event is one leaf of a Merkle tree (`freehold-log`), in the one form of its JSON; each write
//! signs a new checkpoint in the same transaction, and is acknowledged after that is durable. Records are a projection of
//! their events, kept beside them for lists, and compared with them by [`Register::verify`].
//!
//! Whoever holds the database can change what is in it. What they cannot do is change it unnoticed: the leaves, the tree, the
//! signed checkpoints and the checkpoint that every machine remembers must all still agree ([`Remembered`]).

mod db;
mod event;
mod key;
mod register;
mod shelf;
mod trouble;
mod verify;

pub use event::{Event, NewEvent, Row, new_id};
pub use key::{KeyFile, Remembered};
pub use register::{CLOCK_SLACK_MICROS, Change, Filter, Head, Register};
pub use shelf::{ITEM_BYTES_MAX, Item, Shelf, copy_database};
pub use trouble::Trouble;
pub use verify::{Found, Report};
