//! PDF/UA-1 (accessible) and PDF/A-2a (for keeping), by Typst: text is data in its template, never markup.

use std::fs;
use std::path::Path;

use freehold_documents::Paper;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

/// The layout.
const TEMPLATE: &str = include_str!("paper.typ");
/// Largest font file that is taken from a folder, in bytes.
const FONT_BYTES_MAX: u64 = 64 << 20;
/// Most font files that are taken from a folder.
const FONTS_MAX: usize = 200;

/// A world of two files: the template and the paper. No other file, no package, no clock.
struct Desk {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    main: Source,
    paper: (FileId, Bytes),
}

fn file_id(name: &str) -> Result<FileId, String> {
    let path = VirtualPath::new(name).map_err(|_| format!("{name} is no path"))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.main.id() { Ok(self.main.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.paper.0 { Ok(self.paper.1.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// The fonts of this build, and those of a folder for scripts that they lack.
fn fonts(more: Option<&Path>) -> Vec<Font> {
    let mut out: Vec<Font> = typst_assets::fonts().flat_map(|f| Font::iter(Bytes::new(f))).collect();
    let entries = more.and_then(|dir| fs::read_dir(dir).ok());
    let mut files: Vec<_> = entries.into_iter().flatten().filter_map(|e| Some(e.ok()?.path())).collect();
    files.sort();
    let fits = |p: &std::path::PathBuf| p.metadata().is_ok_and(|m| m.is_file() && m.len() <= FONT_BYTES_MAX);
    for file in files.into_iter().filter(fits).take(FONTS_MAX) {
        if let Ok(bytes) = fs::read(file) {
            out.extend(Font::iter(Bytes::new(bytes)));
        }
    }
    out
}

fn said(errors: &[SourceDiagnostic]) -> String {
    let all: Vec<String> = errors.iter().take(3).map(|e| e.message.to_string()).collect();
    all.join("; ")
}

/// A paper as PDF, and what keeps it from being PDF/A and PDF/UA, if anything: characters that no font has. The same paper and
/// fonts give the same bytes. `more` is a folder of fonts for scripts that this build lacks.
///
/// # Errors
/// What the typesetter says.
pub fn pdf(paper: &Paper, more: Option<&Path>) -> Result<(Vec<u8>, Option<String>), String> {
    let text = serde_json::to_vec(&paper.printable()).map_err(|e| e.to_string())?;
    let fonts = fonts(more);
    let desk = Desk {
        library: LazyHash::new(Library::default()),
        book: LazyHash::new(FontBook::from_fonts(&fonts)),
        fonts,
        main: Source::new(file_id("paper.typ")?, TEMPLATE.to_string()),
        paper: (file_id("paper.json")?, Bytes::new(text)),
    };
    let document = typst::compile::<PagedDocument>(&desk).output.map_err(|e| said(&e))?;
    // what is kept has a date; what has none is accessible all the same
    let wanted: &[PdfStandard] =
        if paper.day.is_empty() { &[PdfStandard::Ua_1] } else { &[PdfStandard::A_2a, PdfStandard::Ua_1] };
    let standards = PdfStandards::new(wanted).map_err(|e| e.message().to_string())?;
    let creator = || Smart::Custom(Some(concat!("freehold-press ", env!("CARGO_PKG_VERSION")).to_string()));
    let options = PdfOptions { standards, creator: creator(), ..PdfOptions::default() };
    match typst_pdf::pdf(&document, &options) {
        Ok(bytes) => Ok((bytes, None)),
        Err(why) => {
            // shown as boxes, and told
            let plain = PdfOptions { creator: creator(), ..PdfOptions::default() };
            let bytes = typst_pdf::pdf(&document, &plain).map_err(|e| said(&e))?;
            Ok((bytes, Some(said(&why))))
        }
    }
}
