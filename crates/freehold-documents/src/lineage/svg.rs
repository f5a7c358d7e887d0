//! The lineage as a picture: one SVG file that needs nothing else, light or dark as the reader's system is.
//!
//! What was asked about stands at the top and stands on what is below it. Nothing in it runs, and no name can leave its
//! text: every text is cleaned and escaped, and sizes come from counting columns, so that no font is asked for.

use freehold_base::{By, WorkKind};
use freehold_catalog::Catalog;
use freehold_check::{Lineage, LineageStep, LineageWork, Maker};

use super::layout::{Layout, Line, Piece, Place, Route, Size, layout};
use super::{Drawn, cut, drawn, licenses_in_short, maker_word, one_line, parents_of, step_sentence, title, work_says};
use crate::page::columns;
use crate::words;

/// Most works of a picture.
const WORKS_MAX: usize = 300;
/// Most steps of a picture.
const STEPS_MAX: usize = 900;
/// Most sentences of the description for who cannot see it.
const SENTENCES_MAX: usize = 100;
/// Most columns of the title of a box or a line.
const TITLE_MAX: usize = 600;
/// Size of a name, in pixels.
const NAME_SIZE: i64 = 13;
/// Size of everything else, in pixels.
const SMALL_SIZE: i64 = 11;
/// Most columns of a line of a name.
const NAME_COLUMNS: usize = 24;
/// Most lines of a name.
const NAME_LINES: usize = 2;
/// Most columns of the line above and the line below a name.
const SMALL_COLUMNS: usize = 29;
/// Pixels between a box's side and its text.
const PAD: i64 = 12;
/// Least width of a box.
const BOX_MIN: i64 = 120;
/// Pixels around the picture.
const MARGIN: i64 = 24;
/// Pixels of the heading.
const HEAD: i64 = 34;

const STYLE: &str = "\
text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace;font-size:11px;fill:#1f2328}\
.bg{fill:#ffffff}.h{font-size:15px;font-weight:600}.n{font-size:13px;font-weight:600}.q{fill:#59636e}\
.work rect{stroke-width:1.2}.asked rect{stroke-width:2.6}.lost rect{stroke-dasharray:5 4}\
.ours rect{fill:#ddf4ff;stroke:#0969da}.third rect{fill:#f6f8fa;stroke:#6e7781}\
.dataset rect{fill:#fff8c5;stroke:#9a6700}.unknown rect{fill:#fbefff;stroke:#8250df}.missing rect{fill:#ffebe9;stroke:#cf222e}\
.line path{fill:none;stroke:#6e7781;stroke-width:1.4}.line polygon{fill:#6e7781}\
.us path{stroke:#0969da}.us polygon{fill:#0969da}\
.cycle path{stroke:#cf222e}.cycle polygon{fill:#cf222e}.presumed path{stroke-dasharray:6 4}\
.label rect{fill:#ffffff}.label text{fill:#59636e}.label .c{fill:#cf222e}\
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.bg,.label rect{fill:#0d1117}.q,.label text{fill:#9198a1}\
.ours rect{fill:#0c2d6b;stroke:#4493f8}.third rect{fill:#161b22;stroke:#9198a1}\
.dataset rect{fill:#3b2300;stroke:#d29922}.unknown rect{fill:#2c1c4a;stroke:#ab7df8}.missing rect{fill:#3c1618;stroke:#f85149}\
.line path{stroke:#9198a1}.line polygon{fill:#9198a1}.us path{stroke:#4493f8}.us polygon{fill:#4493f8}\
.cycle path{stroke:#f85149}.cycle polygon{fill:#f85149}.label .c{fill:#f85149}}";

/// The lineage as SVG.
pub fn lineage_svg(lineage: &Lineage, catalog: &Catalog) -> String {
    let shown = drawn(lineage, WORKS_MAX, STEPS_MAX);
    let parents = parents_of(lineage);
    let texts: Vec<BoxText> =
        shown.works.iter().map(|w| BoxText::of(&lineage.works[*w], !parents[*w].is_empty())).collect();
    let sizes: Vec<Size> = texts.iter().map(BoxText::size).collect();
    let steps: Vec<&LineageStep> = shown.steps.iter().map(|s| &lineage.steps[*s]).collect();
    let mut at = vec![None; lineage.works.len()];
    for (i, w) in shown.works.iter().enumerate() {
        at[*w] = Some(i);
    }
    let labels: Vec<String> = steps.iter().map(|s| words::step(s.relation).to_string()).collect();
    let lines: Vec<Line> = steps
        .iter()
        .zip(&labels)
        .filter_map(|(s, label)| {
            let size = Size { width: width(columns(label), SMALL_SIZE) + 6, height: 16 };
            Some(Line { from: at[s.child]?, to: at[s.parent]?, label: size })
        })
        .collect();
    let asked: Vec<bool> = shown.works.iter().map(|w| lineage.works[*w].subject.is_some()).collect();
    let plan = layout(&sizes, &lines, &asked);
    Picture { lineage, catalog, shown: &shown, steps: &steps, labels: &labels, texts: &texts, plan: &plan }.draw()
}

