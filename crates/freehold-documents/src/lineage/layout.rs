//! Where boxes and lines stand: a layered drawing (Sugiyama). Works of one layer share a row, every line runs from a row to
//! a lower one, a long line goes through places that are kept free for it, and a label has a place of its own between
//! rows, so that nothing lies on anything else. Whole numbers of pixels; the same graph gives the same drawing.

/// Sweeps over the rows that reduce crossings.
const ORDER_SWEEPS: usize = 16;
/// Sweeps over the rows that straighten lines.
const PLACE_SWEEPS: usize = 16;
/// Pixels between boxes of a row.
const BOX_GAP: i64 = 28;
/// Pixels kept free on each side of a line that passes a row of boxes.
const LINE_HALF: i64 = 7;
/// Least and most pixels between a row of boxes and a row of labels; a line that runs far to the side gets more.
const RANK_GAP: (i64, i64) = (20, 56);
/// Pixels to the side for which a line gets one pixel more.
const SLOPE: i64 = 14;
/// Pixels between parts that no line joins.
const PART_GAP: i64 = 48;
/// Fewest and most boxes of a row; between them a drawing is about as wide as it is high.
const ROW_BOXES: (usize, usize) = (5, 12);
/// How much wider than high parts are put side by side.
const ASPECT: f64 = 1.7;
/// Pixels that a line from a box to itself needs at its right.
const LOOP: i64 = 26;

/// Width and height, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) width: i64,
    pub(super) height: i64,
}

/// A line to draw: from the box of a child to that of its parent, with the size of its label.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: Size,
}

/// A place: its left upper corner and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) size: Size,
}

/// A piece of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Straight down to this height.
    Down(i64),
    /// A curve to this point, upright at both ends.
    To(i64, i64),
}

/// How a line runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// Where it leaves the upper box.
    pub(super) start: (i64, i64),
    /// Its pieces, downward; none for a line from a box to itself.
    pub(super) pieces: Vec<Piece>,
    /// Where its label stands.
    pub(super) label: Place,
    /// True where it was turned around to break a cycle: the child's box is the lower one.
    pub(super) reversed: bool,
    /// Rows of its upper and its lower box.
    pub(super) rows: (usize, usize),
}

/// A drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) boxes: Vec<Place>,
    pub(super) routes: Vec<Route>,
    pub(super) size: (i64, i64),
}

/// Lays boxes and lines out. Lines that name no box are left out of the drawing at the corner.
/// Boxes that are `at_top` stay as high as they can; another one that nothing was made from stands near what it names.
pub(super) fn layout(boxes: &[Size], lines: &[Line], at_top: &[bool]) -> Layout {
    let nowhere = Place { x: 0, y: 0, size: Size { width: 0, height: 0 } };
    let empty = Route { start: (0, 0), pieces: Vec::new(), label: nowhere, reversed: false, rows: (0, 0) };
    let mut out = Layout { boxes: vec![nowhere; boxes.len()], routes: vec![empty; lines.len()], size: (0, 0) };
    let parts = parts(boxes.len(), lines);
    let drawn: Vec<Part> = parts.iter().map(|part| Part::draw(part, boxes, lines, at_top)).collect();
    let area: f64 = drawn.iter().map(|p| float(p.size.0 + PART_GAP) * float(p.size.1 + PART_GAP)).sum();
    let widest = drawn.iter().map(|p| p.size.0).max().unwrap_or(0);
    let width = whole((area * ASPECT).sqrt()).max(widest);
    let (mut x, mut y, mut row) = (0, 0, 0);
    for part in &drawn {
        if x > 0 && x + part.size.0 > width {
            (x, y, row) = (0, y + row + PART_GAP, 0);
        }
        part.put(x, y, &mut out);
        out.size = (out.size.0.max(x + part.size.0), out.size.1.max(y + part.size.1));
        x += part.size.0 + PART_GAP;
        row = row.max(part.size.1);
    }
    out
}

#[expect(clippy::cast_precision_loss, reason = "pixels: far below 2^52")]
fn float(n: i64) -> f64 {
    n as f64
}

