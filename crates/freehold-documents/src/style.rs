//! The look of a screen: its width, and color where the reader is a terminal.

use anstyle::{AnsiColor, Color};

pub(crate) use freehold_base::shown as clean;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_command_the_terminal() {
        let style = Style { color: false, width: 80 };
        assert_eq!(style.paint(Ink::Strong, "a\u{1b}[2Jb\u{202e}c\td"), "a\u{fffd}[2Jb\u{fffd}c d");
    }
}
