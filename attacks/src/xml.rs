//! XML: OpenVINO's descriptions of nets.

use std::io;
use std::path::Path;

use crate::disk::{bait, card, put, sparse};
use crate::{Attack, Cases, Class, FORGED, SECRETS};

/// A net of this name behind `before`.
fn net(home: &Path, before: &str, name: &str, info: &str) -> io::Result<()> {
    card(home)?;
    let text = format!(
        "<?xml version=\"1.0\"?>\n{before}<net name=\"{name}\" version=\"11\">\n<layers>\n</layers>\n<rt_info>{info}</rt_info>\n</net>\n"
    );
    put(home, "openvino_model.xml", text)
}

/// The cases.
pub(crate) fn cases() -> Vec<Attack> {
    let mut c = Cases::of(Class::Xml);
    c.ok("xml-valid", "a small net and its weights", |d| {
        put(d, "openvino_model.bin", [0; 64])?;
        net(d, "", "bot", "<conversion_parameters><framework value=\"pytorch\"/></conversion_parameters>")
    });
    c.warning("xml-laughs", "a billion laughs (CVE-2003-1564)", |d| {
        let mut entities = String::from("<!ENTITY a0 \"lol\">\n");
        for i in 1..10 {
            entities.push_str(&format!("<!ENTITY a{i} \"{}\">\n", format!("&a{};", i - 1).repeat(10)));
        }
        net(d, &format!("<!DOCTYPE net [\n{entities}]>\n"), "&a9;", "<framework value=\"&a9;\"/>")
    });
    c.warning("xml-entity-file", "an entity that is a file of the system, and one out of the folder (XXE)", |d| {
        bait(d)?;
        let before =
            "<!DOCTYPE net [<!ENTITY f SYSTEM \"file:///etc/passwd\"><!ENTITY g SYSTEM \"../out/LICENSE\">]>\n";
        net(d, before, "&f;&g;", "<license value=\"&g;\"/>")
    });
    c.ok("xml-deep", "100,000 elements inside one another", |d| {
        net(d, "", "bot", &format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000)))
    });
    c.ok("xml-attributes", "an element of 20,000 attributes and 10,000 `rt_info`", |d| {
        let many: String = (0..20_000).map(|i| format!(" name{i}=\"x\"")).collect();
        net(d, "", "bot", &format!("<framework{many} value=\"x\"/>{}", "<rt_info>".repeat(10_000)))
    });
    c.ok("xml-open", "a tag that never ends", |d| {
        card(d)?;
        put(d, "openvino_model.xml", format!("<net name=\"bot\"><layers/><rt_info {}", "value=".repeat(500_000)))
    });
    c.ok("xml-escape", "escape sequences, a line break and access tokens in a net's name", |d| {
        net(
            d,
            "",
            &format!("a\u{1b}[2J\u{202e}\n{FORGED} {}", SECRETS[0]),
            &format!("<license value=\"{}\"/>", SECRETS[2]),
        )
    });
    c.ok("xml-sparse", "a net of 10 GB of zeros", |d| {
        card(d)?;
        sparse(d, "openvino_model.xml", b"<net name=\"bot\" version=\"11\"><layers>", 10 << 30)
    });
    c.done()
}