#[expect(clippy::cast_possible_truncation, reason = "pixels: far below 2^52")]
fn whole(x: f64) -> i64 {
    x.round() as i64
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Boxes that lines join, each part in ascending order, the part of the first box first.
fn parts(n: usize, lines: &[Line]) -> Vec<Vec<usize>> {
    let mut near = vec![Vec::new(); n];
    for l in lines.iter().filter(|l| l.from < n && l.to < n) {
        near[l.from].push(l.to);
        near[l.to].push(l.from);
    }
    let mut seen = vec![false; n];
    let mut out = Vec::new();
    for first in 0..n {
        if seen[first] {
            continue;
        }
        seen[first] = true;
        let (mut part, mut at) = (vec![first], 0);
        while let Some(&v) = part.get(at) {
            at += 1;
            for &w in &near[v] {
                if !seen[w] {
                    seen[w] = true;
                    part.push(w);
                }
            }
        }
        part.sort_unstable();
        out.push(part);
    }
    out
}

/// What stands in a rank: a box, or the place of a line that passes.
#[derive(Clone, Debug)]
struct Node {
    rank: usize,
    /// Pixels from its middle to its left and right end, with what it keeps free.
    left: i64,
    right: i64,
    /// The box, where it is one; else the line.
    what: What,
    up: Vec<usize>,
    down: Vec<usize>,
    x: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Box(usize),
    Pass,
}

/// A line as it runs in a part, downward.
#[derive(Clone, Debug)]
struct Chain {
    line: usize,
    reversed: bool,
    /// Nodes from the upper box to the lower one.
    nodes: Vec<usize>,
    /// Index in `nodes` of the place of its label.
    label: usize,
}

/// Lines with their numbers.
type Numbered = [(usize, Line)];

/// A part of the drawing, laid out from its own corner.
struct Part {
    places: Vec<(usize, Place)>,
    routes: Vec<(usize, Route)>,
    size: (i64, i64),
}

impl Part {
    fn put(&self, x: i64, y: i64, out: &mut Layout) {
        let moved = |p: &Place| Place { x: p.x + x, y: p.y + y, size: p.size };
        for (i, place) in &self.places {
            out.boxes[*i] = moved(place);
        }
        for (i, route) in &self.routes {
            let pieces = route.pieces.iter().map(|p| match p {
                Piece::Down(to) => Piece::Down(to + y),
                Piece::To(px, py) => Piece::To(px + x, py + y),
            });
            out.routes[*i] = Route {
                start: (route.start.0 + x, route.start.1 + y),
                pieces: pieces.collect(),
                label: moved(&route.label),
                ..*route
            };
        }
    }

    fn draw(part: &[usize], boxes: &[Size], lines: &[Line], at_top: &[bool]) -> Part {
        let inside: Vec<(usize, Line)> = lines
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, l)| part.binary_search(&l.from).is_ok() && part.binary_search(&l.to).is_ok())
            .collect();
        let at = |b: usize| part.binary_search(&b).unwrap_or(0);
        let (own, between): (Vec<_>, Vec<_>) = inside.into_iter().partition(|(_, l)| l.from == l.to);
        let pairs: Vec<(usize, usize)> = between.iter().map(|(_, l)| (at(l.from), at(l.to))).collect();
        let reversed = reversed(part.len(), &pairs);
        let down: Vec<(usize, usize)> =
            pairs.iter().zip(&reversed).map(|((a, b), r)| if *r { (*b, *a) } else { (*a, *b) }).collect();
        let top: Vec<bool> = part.iter().map(|b| at_top.get(*b).copied().unwrap_or(false)).collect();
        let rows = rows(part.len(), &down, &top);
        let mut nodes: Vec<Node> = part
            .iter()
            .zip(&rows)
            .map(|(b, row)| {
                let half = boxes[*b].width / 2;
                let label = own.iter().filter(|(_, l)| l.from == *b).map(|(_, l)| LOOP + l.label.width).max();
                Node {
                    rank: row * 2,
                    left: half + BOX_GAP / 2,
                    right: boxes[*b].width - half + BOX_GAP / 2 + label.unwrap_or(0),
                    what: What::Box(*b),
                    up: Vec::new(),
                    down: Vec::new(),
                    x: 0.0,
                }
            })
            .collect();
        let chains = chains(&mut nodes, &between, &down, &reversed);
        let mut ranks = first_order(&nodes);
        reduce_crossings(&nodes, &mut ranks);
        place(&mut nodes, &ranks);
        route(part, boxes, &nodes, &ranks, &chains, (&own, &between))
    }
}

