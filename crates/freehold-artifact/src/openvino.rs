//! OpenVINO's intermediate representation: the `.xml` beside a `.bin` of weights.
//!
//! Not an XML parser: both ends of the file are searched for the few elements that speak of identity. The net's own
//! `rt_info` stands at the end, whatever the size of what stands before. No entity is expanded but the five of XML
//! itself, and nothing that the file names is fetched.

use freehold_base::FactKind;

use crate::input::Input;
use crate::sink::Sink;

/// Bytes at the start that are searched.
const START_BYTES_MAX: usize = 64 << 10;
/// Bytes at the end that are searched for the net's `rt_info`.
const END_BYTES_MAX: usize = 256 << 10;
/// Elements of it that are looked at.
const ELEMENTS_MAX: usize = 4096;
/// Longest attribute value that is kept, in bytes.
const VALUE_BYTES_MAX: usize = 512;

/// Names that converters give to every net.
const GENERIC: &[&str] = &[
    "model",
    "model0",
    "main",
    "main_graph",
    "torch_jit",
    "torch-jit-export",
    "tf_frontend_ir",
    "tensorflow_frontend_ir",
    "graph",
    "frozen_graph",
    "saved_model",
    "net",
];

/// True for an XML document whose first element is a net of layers.
pub(crate) fn is_one(head: &[u8]) -> bool {
    let start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let has = |word: &[u8]| start.windows(word.len()).any(|w| w == word);
    start.trim_ascii_start().starts_with(b"<") && has(b"<net ") && (has(b"<layers") || has(b"<layer "))
}

/// An element's name and its attributes' part, with its place.
struct Element<'t> {
    name: &'t str,
    attributes: &'t str,
    /// Where the attributes begin.
    at: usize,
}

/// The opening tags of `text`, in order.
fn elements(text: &str) -> impl Iterator<Item = Element<'_>> {
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        loop {
            let open = at + text.get(at..)?.find('<')? + 1;
            let rest = text.get(open..)?;
            let end = rest.find('>')?;
            at = open + end + 1;
            let tag = rest.get(..end)?;
            let n = tag.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(tag.len());
            // a closing tag, a declaration, a comment
            if n == 0 || tag.starts_with(['!', '?']) {
                continue;
            }
            return Some(Element { name: tag.get(..n)?, attributes: tag.get(n..)?, at: open + n });
        }
    })
}

impl Element<'_> {
    /// An attribute's value and its place; XML's own entities are read, any other is left as it stands.
    fn attribute(&self, name: &str) -> Option<(String, (usize, usize))> {
        for (found, _) in self.attributes.match_indices(name) {
            let before = self.attributes.get(..found)?.ends_with(char::is_whitespace);
            let after = self.attributes.get(found + name.len()..)?;
            let Some(quoted) = after.trim_start().strip_prefix('=').map(str::trim_start).filter(|_| before) else {
                continue;
            };
            let quote = quoted.chars().next().filter(|q| matches!(q, '"' | '\''))?;
            let value = quoted.get(1..)?;
            let value = value.get(..value.find(quote)?)?;
            let start = self.at + self.attributes.len() - quoted.len() + 1;
            let place = (start, start + value.len());
            let mut kept = value.len().min(VALUE_BYTES_MAX);
            while !value.is_char_boundary(kept) {
                kept -= 1;
            }
            let mut text = value.get(..kept)?.to_owned();
            for (entity, letter) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")] {
                text = text.replace(entity, letter);
            }
            return Some((text, place));
        }
        None
    }
}

