//! Chat templates as transformers renders them.

use std::ops::Range;

use minijinja::{Environment, Error, ErrorKind, Value, context};

use super::rows::Message;

/// The template that ChatML is known by, for bases that have none.
pub const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// The form that Alpaca is known by, one turn after another, for bases that have none.
pub const ALPACA: &str = "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}{{ '### Response:\n' + message['content'] + eos_token }}{% elif message['role'] == 'user' %}{{ '### Instruction:\n' + message['content'] + '\n\n' }}{% else %}{{ message['content'] + '\n\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '### Response:\n' }}{% endif %}";

/// Steps that a template may take.
const FUEL: u64 = 5_000_000;

/// A template ready to render.
pub struct Template {
    environment: Environment<'static>,
    bos: String,
    eos: String,
    pad: String,
    /// As it was written.
    pub text: String,
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template").field("text", &self.text).finish_non_exhaustive()
    }
}

/// JSON as Python writes it: a space after commas and colons, letters of every script as they are.
fn to_json(value: &Value, indent: Option<usize>) -> Result<String, Error> {
    let wrong = |e: serde_json::Error| Error::new(ErrorKind::BadSerialization, e.to_string());
    let value = serde_json::to_value(value).map_err(wrong)?;
    Ok(match indent {
        Some(_) => serde_json::to_string_pretty(&value).map_err(wrong)?,
        None => spaced(&value),
    })
}

fn spaced(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(all) => {
            let all: Vec<String> = all.iter().map(spaced).collect();
            format!("[{}]", all.join(", "))
        }
        serde_json::Value::Object(all) => {
            let all: Vec<String> =
                all.iter().map(|(k, v)| format!("{}: {}", serde_json::Value::from(k.as_str()), spaced(v))).collect();
            format!("{{{}}}", all.join(", "))
        }
        other => other.to_string(),
    }
}

/// Marks of what the assistant generates, which transformers reads and Jinja does not know.
fn without_generation(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{%") {
        let Some(length) = rest[at + 2..].find("%}") else { break };
        let (before, inside) = (&rest[..at], &rest[at + 2..at + 2 + length]);
        let (tag, after) = (&rest[at..at + length + 4], &rest[at + length + 4..]);
        let word = inside.trim_matches(['-', '+']).trim();
        if word == "generation" || word == "endgeneration" {
            out.push_str(if inside.starts_with('-') { before.trim_end() } else { before });
            rest = if inside.ends_with('-') { after.trim_start() } else { after };
        } else {
            out.push_str(before);
            out.push_str(tag);
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

impl Template {
    /// Reads a template. `specials` are the texts of bos, eos and pad.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str, specials: [Option<&str>; 3]) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |what: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, what))
        });
        // a day of its own would make the same data other tokens every day
        environment
            .add_function("strftime_now", |format: String| if format.contains("%Y") { "26 Jul 2024" } else { "" });
        environment.add_filter("tojson", |value: Value, options: minijinja::value::Kwargs| {
            let indent: Option<usize> = options.get("indent").ok();
            let _: Option<bool> = options.get("ensure_ascii").ok();
            to_json(&value, indent)
        });
        let source = without_generation(text);
        environment.add_template_owned("chat", source).map_err(|e| format!("the chat template: {e}"))?;
        let [bos, eos, pad] = specials.map(|s| s.unwrap_or_default().to_owned());
        Ok(Self { environment, bos, eos, pad, text: text.into() })
    }

    /// Renders a conversation.
    ///
    /// # Errors
    /// What the template says against it.
    pub fn render(&self, messages: &[Message], ask: bool) -> Result<String, String> {
        let template = self.environment.get_template("chat").map_err(|e| e.to_string())?;
        let none = Value::from(());
        let with = context! {
            messages => messages, add_generation_prompt => ask, tools => none, documents => none,
            bos_token => self.bos, eos_token => self.eos, pad_token => self.pad,
        };
        template.render(with).map_err(|e| {
            let detail = e.detail().map(str::to_owned).unwrap_or_else(|| e.to_string());
            format!("the chat template refuses it: {detail}")
        })
    }

    /// A whole conversation and which bytes the assistant says, its ends of turn among them.
    ///
    /// # Errors
    /// What the template says against it; a template that writes earlier turns otherwise once later ones are there.
    pub fn with_answers(&self, messages: &[Message]) -> Result<(String, Vec<Range<usize>>), String> {
        let whole = self.render(messages, false)?;
        let mut spans = Vec::new();
        for (i, message) in messages.iter().enumerate().filter(|(_, m)| m.role == "assistant") {
            let before = self.render(&messages[..i], true)?;
            let after = self.render(&messages[..=i], false)?;
            // some templates open an answer with less than they ask for: what both have in common is the question
            let question = common(&before, &after);
            let answered = common(&after, &whole);
            let holds = question + message.content.trim().len() <= answered
                && after[question..].contains(message.content.trim());
            if !holds {
                return Err(format!(
                    "the chat template does not write turn {} the same way with later ones after it",
                    i + 1
                ));
            }
            spans.push(question..answered);
        }
        Ok((whole, spans))
    }
}

