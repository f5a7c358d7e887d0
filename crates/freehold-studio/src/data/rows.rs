//! Rows of a file, by line.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest row, in bytes.
const ROW_BYTES_MAX: usize = 16 << 20;
/// Most rows of a file.
const ROWS_MAX: usize = 20_000_000;

/// How a row is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schema {
    /// `text`.
    Text,
    /// `instruction`, perhaps `input`, `output`.
    Instruction,
    /// `input` and `output`; or `prompt` and `completion`.
    InputOutput,
    /// `conversations` of `from` and `value` (ShareGPT).
    Conversations,
    /// `messages` of `role` and `content` (ChatML).
    Messages,
}

impl Schema {
    /// Its keys, for a message.
    pub fn keys(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Instruction => "instruction and output",
            Self::InputOutput => "input and output",
            Self::Conversations => "conversations",
            Self::Messages => "messages",
        }
    }

    /// The schema of a row with these keys.
    fn of(row: &serde_json::Map<String, Value>) -> Option<Self> {
        let has = |key: &str| row.get(key).is_some_and(|v| !v.is_null());
        match () {
            () if has("messages") => Some(Self::Messages),
            () if has("conversations") => Some(Self::Conversations),
            () if has("instruction") && has("output") => Some(Self::Instruction),
            () if (has("input") && has("output")) || (has("prompt") && has("completion")) => Some(Self::InputOutput),
            () if has("text") => Some(Self::Text),
            () => None,
        }
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// What is said.
    pub content: String,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A text.
    Text(String),
    /// A conversation.
    Messages(Vec<Message>),
}

impl Row {
    /// All of its text.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Messages(all) => all.iter().map(|m| format!("{}\u{0}{}\u{0}", m.role, m.content)).collect(),
        }
    }
}

/// A file's rows, each with its line (of Parquet: its number), from 1.
#[derive(Clone, Debug)]
pub struct Source {
    /// Of all rows.
    pub schema: Schema,
    /// Rows that can be read, and why others cannot.
    pub rows: Vec<(usize, Result<Row, String>)>,
}

type Raw = Vec<(usize, Result<serde_json::Map<String, Value>, String>)>;

/// Reads a file by its ending: `.jsonl` (`.json` with a row a line, or one list), `.csv`, `.tsv`, `.parquet`.
///
/// # Errors
/// It cannot be read, or its first rows have no schema that is known.
pub fn read(path: &Path) -> Result<Source, String> {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let size = std::fs::metadata(path).map_err(|e| e.kind().to_string())?;
    if !size.is_file() {
        return Err("not a file".into());
    }
    let raw = match ending.as_str() {
        "jsonl" | "json" | "ndjson" => json_lines(path)?,
        "csv" => separated(path, b',')?,
        "tsv" => separated(path, b'\t')?,
        "parquet" => parquet(path)?,
        other => return Err(format!("`.{other}` is none of .jsonl, .json, .csv, .tsv, .parquet")),
    };
    of_raw(raw)
}

fn of_raw(raw: Raw) -> Result<Source, String> {
    if raw.is_empty() {
        return Err("no rows".into());
    }
    let schema = raw.iter().filter_map(|(_, r)| r.as_ref().ok()).take(100).find_map(Schema::of).ok_or(
        "no schema that is known: rows have text; instruction and output; input and output; conversations; or messages",
    )?;
    let rows = raw.into_iter().map(|(line, row)| (line, row.and_then(|r| one(&r, schema)))).collect();
    Ok(Source { schema, rows })
}

fn json_lines(path: &Path) -> Result<Raw, String> {
    json_rows(BufReader::with_capacity(1 << 20, File::open(path).map_err(|e| e.kind().to_string())?))
}

/// Rows of JSON that are held in memory.
pub(crate) fn rows_of(bytes: &[u8]) -> Result<Source, String> {
    of_raw(json_rows(bytes)?)
}

fn json_rows(mut reader: impl std::io::BufRead) -> Result<Raw, String> {
    let mut raw = Raw::new();
    // one list instead of lines
    let first = loop {
        match reader.fill_buf().map_err(|e| e.kind().to_string())?.first() {
            Some(b) if b.is_ascii_whitespace() => reader.consume(1),
            other => break other.copied(),
        }
    };
    if first == Some(b'[') {
        let mut text = Vec::new();
        let limit = 1u64 << 30;
        reader.take(limit + 1).read_to_end(&mut text).map_err(|e| e.kind().to_string())?;
        if text.len() as u64 > limit {
            return Err(format!("one list of more than {limit} bytes: write a row a line"));
        }
        let all: Vec<Value> = serde_json::from_slice(&text).map_err(|e| format!("no list of rows: {e}"))?;
        let row = |v: Value| match v {
            Value::Object(map) => Ok(map),
            other => Err(format!("not an object but {}", kind(&other))),
        };
        return Ok(all.into_iter().enumerate().map(|(i, v)| (i + 1, row(v))).collect());
    }
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let limit = ROW_BYTES_MAX as u64 + 1;
        let n = reader.by_ref().take(limit).read_until(b'\n', &mut line).map_err(|e| e.kind().to_string())?;
        if n == 0 || raw.len() >= ROWS_MAX {
            break;
        }
        if n > ROW_BYTES_MAX {
            return Err(format!("line {number} is longer than {ROW_BYTES_MAX} bytes"));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let row = match serde_json::from_slice(&line) {
            Ok(Value::Object(map)) => Ok(map),
            Ok(other) => Err(format!("not an object but {}", kind(&other))),
            Err(e) => Err(format!("not JSON: {}", e.to_string().split(" at line").next().unwrap_or_default())),
        };
        raw.push((number, row));
    }
    Ok(raw)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn separated(path: &Path, by: u8) -> Result<Raw, String> {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(by).flexible(true).from_path(path).map_err(|e| e.to_string())?;
    let names = reader.headers().map_err(|e| e.to_string())?.clone();
    let mut raw = Raw::new();
    for record in reader.records() {
        if raw.len() >= ROWS_MAX {
            break;
        }
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, |p| usize::try_from(p.line()).unwrap_or(0));
                let row = if record.len() == names.len() {
                    Ok(names.iter().zip(&record).map(|(n, v)| (n.trim().to_owned(), Value::from(v))).collect())
                } else {
                    Err(format!("{} fields where the header has {}", record.len(), names.len()))
                };
                raw.push((line, row));
            }
            Err(e) => {
                let line = e.position().map_or(raw.len() + 2, |p| usize::try_from(p.line()).unwrap_or(0));
                raw.push((line, Err(e.to_string())));
            }
        }
    }
    Ok(raw)
}

