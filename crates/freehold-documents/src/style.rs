//! The look of a screen: its width, and color where the reader is a terminal.

use anstyle::{AnsiColor, Color};

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// True on a terminal that wants it.
    pub color: bool,
    /// Columns.
    pub width: usize,
}

/// What a piece of text means; color says nothing that the words do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// As it is.
    Plain,
    /// Done, or allowed.
    Good,
    /// Missing, or refused.
    Bad,
    /// Open.
    Open,
    /// A heading or the subject.
    Strong,
    /// A place, a label, what matters less.
    Quiet,
}

impl Style {
    /// The text, cleaned of what a terminal would obey, and painted where color is wanted.
    pub(crate) fn paint(self, ink: Ink, text: &str) -> String {
        let text = clean(text);
        if !self.color || text.is_empty() || ink == Ink::Plain {
            return text;
        }
        let color = |c: AnsiColor| anstyle::Style::new().fg_color(Some(Color::Ansi(c)));
        let style = match ink {
            Ink::Good => color(AnsiColor::Green).bold(),
            Ink::Bad => color(AnsiColor::Red).bold(),
            Ink::Open => color(AnsiColor::Yellow).bold(),
            Ink::Quiet => anstyle::Style::new().dimmed(),
            Ink::Strong | Ink::Plain => anstyle::Style::new().bold(),
        };
        format!("{style}{text}{style:#}")
    }
}

/// Names and values come from files that anybody may have written: control characters and the marks that reorder text
/// are shown as `�`, so that a file cannot move the cursor or hide a word.
pub(crate) fn clean(text: &str) -> String {
    let hostile = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if c == '\t' { ' ' } else { c }).map(|c| if hostile(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_command_the_terminal() {
        let style = Style { color: false, width: 80 };
        assert_eq!(style.paint(Ink::Strong, "a\u{1b}[2Jb\u{202e}c\td"), "a\u{fffd}[2Jb\u{fffd}c d");
    }
}