/// Lines to turn around so that no cycle is left: those that lead back to a box on the way from the first one.
fn reversed(n: usize, pairs: &[(usize, usize)]) -> Vec<bool> {
    let mut from = vec![Vec::new(); n];
    for (i, (a, _)) in pairs.iter().enumerate() {
        from[*a].push(i);
    }
    let mut out = vec![false; pairs.len()];
    let (mut seen, mut on) = (vec![false; n], vec![false; n]);
    // from the boxes that nothing was made from, then from what is left: cycles that nothing leads to
    let mut has_child = vec![false; n];
    for (_, b) in pairs {
        has_child[*b] = true;
    }
    let roots = (0..n).filter(|v| !has_child[*v]).chain((0..n).filter(|v| has_child[*v]));
    for root in roots {
        if seen[root] {
            continue;
        }
        let mut calls = vec![(root, 0)];
        (seen[root], on[root]) = (true, true);
        while let Some((v, at)) = calls.pop() {
            let Some(&line) = from[v].get(at) else {
                on[v] = false;
                continue;
            };
            calls.push((v, at + 1));
            let w = pairs[line].1;
            if on[w] {
                out[line] = true;
            } else if !seen[w] {
                (seen[w], on[w]) = (true, true);
                calls.push((w, 0));
            }
        }
    }
    out
}

/// The row of each box: below everything that was made from it by the longest way, and no row with too many boxes.
fn rows(n: usize, down: &[(usize, usize)], top: &[bool]) -> Vec<usize> {
    let (mut parents, mut open) = (vec![Vec::new(); n], vec![0usize; n]);
    for (a, b) in down {
        parents[*a].push(*b);
        open[*b] += 1;
    }
    let mut long = vec![0usize; n];
    let mut ready: Vec<usize> = (0..n).filter(|v| open[*v] == 0).collect();
    let mut at = 0;
    while let Some(&v) = ready.get(at) {
        at += 1;
        for &p in &parents[v] {
            long[p] = long[p].max(long[v] + 1);
            open[p] -= 1;
            if open[p] == 0 {
                ready.push(p);
            }
        }
    }
    let wide = whole((float(signed(n)) * 1.3).sqrt().ceil());
    let most = usize::try_from(wide).unwrap_or(ROW_BOXES.1).clamp(ROW_BOXES.0, ROW_BOXES.1);
    // ways down first: what leads nowhere can stand anywhere below
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|v| (long[*v], parents[*v].is_empty(), *v));
    let (mut row, mut least, mut full) = (vec![0usize; n], vec![0usize; n], Vec::<usize>::new());
    let mut named = vec![false; n];
    for (_, b) in down {
        named[*b] = true;
    }
    let floats = |v: usize| !named[v] && !top[v] && !parents[v].is_empty();
    let any = (0..n).any(|v| !named[v] && !floats(v));
    for v in order.iter().copied().filter(|v| !any || !floats(*v)) {
        let mut r = least[v];
        while full.get(r).is_some_and(|f| *f >= most) {
            r += 1;
        }
        if full.len() <= r {
            full.resize(r + 1, 0);
        }
        full[r] += 1;
        row[v] = r;
        for &p in &parents[v] {
            least[p] = least[p].max(r + 1);
        }
    }
    if any {
        // one row up from the highest of what it names, or further where there is no room; rows of their own at the top for
        // those that find none
        let mut homeless = Vec::new();
        for v in order.iter().copied().filter(|v| floats(*v)) {
            let highest = parents[v].iter().map(|p| row[*p]).min().unwrap_or(0);
            match (0..highest).rev().find(|r| full[*r] < most) {
                Some(r) => {
                    full[r] += 1;
                    row[v] = r;
                }
                None => homeless.push(v),
            }
        }
        let lift = homeless.len().div_ceil(most);
        row.iter_mut().for_each(|r| *r += lift);
        for (k, v) in homeless.into_iter().enumerate() {
            row[v] = k / most;
        }
    }
    row
}

/// A node for every rank that a line passes; one of them, between rows of boxes and where fewest labels are, has its label.
fn chains(nodes: &mut Vec<Node>, lines: &[(usize, Line)], down: &[(usize, usize)], reversed: &[bool]) -> Vec<Chain> {
    let last = nodes.iter().map(|n| n.rank).max().unwrap_or(0);
    let along = along(nodes, last);
    let mut labels = vec![0i64; last + 2];
    let mut order: Vec<usize> = (0..lines.len()).collect();
    // short lines have no choice: they take theirs first
    order.sort_by_key(|i| (nodes[down[*i].1].rank - nodes[down[*i].0].rank, *i));
    let mut out = Vec::new();
    for i in order {
        let (upper, lower) = down[i];
        let (line, l) = &lines[i];
        let ranks = nodes[upper].rank + 1..nodes[lower].rank;
        let label = ranks.clone().step_by(2).min_by_key(|r| (labels[*r], *r)).unwrap_or(ranks.start);
        labels[label] += l.label.width;
        let mut chain = vec![upper];
        for rank in ranks {
            let half = if rank == label { l.label.width / 2 + LINE_HALF } else { LINE_HALF };
            let node =
                Node { rank, left: half, right: half, what: What::Pass, up: Vec::new(), down: Vec::new(), x: 0.0 };
            nodes.push(node);
            chain.push(nodes.len() - 1);
        }
        chain.push(lower);
        for pair in chain.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            nodes[a].down.push(b);
            nodes[b].up.push(a);
        }
        let label = chain.iter().position(|n| nodes[*n].rank == label).unwrap_or(0);
        out.push(Chain { line: *line, reversed: reversed[i], nodes: chain, label });
    }
    out.sort_by_key(|c| c.line);
    // where nothing else orders the lines of a box, those to lower rows run between the boxes of the rows above
    let mut ends = vec![0.5; nodes.len()];
    for chain in &out {
        for v in &chain.nodes[1..] {
            ends[*v] = along[chain.nodes[chain.nodes.len() - 1]];
        }
    }
    for node in nodes.iter_mut() {
        node.down.sort_by(|a, b| ends[*a].total_cmp(&ends[*b]));
    }
    out
}

