//! DOCX (Office Open XML), for those who go on writing in it: real headings, lists and tables.

use std::io::Cursor;

use docx_rs::{
    AbstractNumbering, AlignmentType, BorderType, Docx, Footer, Header, IndentLevel, Level, LevelJc, LevelText,
    LineSpacing, NumberFormat, Numbering, NumberingId, PageMargin, PageNum, Paragraph, ParagraphBorder,
    ParagraphBorderPosition, Run, RunFonts, SpecialIndentType, Start, Style, StyleType, Table, TableBorder,
    TableBorderPosition, TableBorders, TableCell, TableRow, WidthType,
};
use freehold_documents::{Block, Paper};

/// Width of the text, in twentieths of a point: A4 without its margins.
const WIDTH: usize = 9_400;
/// Colors.
const QUIET: &str = "444444";
const RED: &str = "7A1010";

fn run(text: &str) -> Run {
    Run::new().add_text(text)
}

fn line(text: &str) -> Paragraph {
    Paragraph::new().add_run(run(text))
}

fn style(id: &str, name: &str, size: usize, before: u32, after: u32) -> Style {
    Style::new(id, StyleType::Paragraph)
        .name(name)
        .based_on("Normal")
        .size(size)
        .bold()
        .line_spacing(LineSpacing::new().before(before).after(after))
}

fn is_wide(heads: &[String], rows: &[Vec<String>], i: usize) -> usize {
    let cells = rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count().min(60));
    cells.chain(heads.get(i).map(|h| h.chars().count())).max().unwrap_or(0).max(11)
}

fn table(heads: &[String], rows: &[Vec<String>]) -> Table {
    let wide: Vec<usize> = (0..heads.len()).map(|i| is_wide(heads, rows, i)).collect();
    let sum = wide.iter().sum::<usize>().max(1);
    let grid: Vec<usize> = wide.iter().map(|w| WIDTH.saturating_mul(*w) / sum).collect();
    let cell = |text: &str, i: usize, head: bool| {
        let run = if head { run(text).bold().size(17) } else { run(text).size(17) };
        let paragraph = Paragraph::new().add_run(run).line_spacing(LineSpacing::new().before(40).after(40));
        TableCell::new().add_paragraph(paragraph).width(grid.get(i).copied().unwrap_or(0), WidthType::Dxa)
    };
    let border = |position| TableBorder::new(position).border_type(BorderType::Single).size(4).color("BBBBBB");
    let none = |position| TableBorder::new(position).border_type(BorderType::Nil);
    let borders = TableBorders::with_empty()
        .set(border(TableBorderPosition::Top))
        .set(border(TableBorderPosition::Bottom))
        .set(border(TableBorderPosition::InsideH))
        .set(none(TableBorderPosition::Left))
        .set(none(TableBorderPosition::Right))
        .set(none(TableBorderPosition::InsideV));
    let head = TableRow::new(heads.iter().enumerate().map(|(i, h)| cell(h, i, true)).collect()).cant_split();
    let body = rows.iter().map(|r| {
        let cells = (0..heads.len()).map(|i| cell(r.get(i).map_or("", String::as_str), i, false)).collect();
        TableRow::new(cells).cant_split()
    });
    Table::new(std::iter::once(head).chain(body).collect())
        .set_grid(grid)
        .width(WIDTH, WidthType::Dxa)
        .set_borders(borders)
}

fn about(pairs: &[(String, String)]) -> Table {
    let row = |(name, value): &(String, String)| {
        let cell = |text: &str, width: usize, color: &str| {
            let paragraph = Paragraph::new()
                .add_run(run(text).size(19).color(color))
                .line_spacing(LineSpacing::new().before(20).after(20));
            TableCell::new().add_paragraph(paragraph).width(width, WidthType::Dxa)
        };
        TableRow::new(vec![cell(name, 2_000, QUIET), cell(value, WIDTH - 2_000, "1A1A1A")])
    };
    let border = |position| TableBorder::new(position).border_type(BorderType::Single).size(4).color("BBBBBB");
    let borders =
        TableBorders::with_empty().set(border(TableBorderPosition::Top)).set(border(TableBorderPosition::Bottom));
    Table::new(pairs.iter().map(row).collect())
        .set_grid(vec![2_000, WIDTH - 2_000])
        .width(WIDTH, WidthType::Dxa)
        .set_borders(borders)
}

