//! YAML, JSON and TOML as a tree of keys and values with their places. Tolerant: templates, half a document and
//! trailing commas are read as far as they go; anchors, tags and types are ignored.

use crate::steps;

/// Nodes that are kept; a text with more is cut.
pub(crate) const NODES_MAX: usize = 400_000;

/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 200;

/// Longest quoted scalar that is looked for, in bytes.
const QUOTED_BYTES_MAX: usize = 1 << 20;

/// The same once a quote was not closed.
const QUOTED_BROKEN_MAX: usize = 256;

/// Children of a map that are looked through for a key.
pub(crate) const CHILDREN_MAX: usize = 48;

/// No node.
pub(crate) const NONE: usize = usize::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Map,
    Seq,
    /// On one or more lines, plain or quoted.
    Scalar,
    /// `|` of YAML, `"""` of TOML.
    Block,
    /// `>` of YAML.
    Folded,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) parent: usize,
    pub(crate) first: usize,
    last: usize,
    pub(crate) next: usize,
    /// Place in its parent, from 0.
    pub(crate) index: usize,
    /// Where its key stands, without quotes; empty in a list.
    pub(crate) key: (usize, usize),
    pub(crate) kind: Kind,
    /// Where its value stands, without quotes.
    pub(crate) value: (usize, usize),
    /// `"`, `'` or 0.
    pub(crate) quote: u8,
}

pub(crate) struct Tree<'a> {
    pub(crate) text: &'a str,
    pub(crate) nodes: Vec<Node>,
    pub(crate) cut: bool,
    /// A quote was not closed once: from then on they are looked for nearby only.
    broken: bool,
}

impl<'a> Tree<'a> {
    fn new(text: &'a str) -> Tree<'a> {
        let mut tree = Tree { text, nodes: Vec::new(), cut: false, broken: false };
        tree.add(NONE, (0, 0), Kind::Map, (0, 0), 0);
        tree
    }

    fn add(&mut self, parent: usize, key: (usize, usize), kind: Kind, value: (usize, usize), quote: u8) -> usize {
        let id = self.nodes.len();
        if id >= NODES_MAX {
            self.cut = true;
            return id.saturating_sub(1);
        }
        let mut index = 0;
        if let Some(last) = self.nodes.get(parent).map(|p| p.last) {
            if let Some(last) = self.nodes.get_mut(last) {
                last.next = id;
                index = last.index + 1;
            }
            if let Some(p) = self.nodes.get_mut(parent) {
                if p.first == NONE {
                    p.first = id;
                }
                p.last = id;
            }
        }
        self.nodes.push(Node { parent, first: NONE, last: NONE, next: NONE, index, key, kind, value, quote });
        id
    }

    /// Where the quote that opens at `at` closes.
    fn close(&mut self, at: usize, q: u8) -> Option<usize> {
        let max = if self.broken { QUOTED_BROKEN_MAX } else { QUOTED_BYTES_MAX };
        let found = close_quote(self.text.as_bytes(), at, q, max);
        steps::count(found.map_or(max.min(self.text.len().saturating_sub(at)), |close| close - at));
        self.broken |= found.is_none();
        found
    }

    pub(crate) fn node(&self, id: usize) -> Option<&Node> {
        self.nodes.get(id)
    }

    pub(crate) fn slice(&self, span: (usize, usize)) -> &'a str {
        self.text.get(span.0..span.1).unwrap_or_default()
    }

    pub(crate) fn key(&self, id: usize) -> &'a str {
        self.node(id).map_or("", |n| self.slice(n.key))
    }

    /// The children of a node, at most `max`.
    pub(crate) fn children(&self, id: usize, max: usize) -> impl Iterator<Item = usize> + '_ {
        let mut at = self.node(id).map_or(NONE, |n| n.first);
        std::iter::from_fn(move || {
            let here = self.node(at)?;
            steps::count(1);
            let id = at;
            at = here.next;
            Some(id)
        })
        .take(max)
    }

    /// The child of `id` under `key`, among the first [`CHILDREN_MAX`].
    pub(crate) fn child(&self, id: usize, key: &str) -> Option<usize> {
        self.children(id, CHILDREN_MAX).find(|c| self.key(*c) == key)
    }

    /// The scalar under `key`, as written.
    pub(crate) fn scalar(&self, id: usize, key: &str) -> Option<&'a str> {
        let node = self.node(self.child(id, key)?)?;
        (node.kind == Kind::Scalar).then(|| self.slice(node.value))
    }

    /// `a.b[0].c`, of at most 12 parts.
    pub(crate) fn path(&self, id: usize) -> String {
        let mut parts = Vec::new();
        let mut at = id;
        while let Some(node) = self.node(at).filter(|n| n.parent != NONE && parts.len() < 12) {
            let key = self.slice(node.key);
            parts.push(if key.is_empty() { format!("[{}]", node.index) } else { key.to_owned() });
            at = node.parent;
        }
        let mut out = String::new();
        for part in parts.iter().rev() {
            if !out.is_empty() && !part.starts_with('[') {
                out.push('.');
            }
            out.push_str(part);
        }
        out
    }
}