/// Reads both ends of the document. `base` is its name.
pub(crate) fn read(base: &str, input: &mut Input<'_>, sink: &mut Sink<'_>) {
    sink.fact(FactKind::Format, "openvino", "", Some((0, 8)));
    sink.out.model_file = true;
    if let Some((stem, _)) = base.rsplit_once('.') {
        sink.out.made_from.push(format!("{stem}.bin"));
    }
    let Ok(start) = input.start(START_BYTES_MAX) else { return };
    let (text, _) = crate::sink::same_length_text(&start);
    if let Some(at) = text.find("<!DOCTYPE").or_else(|| text.find("<!ENTITY")) {
        let message = "an XML document with a DOCTYPE: OpenVINO writes none, and its entities are not expanded";
        sink.warn("xml-doctype", message, Some((at, at + 8)));
    }
    if let Some(net) = elements(&text).take(ELEMENTS_MAX).find(|e| e.name == "net")
        && let Some((name, place)) = net.attribute("name")
        && !GENERIC.contains(&name.to_ascii_lowercase().as_str())
    {
        sink.fact(FactKind::Name, &name, "net.name", Some(place));
    }
    let from = input.size.saturating_sub(u64::try_from(END_BYTES_MAX).unwrap_or(u64::MAX));
    let Ok(end) = input.read(from, END_BYTES_MAX) else { return };
    let (end, _) = crate::sink::same_length_text(&end);
    // every layer may have one of its own: the net's is the last
    let Some(at) = end.rfind("<rt_info") else { return };
    let info = end.get(at..).unwrap_or_default();
    let info = info.find("</rt_info>").and_then(|n| info.get(..n)).unwrap_or(info);
    let from = from.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
    for element in elements(info).take(ELEMENTS_MAX) {
        let Some((value, (s, e))) = element.attribute("value") else { continue };
        let wide = |n: usize| from.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
        let place = Some((wide(s), wide(e)));
        let key = format!("rt_info.{}", element.name);
        match element.name {
            "framework" => sink.fact_wide(FactKind::Tag, &format!("framework {value}"), &key, place),
            "model_type" => sink.fact_wide(FactKind::Architecture, &value, &key, place),
            "model_name" => sink.fact_wide(FactKind::Name, &value, &key, place),
            // of weights that were compressed on the way here
            "mode" if info.contains("<weight_compression") => {
                sink.fact_wide(FactKind::Quantization, &value, &key, place);
            }
            "license" => sink.fact_wide(FactKind::LicenseTag, &value, &key, place),
            _ => {}
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{FileFacts, read_file};

    /// A small net of two layers.
    pub(crate) const NET: &str = r#"<?xml version="1.0"?>
<net name="Acme &amp; Bot" version="11">
	<layers>
		<layer id="0" name="x" type="Parameter"><rt_info><attribute name="fused_names_0" version="0" value="x" /></rt_info></layer>
	</layers>
	<edges />
	<rt_info>
		<conversion_parameters>
			<framework value="pytorch" />
			<input_model value="DIR/bot.onnx" />
		</conversion_parameters>
		<nncf><weight_compression><mode value="int4_asym" /></weight_compression></nncf>
	</rt_info>
</net>
"#;

    fn told(text: &str) -> FileFacts {
        read_file("ir/openvino_model.xml", &text.as_bytes())
    }

    fn facts(said: &FileFacts) -> Vec<(FactKind, &str)> {
        said.facts.iter().map(|f| (f.kind, f.value.as_str())).collect()
    }

    #[test]
    fn the_net_says_its_name_and_where_it_came_from() {
        let said = told(NET);
        assert_eq!(
            facts(&said),
            [
                (FactKind::Format, "openvino"),
                (FactKind::Name, "Acme & Bot"),
                (FactKind::Tag, "framework pytorch"),
                (FactKind::Quantization, "int4_asym"),
            ]
        );
        assert!(said.model_file && said.diagnostics.is_empty());
        assert_eq!(said.made_from, ["openvino_model.bin"]);
        let (s, e) = said.facts[2].evidence.bytes.unwrap();
        assert_eq!(&NET[usize::try_from(s).unwrap()..usize::try_from(e).unwrap()], "pytorch");
        let generic = told(&NET.replace("Acme &amp; Bot", "Model0"));
        assert!(generic.facts.iter().all(|f| f.kind != FactKind::Name));
        assert!(!is_one(b"<html><net-x/></html>") && !is_one(b"# <net name=\"a\"><layers>"));
    }

    #[test]
    fn what_stands_between_the_ends_is_not_read() {
        let long = NET.replace("<edges />", &format!("<edges>{}</edges>", " ".repeat(4 << 20)));
        let said = told(&long);
        assert_eq!(facts(&said), facts(&told(NET)));
        assert!(said.bytes_read < 1 << 20, "{}", said.bytes_read);
        let (s, e) = said.facts[2].evidence.bytes.unwrap();
        assert_eq!(&long[usize::try_from(s).unwrap()..usize::try_from(e).unwrap()], "pytorch");
    }

    #[test]
    fn no_entity_is_expanded() {
        let mut bomb = "<?xml version=\"1.0\"?>\n<!DOCTYPE net [<!ENTITY a0 \"lol\">\n".to_owned();
        for i in 1..10 {
            bomb += &format!("<!ENTITY a{i} \"{}\">\n", format!("&a{};", i - 1).repeat(10));
        }
        bomb +=
            "<!ENTITY f SYSTEM \"file:///etc/passwd\">]>\n<net name=\"&a9;&f;\" version=\"11\"><layers></layers></net>";
        let said = told(&bomb);
        assert_eq!(facts(&said), [(FactKind::Format, "openvino"), (FactKind::Name, "&a9;&f;")]);
        assert_eq!(said.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), ["xml-doctype"]);
    }

    #[test]
    fn every_beginning_of_one_is_read() {
        for end in 0..NET.len() {
            told(&NET[..end]);
            told(&format!("{}{}", &NET[..60], &NET[end.max(60)..]));
        }
        for odd in
            ["<net name", "<net name=", "<net name='", "<net name=\"x", "<net  name = 'é'><layers", "<net name='<'"]
        {
            told(&format!("{odd} <layers>"));
        }
        let said = told(&format!("<net x=\"1\" name='{}'><layers>{}", "é".repeat(2000), "<rt_info ".repeat(100_000)));
        assert!(said.facts[1].value.len() <= VALUE_BYTES_MAX);
    }
}