fn parquet(path: &Path) -> Result<Raw, String> {
    let file = File::open(path).map_err(|e| e.kind().to_string())?;
    let reader = SerializedFileReader::new(file).map_err(|e| e.to_string())?;
    let mut raw = Raw::new();
    for (i, row) in reader.get_row_iter(None).map_err(|e| e.to_string())?.enumerate().take(ROWS_MAX) {
        let row = row.map_err(|e| e.to_string()).and_then(|r| match r.to_json_value() {
            Value::Object(map) => Ok(map),
            _ => Err("not a row".into()),
        });
        raw.push((i + 1, row));
    }
    Ok(raw)
}

fn text(row: &serde_json::Map<String, Value>, keys: &[&str]) -> Result<String, String> {
    let found = keys.iter().find_map(|key| row.get(*key).map(|v| (key, v)));
    match found {
        Some((_, Value::String(text))) => Ok(text.clone()),
        Some((key, other)) => Err(format!("`{key}` is {}, not a text", kind(other))),
        None => Err(format!("`{}` is missing", keys[0])),
    }
}

/// A row of the file's schema.
fn one(row: &serde_json::Map<String, Value>, schema: Schema) -> Result<Row, String> {
    if Schema::of(row).is_some_and(|own| own != schema) {
        let own = Schema::of(row).map_or("", Schema::keys);
        return Err(format!("has {own}, where the file's rows have {}: one schema a file", schema.keys()));
    }
    let turn = |role: &str, content: String| Message { role: role.into(), content };
    let not_empty =
        |text: String, key: &str| if text.trim().is_empty() { Err(format!("`{key}` is empty")) } else { Ok(text) };
    match schema {
        Schema::Text => Ok(Row::Text(not_empty(text(row, &["text"])?, "text")?)),
        Schema::Instruction => {
            let mut asked = not_empty(text(row, &["instruction"])?, "instruction")?;
            match row.get("input") {
                None | Some(Value::Null) => {}
                Some(Value::String(more)) if more.trim().is_empty() => {}
                Some(Value::String(more)) => {
                    asked.push_str("\n\n");
                    asked.push_str(more);
                }
                Some(other) => return Err(format!("`input` is {}, not a text", kind(other))),
            }
            let mut all = Vec::new();
            if let Some(Value::String(system)) = row.get("system").filter(|s| s.as_str().is_some_and(|s| !s.is_empty()))
            {
                all.push(turn("system", system.clone()));
            }
            all.extend([turn("user", asked), turn("assistant", not_empty(text(row, &["output"])?, "output")?)]);
            Ok(Row::Messages(all))
        }
        Schema::InputOutput => {
            let asked = not_empty(text(row, &["input", "prompt"])?, "input")?;
            let answer = not_empty(text(row, &["output", "completion"])?, "output")?;
            Ok(Row::Messages(vec![turn("user", asked), turn("assistant", answer)]))
        }
        Schema::Conversations => turns(row.get("conversations"), "conversations", "from", "value"),
        Schema::Messages => turns(row.get("messages"), "messages", "role", "content"),
    }
}

fn turns(list: Option<&Value>, key: &str, who: &str, what: &str) -> Result<Row, String> {
    let list = list.and_then(Value::as_array).ok_or_else(|| format!("`{key}` is not a list"))?;
    let mut all = Vec::new();
    for (i, turn) in list.iter().enumerate() {
        let at = |what: String| format!("turn {}: {what}", i + 1);
        let turn = turn.as_object().ok_or_else(|| at(format!("is {}, not an object", kind(turn))))?;
        let role = text(turn, &[who]).map_err(at)?;
        let role = match role.as_str() {
            "human" | "user" => "user",
            "gpt" | "assistant" | "model" | "chatgpt" | "bing" => "assistant",
            "system" => "system",
            "tool" | "function" | "observation" => "tool",
            other => {
                return Err(at(format!("`{who}` is \"{other}\": known are system, user, assistant, tool, human, gpt")));
            }
        };
        for key in ["tool_calls", "images", "function_call"] {
            if turn.get(key).is_some_and(|v| !v.is_null() && v.as_array().is_none_or(|a| !a.is_empty())) {
                return Err(at(format!("`{key}` is not supported")));
            }
        }
        all.push(Message { role: role.into(), content: text(turn, &[what]).map_err(at)? });
    }
    if !all.iter().any(|m| m.role == "assistant" && !m.content.trim().is_empty()) {
        return Err("the assistant says nothing: there is nothing to learn".into());
    }
    Ok(Row::Messages(all))
}