/// Reads JSON, JSON with comments, or a flow collection of YAML or TOML that begins at `at`; returns where it ends.
fn flow(
    tree: &mut Tree<'_>,
    start: usize,
    parent: usize,
    key: (usize, usize),
    equals: bool,
    reuse: Option<usize>,
) -> usize {
    let bytes = tree.text.as_bytes();
    let at_byte = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let mut at = start;
    let mut open: Vec<usize> = Vec::new();
    // a scalar that may turn out to be a key
    let mut pending: Option<((usize, usize), u8)> = None;
    let (mut key, mut reuse) = (key, reuse);
    while at < bytes.len() {
        let top = open.last().copied().unwrap_or(parent);
        steps::count(1);
        match at_byte(at) {
            b'{' | b'[' if !(at_byte(at) == b'{' && at_byte(at + 1) == b'{' && at_byte(at + 2) != b'"') => {
                let kind = if at_byte(at) == b'{' { Kind::Map } else { Kind::Seq };
                let node = match reuse.take() {
                    Some(id) => {
                        if let Some(node) = tree.nodes.get_mut(id) {
                            node.kind = kind;
                        }
                        id
                    }
                    None => tree.add(top, key, kind, (at, at), 0),
                };
                open.push(node);
                key = (0, 0);
                pending = None;
                at += 1;
            }
            b'}' | b']' => {
                flush(tree, top, &mut key, &mut pending);
                open.pop();
                at += 1;
                if open.is_empty() {
                    return at;
                }
            }
            b',' => {
                flush(tree, top, &mut key, &mut pending);
                at += 1;
            }
            b':' | b'=' if pending.is_some() && (at_byte(at) == b':' || equals) => {
                if let Some((span, _)) = pending.take() {
                    key = if span.1 - span.0 <= KEY_BYTES_MAX { span } else { (0, 0) };
                }
                at += 1;
            }
            q @ (b'"' | b'\'') => match tree.close(at, q) {
                Some(close) => {
                    pending = Some(((at + 1, close), q));
                    at = close + 1;
                }
                None => at += 1,
            },
            b'/' if at_byte(at + 1) == b'/' => at = line_end(bytes, at),
            b'#' if at > 0 && at_byte(at - 1).is_ascii_whitespace() => at = line_end(bytes, at),
            b'/' if at_byte(at + 1) == b'*' => {
                let rest = bytes.get(at + 2..).unwrap_or_default();
                at += 4 + rest.windows(2).position(|w| w == b"*/").unwrap_or(rest.len());
            }
            b if b.is_ascii_whitespace() => at += 1,
            _ => {
                let from = at;
                // `${` and `{{` of this scalar that are open
                let mut template = 0usize;
                while at < bytes.len() {
                    let b = at_byte(at);
                    let next = at_byte(at + 1);
                    let ends = matches!(b, b',' | b'[' | b']' | b'\n')
                        || (b == b'}' && template == 0)
                        || (b == b'{' && !matches!(at_byte(at.saturating_sub(1)), b'$' | b'{') && next != b'{')
                        || (b == b':' && (next.is_ascii_whitespace() || next == 0))
                        || (b == b'=' && equals)
                        || (b == b'#' && at_byte(at - 1) == b' ');
                    if ends && at > from {
                        break;
                    }
                    match b {
                        b'{' => template += 1,
                        b'}' => template = template.saturating_sub(1),
                        _ => {}
                    }
                    at += 1;
                }
                let mut to = at;
                while to > from && at_byte(to - 1).is_ascii_whitespace() {
                    to -= 1;
                }
                pending = Some(((from, to), 0));
                at = at.max(from + 1);
            }
        }
        if tree.cut {
            return bytes.len();
        }
    }
    let top = open.last().copied().unwrap_or(parent);
    flush(tree, top, &mut key, &mut pending);
    bytes.len()
}