/// Pixels of so many columns: the widest of the common fonts of one width, rounded up.
fn width(columns: usize, size: i64) -> i64 {
    (i64::try_from(columns).unwrap_or(i64::MAX / 1_000) * size * 61 + 99) / 100
}

/// The lines of a box.
struct BoxText {
    above: String,
    name: Vec<String>,
    below: String,
}

impl BoxText {
    fn of(w: &LineageWork, has_parents: bool) -> BoxText {
        let plain = one_line(&w.id);
        let (above, own) = match plain.trim_end_matches('/').rsplit_once('/') {
            Some((folder, own)) if !own.is_empty() => (format!("{folder}/"), own.to_string()),
            _ => (String::new(), plain.clone()),
        };
        let (above, own) = match &w.work.description {
            // data that has no name is known by what it is
            Some(text) if w.work.kind == WorkKind::Dataset && plain.starts_with("dataset ") => (plain, one_line(text)),
            _ => (above, own),
        };
        BoxText {
            above: cut(&above, SMALL_COLUMNS),
            name: wrap_name(&own),
            below: cut(&licenses_in_short(w, has_parents), SMALL_COLUMNS),
        }
    }

    fn size(&self) -> Size {
        let names = self.name.iter().map(|l| width(columns(l), NAME_SIZE));
        let small = [&self.above, &self.below].map(|l| width(columns(l), SMALL_SIZE));
        let widest = names.chain(small).max().unwrap_or(0);
        let lines = i64::try_from(self.name.len()).unwrap_or(0);
        let above = if self.above.is_empty() { 0 } else { 15 };
        Size { width: (widest + 2 * PAD).max(BOX_MIN), height: 16 + above + lines * 17 + 17 }
    }
}

/// A name on few lines, broken behind a mark that names are put together with, where there is one.
fn wrap_name(name: &str) -> Vec<String> {
    let mut rest = name.to_string();
    let mut out = Vec::new();
    while out.len() + 1 < NAME_LINES && columns(&rest) > NAME_COLUMNS {
        let (mut at, mut fits, mut good) = (0, 0, 0);
        for (i, c) in rest.char_indices() {
            at += columns(c.encode_utf8(&mut [0; 4]));
            if at > NAME_COLUMNS || i >= NAME_COLUMNS * 8 {
                break;
            }
            fits = i + c.len_utf8();
            if matches!(c, '-' | '_' | '.' | ' ' | ':') && at * 2 >= NAME_COLUMNS {
                good = fits;
            }
        }
        let end = if good > 0 { good } else { fits };
        if end == 0 {
            break;
        }
        let tail = rest.split_off(end);
        out.push(rest.trim_end().to_string());
        rest = tail;
    }
    out.push(cut(&rest, NAME_COLUMNS));
    out
}

/// Text inside an element or an attribute.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn class_of(maker: Maker) -> &'static str {
    match maker {
        Maker::Ours => "ours",
        Maker::ThirdParty => "third",
        Maker::Dataset => "dataset",
        Maker::Unknown => "unknown",
    }
}

struct Picture<'a> {
    lineage: &'a Lineage,
    catalog: &'a Catalog,
    shown: &'a Drawn,
    steps: &'a [&'a LineageStep],
    labels: &'a [String],
    texts: &'a [BoxText],
    plan: &'a Layout,
}

