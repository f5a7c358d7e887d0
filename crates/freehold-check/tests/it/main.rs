//! The one pipeline against scenarios that counsel can read.

mod scenarios;