/// How far along its row each box stands, from 0 to 1, in the order of the boxes.
fn along(boxes: &[Node], last: usize) -> Vec<f64> {
    let (mut count, mut at) = (vec![0usize; last + 1], Vec::with_capacity(boxes.len()));
    for b in boxes {
        at.push(count[b.rank]);
        count[b.rank] += 1;
    }
    let share = |(b, at): (&Node, usize)| (float(signed(at)) + 0.5) / float(signed(count[b.rank].max(1)));
    boxes.iter().zip(at).map(share).collect()
}

/// Ranks as lists of nodes, in the order in which they are met from the first box.
fn first_order(nodes: &[Node]) -> Vec<Vec<usize>> {
    let last = nodes.iter().map(|n| n.rank).max().unwrap_or(0);
    let mut ranks = vec![Vec::new(); last + 1];
    let mut seen = vec![false; nodes.len()];
    let mut roots: Vec<usize> = (0..nodes.len()).collect();
    roots.sort_by_key(|v| (!nodes[*v].up.is_empty(), *v));
    for root in roots {
        let mut open = vec![root];
        while let Some(v) = open.pop() {
            if std::mem::replace(&mut seen[v], true) {
                continue;
            }
            ranks[nodes[v].rank].push(v);
            open.extend(nodes[v].down.iter().rev());
        }
    }
    ranks
}

/// Position of each node in its rank.
fn positions(nodes: &[Node], ranks: &[Vec<usize>]) -> Vec<usize> {
    let mut at = vec![0; nodes.len()];
    for rank in ranks {
        for (i, v) in rank.iter().enumerate() {
            at[*v] = i;
        }
    }
    at
}

/// Sorts each rank by the middle of its neighbors above, then below, and so on; the best order that was met stays.
fn reduce_crossings(nodes: &[Node], ranks: &mut Vec<Vec<usize>>) {
    let mut best = (crossings(nodes, ranks), ranks.clone());
    let mut at = positions(nodes, ranks);
    for sweep in 0..ORDER_SWEEPS {
        if best.0 == 0 {
            break;
        }
        let downward = sweep % 2 == 0;
        let n = ranks.len();
        for step in 1..n {
            let r = if downward { step } else { n - 1 - step };
            let key = |v: usize| {
                let near = if downward { &nodes[v].up } else { &nodes[v].down };
                middle(near, &at).unwrap_or(float(signed(at[v])))
            };
            let mut keyed: Vec<(f64, usize)> = ranks[r].iter().map(|v| (key(*v), *v)).collect();
            // every other pair of sweeps turns ties around, so that they do not stay as they fell
            let turned = sweep % 4 >= 2;
            keyed.sort_by(|a, b| {
                let tie = if turned { at[b.1].cmp(&at[a.1]) } else { at[a.1].cmp(&at[b.1]) };
                a.0.total_cmp(&b.0).then(tie)
            });
            ranks[r] = keyed.into_iter().map(|(_, v)| v).collect();
            for (i, v) in ranks[r].iter().enumerate() {
                at[*v] = i;
            }
        }
        let now = crossings(nodes, ranks);
        if now < best.0 {
            best = (now, ranks.clone());
        }
    }
    *ranks = best.1;
}

/// Mean of the neighbors' positions.
fn middle(near: &[usize], at: &[usize]) -> Option<f64> {
    let sum: usize = near.iter().map(|v| at[*v]).sum();
    (!near.is_empty()).then(|| float(signed(sum)) / float(signed(near.len())))
}