fn barred(paragraph: Paragraph, color: &str) -> Paragraph {
    let bar =
        ParagraphBorder::new(ParagraphBorderPosition::Left).val(BorderType::Single).size(18).space(8).color(color);
    paragraph.set_borders(docx_rs::ParagraphBorders::with_empty().set(bar)).indent(Some(240), None, None, None)
}

/// A paper as DOCX; the same paper gives the same bytes.
///
/// # Errors
/// What the writer says.
pub fn docx(paper: &Paper) -> Result<Vec<u8>, String> {
    let paper = paper.printable();
    let bullets =
        AbstractNumbering::new(2).add_level(
            Level::new(0, Start::new(1), NumberFormat::new("bullet"), LevelText::new("•"), LevelJc::new("left"))
                .indent(Some(360), Some(SpecialIndentType::Hanging(240)), None, None),
        );
    let small = |text: &str| run(text).size(15).color(QUIET);
    let pages = Paragraph::new()
        .add_run(small(&format!("{}  ·  page ", paper.title)))
        .add_page_num(PageNum::new())
        .align(AlignmentType::Left);
    let mut doc = Docx::new()
        .page_size(11_906, 16_838)
        .page_margin(PageMargin::new().top(1_300).bottom(1_360).left(1_250).right(1_250))
        .default_fonts(RunFonts::new().ascii("Georgia").hi_ansi("Georgia").cs("Times New Roman").east_asia("MS Mincho"))
        .default_size(20)
        .add_style(Style::new("Normal", StyleType::Paragraph).name("Normal"))
        .add_style(style("Title", "Title", 38, 0, 80))
        .add_style(style("Heading1", "heading 1", 24, 320, 120))
        .add_abstract_numbering(bullets)
        .add_numbering(Numbering::new(2, 2))
        .footer(Footer::new().add_paragraph(pages));
    if !paper.marking.is_empty() {
        let marking = Paragraph::new().add_run(run(&paper.marking.to_uppercase()).bold().size(15).color(RED));
        doc = doc.header(Header::new().add_paragraph(marking));
    }
    doc = doc.add_paragraph(line(&paper.title).style("Title"));
    doc = doc.add_paragraph(Paragraph::new().add_run(run(&paper.subtitle).color(QUIET)));
    if !paper.about.is_empty() {
        doc = doc.add_table(about(&paper.about));
    }
    let space = LineSpacing::new().before(80).after(80);
    let mut number = 0_usize;
    for block in &paper.blocks {
        doc = match block {
            Block::Heading(text) => {
                number = number.saturating_add(1);
                doc.add_paragraph(line(&format!("{number}. {text}")).style("Heading1").keep_next(true))
            }
            Block::Text(text) => doc.add_paragraph(line(text).line_spacing(space.clone())),
            Block::Callout(text) => {
                let paragraph = Paragraph::new().add_run(run(text).bold()).line_spacing(space.clone()).keep_lines(true);
                doc.add_paragraph(barred(paragraph, RED))
            }
            Block::Quote { words, from } => {
                let words = line(&format!("“{words}”")).keep_next(true).keep_lines(true);
                let from =
                    Paragraph::new().add_run(small(from)).keep_lines(true).line_spacing(LineSpacing::new().after(120));
                doc.add_paragraph(barred(words, "999999")).add_paragraph(barred(from, "999999"))
            }
            Block::List(items) => items.iter().fold(doc, |doc, item| {
                doc.add_paragraph(line(item).numbering(NumberingId::new(2), IndentLevel::new(0)))
            }),
            Block::Table { caption, heads, rows } => {
                let caption =
                    Paragraph::new().add_run(small(caption).size(17)).keep_next(true).line_spacing(space.clone());
                // a table that touches the next one would be one table
                let end =
                    Paragraph::new().add_run(run("").size(8)).line_spacing(LineSpacing::new().before(0).after(40));
                doc.add_paragraph(caption).add_table(table(heads, rows)).add_paragraph(end)
            }
        };
    }
    doc =
        doc.add_paragraph(Paragraph::new().add_run(small(&paper.footer)).line_spacing(LineSpacing::new().before(400)));
    let mut out = Cursor::new(Vec::new());
    doc.build().pack(&mut out).map_err(|e| e.to_string())?;
    Ok(out.into_inner())
}