impl Picture<'_> {
    fn draw(&self) -> String {
        let heading = title(self.lineage);
        let head_width = width(columns(&heading), 15);
        let inner = self.plan.size.0.max(head_width).max(420);
        let (legend, legend_height) = self.legend(inner);
        let mut foot = String::new();
        let (works, steps) = self.shown.left_out;
        if works + steps > 0 {
            foot = format!("and {works} more works and {steps} more steps, for which there is no room");
        }
        let foot_height = if foot.is_empty() { 0 } else { 22 };
        let (w, h) = (inner + 2 * MARGIN, HEAD + self.plan.size.1 + 26 + foot_height + legend_height + 2 * MARGIN);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" \
             aria-labelledby=\"lineage-title lineage-desc\">\n<title id=\"lineage-title\">{}</title>\n\
             <desc id=\"lineage-desc\">{}</desc>\n<style>{STYLE}</style>\n<rect class=\"bg\" width=\"{w}\" height=\"{h}\"/>\n\
             <text class=\"h\" x=\"{MARGIN}\" y=\"{}\">{}</text>\n",
            xml(&heading),
            xml(&self.description()),
            MARGIN + 12,
            xml(&heading),
        );
        // a narrow picture stands in the middle
        let x = MARGIN + (inner - self.plan.size.0) / 2;
        out.push_str(&format!("<g transform=\"translate({x} {})\">\n", MARGIN + HEAD));
        for (step, route) in self.steps.iter().zip(&self.plan.routes) {
            out.push_str(&self.line(step, route));
        }
        for ((step, label), route) in self.steps.iter().zip(self.labels).zip(&self.plan.routes) {
            out.push_str(&label_of(step, label, route.label));
        }
        for ((i, text), place) in self.shown.works.iter().zip(self.texts).zip(&self.plan.boxes) {
            out.push_str(&self.work(*i, text, *place));
        }
        out.push_str("</g>\n");
        let mut y = MARGIN + HEAD + self.plan.size.1 + 26;
        if !foot.is_empty() {
            out.push_str(&format!("<text class=\"q\" x=\"{MARGIN}\" y=\"{}\">{foot}</text>\n", y + 10));
            y += foot_height;
        }
        out.push_str(&format!("<g transform=\"translate({MARGIN} {y})\">\n{legend}</g>\n</svg>\n"));
        out
    }

    /// What the picture shows, in sentences.
    fn description(&self) -> String {
        let mut out: Vec<String> =
            self.steps.iter().take(SENTENCES_MAX).map(|s| cut(&step_sentence(self.lineage, s), TITLE_MAX)).collect();
        let more = self.lineage.steps.len().saturating_sub(out.len());
        if more > 0 {
            out.push(format!("and {more} more steps"));
        }
        let works = self.lineage.works.len();
        format!("{works} works. {}", out.join(". "))
    }

    fn line(&self, step: &LineageStep, route: &Route) -> String {
        let mut class = String::from("line");
        if step.cyclic {
            class.push_str(" cycle");
        } else if step.by == By::Us {
            class.push_str(" us");
        }
        if step.presumed {
            class.push_str(" presumed");
        }
        let (x, y) = route.start;
        let (mut d, head);
        if route.pieces.is_empty() {
            // from a box to itself: out at its right side and back
            d = format!("M{x} {}C{} {} {} {} {x} {}", y - 6, x + 26, y - 12, x + 26, y + 12, y + 6);
            head = format!("{x},{} {},{} {},{}", y + 6, x + 8, y + 1, x + 8, y + 9);
        } else {
            d = format!("M{x} {y}");
            let (mut px, mut py) = (x, y);
            for piece in &route.pieces {
                match *piece {
                    Piece::Down(to) => {
                        d.push_str(&format!("V{to}"));
                        py = to;
                    }
                    Piece::To(tx, ty) if tx == px => {
                        d.push_str(&format!("V{ty}"));
                        py = ty;
                    }
                    Piece::To(tx, ty) => {
                        let half = (py + ty) / 2;
                        d.push_str(&format!("C{px} {half} {tx} {half} {tx} {ty}"));
                        (px, py) = (tx, ty);
                    }
                }
            }
            head = if route.reversed {
                format!("{x},{y} {},{} {},{}", x - 4, y + 8, x + 4, y + 8)
            } else {
                format!("{px},{py} {},{} {},{}", px - 4, py - 8, px + 4, py - 8)
            };
        }
        let says = xml(&cut(&step_sentence(self.lineage, step), TITLE_MAX));
        format!("<g class=\"{class}\"><title>{says}</title><path d=\"{d}\"/><polygon points=\"{head}\"/></g>\n")
    }

    fn work(&self, i: usize, text: &BoxText, place: Place) -> String {
        let w = &self.lineage.works[i];
        let lost = w.unresolved && w.maker() == Maker::Unknown;
        let mut class = format!("work {}", if lost { "missing" } else { class_of(w.maker()) });
        if w.subject.is_some() {
            class.push_str(" asked");
        }
        if w.unresolved {
            class.push_str(" lost");
        }
        let corner = if w.work.kind == WorkKind::Dataset { 16 } else { 5 };
        let (x, middle) = (place.x, place.x + place.size.width / 2);
        let mut out = format!(
            "<g class=\"{class}\"><title>{}</title><rect x=\"{x}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{corner}\"/>",
            xml(&cut(&work_says(w, self.catalog), TITLE_MAX)),
            place.y,
            place.size.width,
            place.size.height,
        );
        let mut y = place.y + 8;
        let mut line = |class: &str, step: i64, text: &str| {
            y += step;
            out.push_str(&format!(
                "<text{class} x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                y - 4,
                xml(text)
            ));
        };
        if !text.above.is_empty() {
            line(" class=\"q\"", 15, &text.above);
        }
        for name in &text.name {
            line(" class=\"n\"", 17, name);
        }
        line("", 17, &text.below);
        out.push_str("</g>\n");
        out
    }

    /// What colors and lines mean; and its height.
    fn legend(&self, room: i64) -> (String, i64) {
        let mut items: Vec<(String, &str)> = Vec::new();
        for maker in Maker::ALL {
            let words = match maker {
                Maker::Unknown => "maker not stated",
                other => maker_word(other),
            };
            let corner = if maker == Maker::Dataset { 6 } else { 3 };
            let mark = format!(
                "<g class=\"work {}\"><rect x=\"0\" y=\"0\" width=\"24\" height=\"13\" rx=\"{corner}\"/></g>",
                class_of(maker)
            );
            items.push((mark, words));
        }
        let lost = "<g class=\"work missing lost\"><rect x=\"0\" y=\"0\" width=\"24\" height=\"13\" rx=\"3\"/></g>";
        items.push((lost.to_string(), "not found: no file, not in the catalog"));
        let stroke = |class: &str| format!("<g class=\"line{class}\"><path d=\"M0 7H24\"/></g>");
        items.push((stroke(""), "step taken upstream"));
        items.push((stroke(" us"), "step of ours"));
        items.push((stroke(" us presumed"), "who took it is presumed"));
        if self.steps.iter().any(|s| s.cyclic) {
            items.push((stroke(" cycle"), "part of a cycle"));
        }
        let asked = "<g class=\"work third asked\"><rect x=\"0\" y=\"0\" width=\"24\" height=\"13\" rx=\"3\"/></g>";
        items.push((asked.to_string(), "asked about"));
        let (mut x, mut y, mut out) = (0, 0, String::new());
        for (mark, words) in items {
            let wide = 32 + width(columns(words), SMALL_SIZE) + 22;
            if x > 0 && x + wide > room {
                (x, y) = (0, y + 22);
            }
            out.push_str(&format!(
                "<g transform=\"translate({x} {y})\">{mark}<text class=\"q\" x=\"32\" y=\"10\">{}</text></g>\n",
                xml(words)
            ));
            x += wide;
        }
        (out, y + 14)
    }
}