/// How often lines cross, over all ranks.
fn crossings(nodes: &[Node], ranks: &[Vec<usize>]) -> u64 {
    let at = positions(nodes, ranks);
    let mut total = 0;
    for pair in ranks.windows(2) {
        let width = pair[1].len();
        // a tree of counts: how many lines so far end right of a place
        let mut tree = vec![0u64; width + 1];
        let mut so_far = 0;
        for v in &pair[0] {
            let mut ends: Vec<usize> = nodes[*v].down.iter().map(|w| at[*w]).collect();
            ends.sort_unstable();
            for e in &ends {
                let (mut i, mut left) = (e + 1, 0);
                while i > 0 {
                    left += tree[i];
                    i &= i - 1;
                }
                total += so_far - left;
            }
            for e in ends {
                so_far += 1;
                let mut i = e + 1;
                while i <= width {
                    tree[i] += 1;
                    i += i & i.wrapping_neg();
                }
            }
        }
    }
    total
}

/// Gives each node the middle of its neighbors as far as the order and the gaps of its rank allow.
fn place(nodes: &mut [Node], ranks: &[Vec<usize>]) {
    for rank in ranks {
        let mut x = 0;
        for v in rank {
            x += nodes[*v].left;
            nodes[*v].x = float(x);
            x += nodes[*v].right;
        }
        // rows of different width start around one middle
        let half = float(x) / 2.0;
        for v in rank {
            nodes[*v].x -= half;
        }
    }
    let n = ranks.len();
    for sweep in 0..PLACE_SWEEPS {
        let last = sweep + 2 >= PLACE_SWEEPS;
        for step in 0..n {
            let r = if sweep % 2 == 0 { step } else { n - 1 - step };
            let wanted: Vec<(f64, f64)> = ranks[r].iter().map(|v| wish(nodes, *v, sweep, last)).collect();
            settle(nodes, &ranks[r], &wanted);
        }
    }
}

/// Where a node would stand, and how much that counts. A line that passes counts most: it should run straight.
fn wish(nodes: &[Node], v: usize, sweep: usize, both: bool) -> (f64, f64) {
    let node = &nodes[v];
    let near: Vec<usize> = match (both, sweep % 2) {
        (true, _) => node.up.iter().chain(&node.down).copied().collect(),
        (false, 0) => node.up.clone(),
        (false, _) => node.down.clone(),
    };
    if near.is_empty() {
        return (node.x, 0.2);
    }
    let mut xs: Vec<f64> = near.iter().map(|w| nodes[*w].x).collect();
    xs.sort_by(f64::total_cmp);
    let half = xs.len() / 2;
    let median = if xs.len() % 2 == 1 { xs[half] } else { (xs[half - 1] + xs[half]) / 2.0 };
    let passes = |w: &usize| nodes[*w].what == What::Pass;
    let weight = match (node.what, near.iter().all(passes)) {
        (What::Pass, true) => 8.0,
        (What::Pass, false) => 3.0,
        (What::Box(_), _) => 1.0,
    };
    (median, weight)
}

