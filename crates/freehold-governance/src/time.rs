//! Moments and days.

/// A day, in microseconds.
pub const DAY_MICROS: i64 = 86_400_000_000;

/// The moment, in microseconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// A day as its last moment's next: an approval until that day holds on it.
pub fn end_of(day: &str) -> Option<i64> {
    let date: jiff::civil::Date = day.parse().ok()?;
    let start = date.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond();
    start.checked_add(DAY_MICROS)
}

/// A moment as its day.
pub fn day(micros: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(micros).ok();
    at.map_or_else(String::new, |t| t.to_zoned_datetime(jiff::tz::TimeZone::UTC).date().to_string())
}

/// The last day of something that ends at a moment.
pub fn last_day(micros: i64) -> String {
    day(micros.saturating_sub(1))
}

/// A moment as RFC 3339 with seconds.
pub fn moment_of(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| String::new(), |t| format!("{t:.0}"))
}
