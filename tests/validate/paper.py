"""Reads a printed paper with programs that are not ours: PDF by pikepdf and pypdf, DOCX by python-docx."""
import sys

import docx
import pikepdf
import pypdf

pdf, word = sys.argv[1:3]
with pikepdf.open(pdf) as doc:
    problems = doc.check_pdf_syntax() if hasattr(doc, "check_pdf_syntax") else doc.check()
    assert not problems, problems
    assert doc.Root.MarkInfo.Marked and "/StructTreeRoot" in doc.Root, "not tagged"
    pages = len(doc.pages)
text = "\n".join(p.extract_text() for p in pypdf.PdfReader(pdf).pages)
flat = "".join(text.split()).replace("\u200b", "")
for words in ["Reviewmemo:support-bot", "1.Questionandshortanswer", "2.Alongtable", '#panic("x")', "duty59", "Nolegaladvice.", "PRIVILEGED"]:
    assert words in flat, words
print("pdf pages", pages)
document = docx.Document(word)
body = [p.text for p in document.paragraphs]
headings = [p for p in document.paragraphs if p.style is not None and (p.style.name or "").lower().startswith("heading")]
assert any('#panic("x")' in t for t in body) and not any("\x1b" in t or "\u202e" in t for t in body)
rows = [[c.text for c in r.cells] for r in document.tables[1].rows]
assert len(rows) == 61 and rows[60][0] == "duty 59", rows[-1]
assert "PRIVILEGED" in document.sections[0].header.paragraphs[0].text
print("docx headings", len(headings), "tables", len(document.tables))