/// The places nearest to the wishes that keep the order and the gaps (least squares: pool adjacent violators).
fn settle(nodes: &mut [Node], rank: &[usize], wanted: &[(f64, f64)]) {
    let mut offsets = Vec::with_capacity(rank.len());
    let mut offset = 0.0;
    for (i, v) in rank.iter().enumerate() {
        if let Some(before) = i.checked_sub(1).and_then(|b| rank.get(b)) {
            offset += float(nodes[*before].right + nodes[*v].left);
        }
        offsets.push(offset);
    }
    // blocks of nodes that touch: sum of weighted wishes, of weights, and how many
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for ((x, w), offset) in wanted.iter().zip(&offsets) {
        let mut block = ((x - offset) * w, *w, 1);
        while let Some(before) = blocks.last() {
            if before.0 / before.1 <= block.0 / block.1 {
                break;
            }
            block = (block.0 + before.0, block.1 + before.1, block.2 + before.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    let mut i = 0;
    for (sum, weight, count) in blocks {
        for _ in 0..count {
            if let Some(v) = rank.get(i) {
                nodes[*v].x = sum / weight + offsets[i];
            }
            i += 1;
        }
    }
}

/// Whole pixels, rows from top to bottom, and the way of each line.
fn route(
    part: &[usize],
    boxes: &[Size],
    nodes: &[Node],
    ranks: &[Vec<usize>],
    chains: &[Chain],
    (own, between): (&Numbered, &Numbered),
) -> Part {
    let mut x = vec![0i64; nodes.len()];
    for rank in ranks {
        let mut free = i64::MIN;
        for v in rank {
            x[*v] = whole(nodes[*v].x);
            if free != i64::MIN {
                x[*v] = x[*v].max(free + nodes[*v].left);
            }
            free = x[*v] + nodes[*v].right;
        }
    }
    let left = nodes.iter().zip(&x).map(|(n, x)| x - n.left).min().unwrap_or(0);
    x.iter_mut().for_each(|x| *x -= left);
    let width = nodes.iter().zip(&x).map(|(n, x)| x + n.right).max().unwrap_or(0);
    let size_of = |l: usize| between.iter().find(|(i, _)| *i == l).map_or(0, |(_, l)| l.label.height);
    let mut heights = vec![0i64; ranks.len()];
    for n in nodes {
        if let What::Box(b) = n.what {
            heights[n.rank] = heights[n.rank].max(boxes[b].height);
        }
    }
    for c in chains {
        let rank = nodes[c.nodes[c.label]].rank;
        heights[rank] = heights[rank].max(size_of(c.line));
    }
    for (i, b) in part.iter().enumerate() {
        let loops = own.iter().filter(|(_, l)| l.from == *b).map(|(_, l)| l.label.height + 2).sum();
        heights[nodes[i].rank] = heights[nodes[i].rank].max(loops);
    }
    let mut aside = vec![0i64; ranks.len()];
    for (v, n) in nodes.iter().enumerate() {
        let far = n.down.iter().map(|w| (x[*w] - x[v]).abs()).max().unwrap_or(0);
        aside[n.rank] = aside[n.rank].max(far);
    }
    let (mut tops, mut y) = (Vec::with_capacity(ranks.len()), 0);
    for (h, far) in heights.iter().zip(&aside) {
        tops.push(y);
        y += h + (RANK_GAP.0 + far / SLOPE).min(RANK_GAP.1);
    }
    let places: Vec<Place> = part
        .iter()
        .enumerate()
        .map(|(i, b)| {
            let size = boxes[*b];
            let rank = nodes[i].rank;
            Place { x: x[i] - size.width / 2, y: tops[rank] + (heights[rank] - size.height) / 2, size }
        })
        .collect();
    let ports = ports(nodes, chains, &x, &places);
    let mut routes = Vec::new();
    for (c, (start, end)) in chains.iter().zip(ports) {
        let (upper, lower) = (c.nodes[0], c.nodes[c.nodes.len() - 1]);
        let bottom = places[upper].y + places[upper].size.height;
        let mut pieces = Vec::new();
        let down = |from: i64, to: i64, pieces: &mut Vec<Piece>| {
            if from != to {
                pieces.push(Piece::Down(to));
            }
        };
        let mut at = tops[nodes[upper].rank] + heights[nodes[upper].rank];
        down(bottom, at, &mut pieces);
        for v in c.nodes.iter().skip(1) {
            let rank = nodes[*v].rank;
            let px = if *v == lower { end } else { x[*v] };
            pieces.push(Piece::To(px, tops[rank]));
            at = if *v == lower { places[lower].y } else { tops[rank] + heights[rank] };
            down(tops[rank], at, &mut pieces);
        }
        let label = c.nodes[c.label];
        let line = between.iter().find(|(i, _)| *i == c.line).map(|(_, l)| l.label);
        let size = line.unwrap_or(Size { width: 0, height: 0 });
        let rank = nodes[label].rank;
        let place = Place { x: x[label] - size.width / 2, y: tops[rank] + (heights[rank] - size.height) / 2, size };
        let rows = (nodes[upper].rank / 2, nodes[lower].rank / 2);
        let route = Route { start: (start, bottom), pieces, label: place, reversed: c.reversed, rows };
        routes.push((c.line, route));
    }
    let mut labels: Vec<i64> = vec![0; part.len()];
    for (line, l) in own {
        let Ok(i) = part.binary_search(&l.from) else { continue };
        let p = places[i];
        // several of one box stand below each other
        let y = tops[nodes[i].rank] + labels[i];
        labels[i] += l.label.height + 2;
        let label = Place { x: p.x + p.size.width + LOOP - 4, y, size: l.label };
        let row = nodes[i].rank / 2;
        let start = (p.x + p.size.width, p.y + p.size.height / 2);
        routes.push((*line, Route { start, pieces: Vec::new(), label, reversed: false, rows: (row, row) }));
    }
    let lowest = places.iter().map(|p| p.y + p.size.height).max().unwrap_or(0);
    let lowest = routes.iter().map(|(_, r)| r.label.y + r.label.size.height).fold(lowest, i64::max);
    Part { places: part.iter().copied().zip(places).collect(), routes, size: (width, lowest) }
}

/// Where each line leaves its upper box and meets its lower one: side by side in the order of where they lead.
fn ports(nodes: &[Node], chains: &[Chain], x: &[i64], places: &[Place]) -> Vec<(i64, i64)> {
    let mut out = vec![(0, 0); chains.len()];
    for (v, place) in places.iter().enumerate() {
        if !matches!(nodes[v].what, What::Box(_)) {
            continue;
        }
        for upper in [true, false] {
            let mut here: Vec<(i64, usize)> = chains
                .iter()
                .enumerate()
                .filter_map(|(i, c)| {
                    let n = c.nodes.len();
                    let (end, next) = if upper { (c.nodes[0], c.nodes[1]) } else { (c.nodes[n - 1], c.nodes[n - 2]) };
                    (end == v).then_some((x[next], i))
                })
                .collect();
            here.sort_unstable();
            let n = signed(here.len());
            let room = (place.size.width - 28).max(0);
            let gap = (room / n.max(1)).min(22);
            for (k, (_, i)) in here.iter().enumerate() {
                let port = x[v] + (2 * signed(k) - (n - 1)) * gap / 2;
                if upper {
                    out[*i].0 = port;
                } else {
                    out[*i].1 = port;
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Random numbers that are the same on every run.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, n: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % n as u64).unwrap()
        }
        fn size(&mut self, width: usize, height: usize) -> Size {
            Size { width: signed(self.below(width)) + 20, height: signed(self.below(height)) + 10 }
        }
    }

    fn random(seed: u64) -> (Vec<Size>, Vec<Line>) {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let n = dice.below(40) + 1;
        let boxes = (0..n).map(|_| dice.size(200, 60)).collect();
        let m = dice.below(2 * n + 1);
        let lines = (0..m)
            .map(|_| {
                let (a, b) = (dice.below(n), dice.below(n));
                // mostly from lower to higher numbers: some cycles, some loops
                let (from, to) = if a > b && dice.below(5) > 0 { (b, a) } else { (a, b) };
                Line { from, to, label: dice.size(120, 8) }
            })
            .collect();
        (boxes, lines)
    }

    fn meet(a: &Place, b: &Place) -> bool {
        a.x < b.x + b.size.width && b.x < a.x + a.size.width && a.y < b.y + b.size.height && b.y < a.y + a.size.height
    }

    /// The upright pieces of a line, as narrow places; curves stay between rows.
    fn uprights(route: &Route) -> Vec<Place> {
        let (mut x, mut y) = route.start;
        let mut out = Vec::new();
        for piece in &route.pieces {
            match piece {
                Piece::Down(to) => {
                    assert!(*to > y, "a line that runs up");
                    out.push(Place { x, y, size: Size { width: 1, height: to - y } });
                    y = *to;
                }
                Piece::To(px, py) => {
                    assert!((RANK_GAP.0..=RANK_GAP.1).contains(&(py - y)));
                    (x, y) = (*px, *py);
                }
            }
        }
        out
    }

    #[test]
    fn nothing_lies_on_anything_and_lines_run_between_rows() {
        for seed in 0..250 {
            let (boxes, lines) = random(seed);
            let drawn = layout(&boxes, &lines, &[]);
            let labels = drawn.routes.iter().map(|r| &r.label);
            let all: Vec<&Place> = drawn.boxes.iter().chain(labels).collect();
            for (i, a) in all.iter().enumerate() {
                assert!(a.x >= 0 && a.y >= 0, "seed {seed}");
                assert!(a.x + a.size.width <= drawn.size.0 && a.y + a.size.height <= drawn.size.1, "seed {seed}");
                for b in &all[i + 1..] {
                    assert!(!meet(a, b), "seed {seed}: {a:?} {b:?}");
                }
            }
            for (line, route) in lines.iter().zip(&drawn.routes) {
                if line.from == line.to {
                    assert!(route.pieces.is_empty());
                    continue;
                }
                assert!(route.rows.0 < route.rows.1, "seed {seed}");
                let (upper, lower) = if route.reversed { (line.to, line.from) } else { (line.from, line.to) };
                let (a, b) = (drawn.boxes[upper], drawn.boxes[lower]);
                assert_eq!(route.start.1, a.y + a.size.height, "seed {seed}");
                assert!((a.x..=a.x + a.size.width).contains(&route.start.0), "seed {seed}");
                let uprights = uprights(route);
                let end = uprights.last().map_or(0, |u| u.y + u.size.height).max(match route.pieces.last() {
                    Some(Piece::To(_, y)) => *y,
                    _ => 0,
                });
                assert_eq!(end, b.y, "seed {seed}");
                for u in &uprights {
                    for (i, place) in drawn.boxes.iter().enumerate() {
                        assert!(i == upper || i == lower || !meet(u, place), "seed {seed}: a line runs over box {i}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_same_graph_gives_the_same_drawing() {
        for seed in 0..60 {
            let (boxes, lines) = random(seed);
            assert_eq!(layout(&boxes, &lines, &[]), layout(&boxes, &lines, &[]));
        }
    }

    #[test]
    fn what_is_left_after_turning_lines_around_has_no_cycle() {
        for seed in 0..300 {
            let (boxes, lines) = random(seed);
            let pairs: Vec<(usize, usize)> = lines.iter().filter(|l| l.from != l.to).map(|l| (l.from, l.to)).collect();
            let turned = reversed(boxes.len(), &pairs);
            let down: Vec<(usize, usize)> =
                pairs.iter().zip(&turned).map(|((a, b), r)| if *r { (*b, *a) } else { (*a, *b) }).collect();
            let row = rows(boxes.len(), &down, &vec![false; boxes.len()]);
            assert!(down.iter().all(|(a, b)| row[*a] < row[*b]), "seed {seed}");
        }
    }

    #[test]
    fn only_lines_of_a_cycle_are_turned_around() {
        let square = Size { width: 40, height: 20 };
        let line = |from, to| Line { from, to, label: square };
        let drawn = layout(&[square; 4], &[line(0, 1), line(1, 2), line(2, 1), line(2, 3), line(3, 3)], &[]);
        let turned: Vec<bool> = drawn.routes.iter().map(|r| r.reversed).collect();
        assert_eq!(turned, [false, false, true, false, false]);
    }

    #[test]
    fn a_row_holds_a_limited_number_of_boxes() {
        let box_of = Size { width: 100, height: 40 };
        let lines: Vec<Line> = (1..60).map(|to| Line { from: 0, to, label: Size { width: 60, height: 14 } }).collect();
        let drawn = layout(&[box_of; 60], &lines, &[true]);
        let rows: BTreeSet<i64> = drawn.boxes.iter().map(|p| p.y).collect();
        assert!(rows.len() >= 6, "{rows:?}");
        // one row would be four times as wide
        assert!(drawn.size.0 < 59 * 128 / 3, "{:?}", drawn.size);
    }

    #[test]
    fn what_nothing_was_made_from_stands_near_what_it_names() {
        let square = Size { width: 40, height: 20 };
        let line = |from, to| Line { from, to, label: square };
        // a chain of four, and many that name its end
        let mut lines = vec![line(0, 1), line(1, 2), line(2, 3)];
        lines.extend((4..7).map(|v| line(v, 3)));
        let rows = |lines: &[Line], n| {
            let down: Vec<(usize, usize)> = lines.iter().map(|l| (l.from, l.to)).collect();
            let mut top = vec![false; n];
            top[0] = true;
            rows(n, &down, &top)
        };
        assert_eq!(rows(&lines, 7), [0, 1, 2, 3, 2, 2, 2]);
        // and where there is no room, in rows of their own
        lines.truncate(1);
        lines.extend((2..14).map(|v| line(v, 1)));
        assert_eq!(rows(&lines, 14), [2, 3, 2, 2, 2, 2, 0, 0, 0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn two_parts_that_cross_need_not() {
        // 0 and 1 stand on 3 and 2: drawn in the order of their numbers they would cross
        let square = Size { width: 40, height: 20 };
        let line = |from, to| Line { from, to, label: square };
        let lines = [line(0, 3), line(1, 2), line(0, 4), line(1, 4)];
        let drawn = layout(&[square; 5], &lines, &[]);
        assert!((drawn.boxes[0].x < drawn.boxes[1].x) == (drawn.boxes[3].x < drawn.boxes[2].x));
    }

    #[test]
    fn nothing_is_a_drawing_too() {
        assert_eq!(layout(&[], &[], &[]), Layout::default());
    }

    #[test]
    fn a_large_graph_with_every_line_is_drawn() {
        let mut dice = Dice(7);
        let boxes: Vec<Size> = (0..300).map(|_| Size { width: 100, height: 40 }).collect();
        let lines: Vec<Line> = (0..900)
            .map(|_| Line { from: dice.below(300), to: dice.below(300), label: Size { width: 60, height: 14 } })
            .collect();
        assert_eq!(layout(&boxes, &lines, &[]).routes.len(), 900);
    }
}
