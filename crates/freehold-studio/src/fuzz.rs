//! The studio's readers as one plain function, for fuzzers and for the replay of their corpus. It may not panic or hang,
//! whatever the bytes. The first byte says which reader.

use crate::data::{Message, Template, personal_data};

/// Any bytes as what a reader takes.
pub fn fuzz_studio(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    match first % 8 {
        0 => {
            let _ = crate::config::read(rest);
        }
        1 => {
            for d in crate::weights::described(rest).into_iter().flatten() {
                assert!(d.1.from <= d.1.to && d.1.to <= rest.len(), "a tensor outside its file");
            }
        }
        2 => {
            let _ = crate::tokenizer::pieces(rest);
        }
        3 => {
            let _ = crate::lora::shape(rest);
        }
        4 => {
            if let Ok(table) = text.parse::<toml::Table>() {
                let _ = crate::recipe::of_table(&table, "".into());
                let _ = crate::sweep::recipes(&table, "".as_ref());
            }
        }
        5 => {
            let turn = |role: &str, content: &str| Message { role: role.into(), content: content.into() };
            let talk = [turn("user", "Hi"), turn("assistant", "Hello.")];
            let written = Template::new(&text, [Some("<s>"), Some("</s>"), None]).and_then(|t| t.with_answers(&talk));
            if let Ok((whole, spans)) = written {
                assert!(spans.iter().all(|s| whole.get(s.clone()).is_some()), "an answer outside its text");
            }
        }
        6 => {
            personal_data(&text);
        }
        _ => {
            let _ = crate::data::rows_of(rest);
        }
    }
}