fn flush(tree: &mut Tree<'_>, top: usize, key: &mut (usize, usize), pending: &mut Option<((usize, usize), u8)>) {
    if let Some((span, quote)) = pending.take() {
        tree.add(top, *key, Kind::Scalar, span, quote);
    }
    *key = (0, 0);
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes.iter().skip(at).position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n)
}

/// Where the quote that opens at `at` closes.
fn close_quote(bytes: &[u8], at: usize, q: u8, max: usize) -> Option<usize> {
    let end = bytes.len().min(at + max);
    let mut i = at + 1;
    while i < end {
        match bytes.get(i) {
            Some(b'\\') if q == b'"' => i += 1,
            Some(b) if *b == q => {
                if q == b'\'' && bytes.get(i + 1) == Some(&q) {
                    i += 1;
                } else {
                    return Some(i);
                }
            }
            _ => {}
        }
        i += 1;
    }
    None
}

/// Reads JSON.
pub(crate) fn json(text: &str) -> Tree<'_> {
    let mut tree = Tree::new(text);
    let mut at = 0;
    // one document, or one a line
    while let Some(n) = text.get(at..).and_then(|t| t.find(['{', '['])) {
        at = flow(&mut tree, at + n, 0, (0, 0), false, None);
    }
    tree
}

struct Frame {
    indent: usize,
    node: usize,
    seq: bool,
}

struct Yaml<'a> {
    tree: Tree<'a>,
    frames: Vec<Frame>,
    /// The node that deeper lines belong to: its value is still empty.
    open: Option<usize>,
    /// The plain scalar that deeper lines continue, and the column of its key.
    plain: Option<(usize, usize)>,
}

/// Reads YAML, one or more documents, templates of Helm among them.
pub(crate) fn yaml(text: &str) -> Tree<'_> {
    let mut y = Yaml { tree: Tree::new(text), frames: Vec::new(), open: None, plain: None };
    y.document();
    let mut at = 0;
    while at < text.len() && !y.tree.cut {
        at = y.line(at);
    }
    y.tree
}