/// Bytes that two texts begin with alike, in whole characters.
fn common(a: &str, b: &str) -> usize {
    a.char_indices()
        .zip(b.char_indices())
        .find(|((_, x), (_, y))| x != y)
        .map_or(a.len().min(b.len()), |((at, _), _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(role: &str, content: &str) -> Message {
        Message { role: role.into(), content: content.into() }
    }

    #[test]
    fn answers_are_found_in_what_a_template_writes() {
        let talk = [turn("user", "Hi"), turn("assistant", "Hello."), turn("user", "1+1?"), turn("assistant", "2")];
        let chatml = Template::new(CHATML, [None, None, None]).expect("a template");
        let (text, spans) = chatml.with_answers(&talk).expect("rendered");
        let answers: Vec<&str> = spans.into_iter().map(|s| &text[s]).collect();
        assert_eq!(answers, ["Hello.<|im_end|>\n", "2<|im_end|>\n"]);
        let alpaca = Template::new(ALPACA, [Some("<s>"), Some("</s>"), None]).expect("a template");
        let (text, spans) = alpaca.with_answers(&talk).expect("rendered");
        assert!(text.starts_with("<s>### Instruction:\nHi\n\n### Response:\nHello.</s>"));
        assert_eq!(spans.into_iter().map(|s| &text[s]).collect::<Vec<_>>(), ["Hello.</s>", "2</s>"]);
    }

    #[test]
    fn python_and_transformers_ways() {
        let text = "{%- set ns = namespace(n=0) -%}{% for m in messages %}\n    {%- generation %}{{ m['content'].strip().upper() }}{% endgeneration -%}\n    {%- set ns.n = ns.n + 1 %}\n{% endfor %}{{ ns.n }} {{ {'a': [1, 'é']} | tojson }}{% if tools is none %} none{% endif %}";
        let t = Template::new(text, [None, None, None]).expect("a template");
        assert_eq!(t.render(&[turn("user", " hi ")], false).expect("rendered"), "HI1 {\"a\": [1, \"é\"]} none");
        let refuses = Template::new("{{ raise_exception('no system here') }}", [None, None, None]).expect("a template");
        assert!(refuses.render(&[], false).expect_err("refused").contains("no system here"));
        let endless = Template::new(
            "{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}",
            [None; 3],
        );
        assert!(endless.expect("a template").render(&[], false).is_err());
        assert!(Template::new("{% for %}", [None; 3]).is_err());
        assert!(Template::new("a{%}b", [None; 3]).is_err());
        assert_eq!(without_generation("a {%- generation -%} b {%+ endgeneration +%}{% x %}{%"), "ab {% x %}{%");
    }
}