fn label_of(step: &LineageStep, label: &str, place: Place) -> String {
    let class = if step.cyclic { " class=\"c\"" } else { "" };
    format!(
        "<g class=\"label\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/><text{class} x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text></g>\n",
        place.x,
        place.y,
        place.size.width,
        place.size.height,
        place.x + place.size.width / 2,
        place.y + 12,
        xml(label)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_break_behind_the_marks_they_are_put_together_with() {
        assert_eq!(wrap_name("Mistral-7B"), ["Mistral-7B"]);
        assert_eq!(wrap_name("DeepSeek-R1-Distill-Llama-8B-Instruct"), ["DeepSeek-R1-Distill-", "Llama-8B-Instruct"]);
        assert_eq!(wrap_name(&"x".repeat(60)), ["x".repeat(24), format!("{}…", "x".repeat(23))]);
        let wide = wrap_name(&"模".repeat(60));
        assert!(wide.len() == 2 && wide.iter().all(|l| columns(l) <= NAME_COLUMNS), "{wide:?}");
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(xml("a<b>&\"'\u{202e}\u{7}"), "a&lt;b&gt;&amp;&quot;&#39;\u{fffd}\u{fffd}");
    }

    #[test]
    fn texts_fit_their_boxes() {
        for text in ["a", "org/a-very-long-name-of-a-model-that-goes-on-and-on-70B", "日本語/日本語の模型日本語の模型"]
        {
            let work = freehold_base::Work::named(text, freehold_base::Evidence::default());
            let w = LineageWork {
                id: text.into(),
                of: String::new(),
                work,
                terms: Vec::new(),
                subject: None,
                unresolved: true,
            };
            let lines = BoxText::of(&w, false);
            let size = lines.size();
            for name in &lines.name {
                assert!(width(columns(name), NAME_SIZE) + 2 * PAD <= size.width, "{name}");
            }
            for small in [&lines.above, &lines.below] {
                assert!(width(columns(small), SMALL_SIZE) + 2 * PAD <= size.width, "{small}");
            }
        }
    }
}