impl Yaml<'_> {
    fn document(&mut self) {
        let root = self.tree.add(0, (0, 0), Kind::Scalar, (0, 0), 0);
        self.frames.clear();
        self.open = Some(root);
        self.plain = None;
    }

    /// Reads the line that begins at `at`; returns where the next begins.
    fn line(&mut self, at: usize) -> usize {
        let bytes = self.tree.text.as_bytes();
        let end = line_end(bytes, at);
        steps::count(end - at);
        let next = end + 1;
        let line = self.tree.text.get(at..end).unwrap_or_default().trim_end();
        let body = line.trim_start_matches([' ', '\t']);
        let indent = line.len() - body.len();
        if body.is_empty() || body.starts_with('#') || body.starts_with("%YAML") {
            return next;
        }
        if indent == 0 && (body == "---" || body == "..." || body.starts_with("--- ")) {
            self.document();
            return next;
        }
        if body.starts_with("{{") || body.starts_with("{%") {
            return next;
        }
        self.content(at + indent, indent, at + line.len(), next)
    }

    /// Content at `at` (column `column`) up to `end` of its line.
    fn content(&mut self, at: usize, column: usize, end: usize, next: usize) -> usize {
        let text = self.tree.text;
        let (mut at, mut column) = (at, column);
        let mut dash = None;
        // `- - - x`: each dash opens a list; bounded by the line
        loop {
            let body = text.get(at..end).unwrap_or_default();
            if body != "-" && !body.starts_with("- ") {
                break;
            }
            let list = self.list_at(column);
            let rest = body.get(1..).unwrap_or_default();
            let pad = rest.len() - rest.trim_start().len();
            self.plain = None;
            let item = self.tree.add(list, (0, 0), Kind::Scalar, (end, end), 0);
            self.open = Some(item);
            dash = Some(column);
            if rest.trim_start().is_empty() {
                return next;
            }
            at += 1 + pad;
            column += 1 + pad;
            if self.tree.cut {
                return next;
            }
        }
        let body = text.get(at..end).unwrap_or_default();
        match key_end(body) {
            Some((key, value)) => self.pair(at, column, (at + key.0, at + key.1), at + value, end, next),
            None if dash.is_some() || self.open.is_some() && self.plain.is_none() => {
                let id = self.open.take();
                match id {
                    // what belongs to an item is deeper than its dash
                    Some(id) => self.value(id, at, dash.unwrap_or(column), end, next),
                    None => next,
                }
            }
            None => {
                // a plain scalar goes on
                let deeper = self.plain.filter(|(_, key)| column > *key);
                if let Some(node) = deeper.and_then(|(p, _)| self.tree.nodes.get_mut(p)) {
                    node.value.1 = end;
                }
                next
            }
        }
    }

    /// The list at `column`, begun where there is none.
    fn list_at(&mut self, column: usize) -> usize {
        while self.frames.last().is_some_and(|f| f.indent > column) {
            self.frames.pop();
            self.open = None;
        }
        if let Some(f) = self.frames.last()
            && f.seq
            && f.indent == column
        {
            return f.node;
        }
        let node = match self.open.take() {
            Some(open) => self.convert(open, Kind::Seq),
            None => {
                let parent = self.frames.last().map_or(0, |f| f.node);
                self.tree.add(parent, (0, 0), Kind::Seq, (0, 0), 0)
            }
        };
        self.frames.push(Frame { indent: column, node, seq: true });
        node
    }

    fn convert(&mut self, id: usize, kind: Kind) -> usize {
        if let Some(node) = self.tree.nodes.get_mut(id) {
            node.kind = kind;
        }
        id
    }

    fn pair(&mut self, at: usize, column: usize, key: (usize, usize), value: usize, end: usize, next: usize) -> usize {
        self.plain = None;
        while self.frames.last().is_some_and(|f| f.indent > column || (f.indent == column && f.seq)) {
            self.frames.pop();
            self.open = None;
        }
        let map = match self.frames.last() {
            Some(f) if f.indent == column && !f.seq => f.node,
            top => {
                let parent = top.map_or(0, |f| f.node);
                let node = match self.open.take() {
                    Some(open) => self.convert(open, Kind::Map),
                    None => self.tree.add(parent, (0, 0), Kind::Map, (at, at), 0),
                };
                self.frames.push(Frame { indent: column, node, seq: false });
                node
            }
        };
        let id = self.tree.add(map, key, Kind::Scalar, (value.min(end), value.min(end)), 0);
        self.open = None;
        let body = self.tree.text.get(value..end).unwrap_or_default();
        let pad = body.len() - body.trim_start().len();
        if body.trim_start().is_empty() || body.trim_start().starts_with('#') {
            self.open = Some(id);
            return next;
        }
        self.value(id, value + pad, column, end, next)
    }

    /// The value of node `id`, which begins at `at`.
    fn value(&mut self, id: usize, at: usize, column: usize, end: usize, next: usize) -> usize {
        let text = self.tree.text;
        let bytes = text.as_bytes();
        let mut at = at;
        let mut body = text.get(at..end).unwrap_or_default();
        // tags and anchors
        while body.starts_with('!') || (body.starts_with('&') && !body.starts_with("&&")) {
            let cut = body.find(' ').map_or(body.len(), |n| n + 1);
            at += cut;
            body = text.get(at..end).unwrap_or_default();
        }
        if body.is_empty() {
            self.open = Some(id);
            return next;
        }
        let first = body.as_bytes().first().copied().unwrap_or(0);
        match first {
            b'|' | b'>'
                if body.len() <= 3
                    || body
                        .get(1..)
                        .unwrap_or_default()
                        .trim_start_matches(['+', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
                        .trim_start()
                        .starts_with('#')
                    || body.get(1..).unwrap_or_default().bytes().all(|b| matches!(b, b'+' | b'-' | b'0'..=b'9')) =>
            {
                let (stop, from) = block_end(text, next, column);
                if let Some(node) = self.tree.nodes.get_mut(id) {
                    node.kind = if first == b'|' { Kind::Block } else { Kind::Folded };
                    node.value = (from.min(stop), stop);
                }
                stop
            }
            b'{' | b'[' if !body.starts_with("{{") && !body.starts_with("{%") => {
                let parent = self.tree.node(id).map_or(0, |n| n.parent);
                let stop = flow(&mut self.tree, at, parent, (0, 0), false, Some(id));
                line_end(bytes, stop.saturating_sub(1).max(at)) + 1
            }
            q @ (b'"' | b'\'') => match self.tree.close(at, q) {
                Some(close) => {
                    if let Some(node) = self.tree.nodes.get_mut(id) {
                        node.value = (at + 1, close);
                        node.quote = q;
                    }
                    line_end(bytes, close) + 1
                }
                None => {
                    if let Some(node) = self.tree.nodes.get_mut(id) {
                        node.value = (at + 1, end);
                    }
                    next
                }
            },
            _ => {
                let cut = body.find(" #").unwrap_or(body.len());
                let kept = body.get(..cut).unwrap_or_default().trim_end().len();
                if let Some(node) = self.tree.nodes.get_mut(id) {
                    node.value = (at, at + kept);
                }
                self.plain = Some((id, column));
                next
            }
        }
    }
}

/// Where a key of a YAML line stands and where its value begins: `((from, to), value)`.
fn key_end(body: &str) -> Option<((usize, usize), usize)> {
    let bytes = body.as_bytes();
    let first = *bytes.first()?;
    if matches!(first, b'{' | b'[' | b'|' | b'>' | b'&' | b'*' | b'%' | b'@' | b'`' | b'#') {
        return None;
    }
    if matches!(first, b'"' | b'\'') {
        let close = close_quote(bytes, 0, first, KEY_BYTES_MAX)?;
        let rest = body.get(close + 1..)?;
        let colon = rest.len() - rest.trim_start().len();
        return rest.trim_start().starts_with(':').then_some(((1, close), close + 2 + colon));
    }
    let window = bytes.get(..bytes.len().min(KEY_BYTES_MAX))?;
    let at = window
        .iter()
        .enumerate()
        .position(|(i, b)| *b == b':' && bytes.get(i + 1).is_none_or(u8::is_ascii_whitespace))?;
    let key = body.get(..at)?;
    (!key.contains(" #") && !key.contains('"') && !key.trim().is_empty()).then_some(((0, key.trim_end().len()), at + 1))
}

/// The lines from `at` that are deeper than `column`: where they end, where they begin.
fn block_end(text: &str, at: usize, column: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let mut line = at.min(text.len());
    let mut stop = line;
    while line < bytes.len() {
        let end = line_end(bytes, line);
        steps::count(end - line);
        let body = text.get(line..end).unwrap_or_default();
        let indent = body.len() - body.trim_start_matches(' ').len();
        if !body.trim().is_empty() {
            if indent <= column {
                break;
            }
            stop = (end + 1).min(bytes.len());
        }
        line = end + 1;
    }
    (stop, at.min(text.len()))
}

/// Reads TOML and the blocks of HCL.
pub(crate) fn toml(text: &str) -> Tree<'_> {
    let mut tree = Tree::new(text);
    let bytes = text.as_bytes();
    let mut table = 0;
    let mut at = 0;
    while at < text.len() && !tree.cut {
        let end = line_end(bytes, at);
        steps::count(end - at);
        let line = text.get(at..end).unwrap_or_default();
        let body = line.trim_start();
        let from = at + line.len() - body.len();
        let line_from = from;
        at = end + 1;
        if body.is_empty() || body.starts_with('#') || body.starts_with("//") {
            continue;
        }
        if body.starts_with('[') {
            let name = body.trim_start_matches('[');
            let start = from + body.len() - name.len();
            let to = start + name.find(']').unwrap_or(name.trim_end().len());
            table = tree.add(0, (start, to), Kind::Map, (from, from), 0);
            continue;
        }
        let Some(equals) = body.find('=').filter(|n| *n <= KEY_BYTES_MAX) else {
            // `env {` of HCL
            if let Some(name) = body.trim_end().strip_suffix('{') {
                table = tree.add(0, (from, from + name.trim_end().len()), Kind::Map, (from, from), 0);
            }
            continue;
        };
        let mut raw = body.get(..equals).unwrap_or_default().trim_end();
        let mut from = from;
        // `variable "x" { default = "y" }` on one line
        if let Some(brace) = raw.rfind('{') {
            let name = raw.get(..brace).unwrap_or_default().trim_end();
            table = tree.add(0, (from, from + name.len()), Kind::Map, (from, from), 0);
            let inner = raw.get(brace + 1..).unwrap_or_default();
            let skip = brace + 1 + inner.len() - inner.trim_start().len();
            raw = inner.trim_start();
            from += skip;
        }
        let trimmed = raw.trim_matches('"');
        let key_from = from + usize::from(raw.starts_with('"'));
        let key = (key_from, key_from + trimmed.len());
        let value = body.get(equals + 1..).unwrap_or_default();
        let start = line_from + equals + 1 + value.len() - value.trim_start().len();
        let value = value.trim();
        let first = value.as_bytes().first().copied().unwrap_or(0);
        match first {
            b'{' | b'[' => {
                let stop = flow(&mut tree, start, table, key, true, None);
                at = line_end(bytes, stop.saturating_sub(1).max(start)) + 1;
            }
            b'"' | b'\'' if value.starts_with("\"\"\"") || value.starts_with("'''") => {
                let mark = value.get(..3).unwrap_or_default();
                let inner = text.get(start + 3..).unwrap_or_default();
                let to = start + 3 + inner.find(mark).unwrap_or(inner.len());
                tree.add(table, key, Kind::Block, (start + 3, to), 0);
                at = line_end(bytes, to) + 1;
            }
            q @ (b'"' | b'\'') => {
                let window = bytes.get(..end).unwrap_or_default();
                let close = close_quote(window, start, q, QUOTED_BYTES_MAX).unwrap_or(end);
                tree.add(table, key, Kind::Scalar, (start + 1, close.max(start + 1)), q);
            }
            _ => {
                let kept = value.split(" #").next().unwrap_or_default().trim_end();
                tree.add(table, key, Kind::Scalar, (start, start + kept.len()), 0);
            }
        }
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(tree: &Tree<'_>) -> Vec<(String, String)> {
        let scalar = |n: &Node| matches!(n.kind, Kind::Scalar | Kind::Block | Kind::Folded);
        let all = tree.nodes.iter().enumerate().filter(|(_, n)| scalar(n) && n.value.1 > n.value.0);
        all.map(|(i, n)| (tree.path(i), tree.slice(n.value).to_owned())).collect()
    }

    fn said(tree: &Tree<'_>) -> Vec<String> {
        leaves(tree).into_iter().map(|(k, v)| format!("{k}={v}")).collect()
    }

    #[test]
    fn yaml_maps_lists_and_scalars() {
        let text = "a: 1\nb:\n  c: 'x y'  # z\n  d:\n  - e\n  - f: g\n    h: i\nj: [k, {l: m}]\nn: o\n  p\n";
        let tree = yaml(text);
        assert_eq!(
            said(&tree),
            [
                "[0].a=1",
                "[0].b.c=x y",
                "[0].b.d[0]=e",
                "[0].b.d[1].f=g",
                "[0].b.d[1].h=i",
                "[0].j[0]=k",
                "[0].j[1].l=m",
                "[0].n=o\n  p"
            ]
        );
    }

    #[test]
    fn yaml_blocks_documents_and_flows_over_lines() {
        let text = "run: |\n  x\n\n  y\nz: 1\n---\nk:\n  - {a: 1,\n     b: \"c\"}\n  - d\n";
        let tree = yaml(text);
        assert_eq!(said(&tree), ["[0].run=  x\n\n  y\n", "[0].z=1", "[1].k[0].a=1", "[1].k[0].b=c", "[1].k[1]=d"]);
        let tree = yaml("{{- if .x }}\na: {{ .Values.m }}\n{{- end }}\nb: ok");
        assert_eq!(said(&tree), ["[0].a={{ .Values.m }}", "[0].b=ok"]);
    }

    #[test]
    fn json_with_comments_and_trailing_commas() {
        let tree = json("{\"a\": [1, {\"b\": \"c\\\"d\"},], // x\n \"e\": null}");
        assert_eq!(said(&tree), ["[0].a[0]=1", "[0].a[1].b=c\\\"d", "[0].e=null"]);
    }

    #[test]
    fn toml_tables_and_inline() {
        let tree = toml("x = \"1\" # c\n[a.b]\ny = [\"p\", {q = 'r'}]\nz = \"\"\"\nl1\nl2\"\"\"\n");
        assert_eq!(said(&tree), ["x=1", "a.b.y[0]=p", "a.b.y[1].q=r", "a.b.z=\nl1\nl2"]);
    }

    #[test]
    fn half_broken_text_ends() {
        for text in [
            "{",
            "[[[[",
            "a: \"b",
            "- - - -",
            "{\"a\":",
            "a: |",
            "}]",
            "x = [",
            "x = \"",
            "k: {a: [b",
            "- a: {{",
            "é: 'ü",
        ] {
            json(text);
            yaml(text);
            toml(text);
        }
    }
}
