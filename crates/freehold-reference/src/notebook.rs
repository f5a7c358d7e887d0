//! Jupyter notebooks: the code cells as one program, `!` lines and `%%bash` cells as shell.

use crate::code::{self, Style};
use crate::piece::Piece;
use crate::programs::Shell;
use crate::shell;
use crate::sink::Sink;
use crate::tree::{self, Kind, NONE};

/// Lines of one cell that are read.
const LINES_MAX: usize = 20_000;

/// Reads all of `piece`.
pub(crate) fn scan(sink: &mut Sink<'_>, piece: &Piece<'_>) {
    let tree = tree::json(&piece.text);
    if tree.cut {
        sink.cut();
    }
    let mut python = Piece::empty();
    let mut commands = Shell::default();
    for cell in cells(piece, &tree) {
        split(sink, &cell, &mut python, &mut commands);
    }
    code::scan(sink, &python, Style::Python);
}

/// The code cells of a notebook.
fn cells<'p>(piece: &Piece<'_>, tree: &tree::Tree<'_>) -> Vec<Piece<'p>> {
    let mut all = Vec::new();
    for (id, node) in tree.nodes.iter().enumerate() {
        if node.kind != Kind::Map || tree.scalar(id, "cell_type") != Some("code") {
            continue;
        }
        let Some(source) = tree.child(id, "source").or_else(|| tree.child(id, "input")) else { continue };
        let mut cell = Piece::empty();
        let mut add = |id: usize| {
            if let Some(n) = tree.node(id).filter(|n| n.kind == Kind::Scalar) {
                cell.append(&piece.unquoted(n.value.0, n.value.1, n.quote));
            }
        };
        match tree.node(source).map(|n| n.first) {
            Some(NONE) | None => add(source),
            Some(_) => tree.children(source, LINES_MAX).for_each(&mut add),
        }
        all.push(cell);
    }
    all
}

/// The code of a notebook as one program, commands left out as comments would be.
pub(crate) fn program<'p>(piece: &Piece<'_>) -> Piece<'p> {
    let tree = tree::json(&piece.text);
    let mut program = Piece::empty();
    for cell in cells(piece, &tree) {
        let mut at = 0;
        for line in cell.text.split_inclusive('\n') {
            if !line.trim_start().starts_with(['!', '%']) {
                program.append(&cell.part(at, at + line.len()));
            }
            at += line.len();
        }
        program.push("\n", cell.at(cell.text.len()));
    }
    program
}

/// Takes the shell lines out of a cell; what is left is added to the program.
fn split(sink: &mut Sink<'_>, cell: &Piece<'_>, python: &mut Piece<'_>, commands: &mut Shell) {
    let text = cell.text.as_ref();
    let first = text.trim_start().lines().next().unwrap_or_default();
    if ["%%bash", "%%sh", "%%script"].iter().any(|m| first.starts_with(m)) {
        let skip = text.find('\n').unwrap_or(text.len());
        shell::scan_with(sink, &cell.part(skip, text.len()), false, commands);
        return;
    }
    if first.starts_with("%%writefile") || first.starts_with("%%html") || first.starts_with("%%markdown") {
        return;
    }
    let mut at = 0;
    let mut goes_on = false;
    for line in text.split_inclusive('\n') {
        let body = line.trim_start();
        let is_shell = goes_on || body.starts_with('!') || body.starts_with("%env ") || body.starts_with("%sx ");
        if is_shell {
            let skip = line.len() - body.len();
            let skip = if goes_on { skip } else { skip + body.find(['!', ' ']).map_or(0, |n| n + 1) };
            // the whole command, lines that go on included, is read when its first line is met
            if !goes_on {
                let mut end = at;
                for l in text.get(at..).unwrap_or_default().split_inclusive('\n') {
                    end += l.len();
                    if !l.trim_end().ends_with('\\') {
                        break;
                    }
                }
                shell::scan_with(sink, &cell.part(at + skip, end), false, commands);
            }
            goes_on = line.trim_end().ends_with('\\');
        } else {
            python.append(&cell.part(at, at + line.len()));
        }
        at += line.len();
    }
    python.push("\n", cell.at(text.len().saturating_sub(1)));
}
