//! Papers, printed.
