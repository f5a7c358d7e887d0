//! What people read on a terminal: the screen of a check, what moved, the trail, a license in plain words, mistakes.
//!
//! Pure: takes a dossier or the catalog and a [`Style`], gives text. Without color the text is the same letter by letter.

mod diagnostics;
mod style;

pub use diagnostics::diagnostics;
pub use style::Style;
