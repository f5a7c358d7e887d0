//! Signed notes (C2SP `signed-note`): a text, and who vouches for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use sha2::{Digest, Sha256};

use crate::Fault;

/// Longest note that is read, in bytes.
pub const NOTE_BYTES_MAX: usize = 64 << 10;
/// Most signatures of a note that are looked at.
const SIGNATURES_MAX: usize = 64;
/// The type byte of an Ed25519 key and its signatures.
const ED25519: u8 = 1;

/// Something that can be signed and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The text, with the line break at its end.
    pub text: String,
    /// The signatures.
    pub signatures: Vec<Signature>,
}

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The key's name.
    pub name: String,
    /// The key's number.
    pub id: u32,
    /// What the key made of the text.
    pub bytes: Vec<u8>,
}

/// A public key with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    key: ed25519_dalek::VerifyingKey,
}

/// A private key with its name. Its `Debug` shows the name alone.
pub struct SigningKey {
    name: String,
    key: ed25519_dalek::SigningKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("name", &self.name).finish_non_exhaustive()
    }
}

fn key_id(name: &str, public: &[u8]) -> u32 {
    let digest = Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(public).finalize();
    let mut first = [0; 4];
    first.copy_from_slice(digest.as_slice().split_at(4).0);
    u32::from_be_bytes(first)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 256 && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// Base64 with no second spelling.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, Fault> {
    let bytes = STANDARD.decode(text).map_err(|_| Fault::Form("base64"))?;
    if STANDARD.encode(&bytes) == text { Ok(bytes) } else { Err(Fault::Form("base64")) }
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// `name+hash+base64` of a key's text form: its name and its bytes, the first of which is the type.
fn parts(text: &str, public: impl Fn(&[u8; 32]) -> Vec<u8>) -> Result<(String, [u8; 32]), Fault> {
    let wrong = Fault::Form("a key, name+number+base64");
    if text.len() > 1024 {
        return Err(Fault::TooLong);
    }
    let mut fields = text.trim_end_matches('\n').splitn(3, '+');
    let (Some(name), Some(id), Some(bytes)) = (fields.next(), fields.next(), fields.next()) else { return Err(wrong) };
    let bytes = decode(bytes)?;
    let Some((ED25519, key)) = bytes.split_first().map(|(t, k)| (*t, k)) else { return Err(wrong) };
    let key: [u8; 32] = key.try_into().map_err(|_| wrong.clone())?;
    if !is_name(name) || id.len() != 8 || u32::from_str_radix(id, 16) != Ok(key_id(name, &public(&key))) {
        return Err(wrong);
    }
    Ok((name.to_string(), key))
}

impl VerifyingKey {
    /// Reads `name+number+base64`.
    ///
    /// # Errors
    /// [`Fault::Form`], [`Fault::TooLong`].
    pub fn parse(text: &str) -> Result<VerifyingKey, Fault> {
        let (name, bytes) = parts(text, |k| k.to_vec())?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| Fault::Form("an Ed25519 key"))?;
        Ok(VerifyingKey { name, key })
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's number.
    pub fn id(&self) -> u32 {
        key_id(&self.name, self.key.as_bytes())
    }
}

impl std::fmt::Display for VerifyingKey {
    /// The form that [`VerifyingKey::parse`] reads.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes: Vec<u8> = std::iter::once(ED25519).chain(*self.key.as_bytes()).collect();
        write!(f, "{}+{:08x}+{}", self.name, self.id(), encode(&bytes))
    }
}

impl SigningKey {
    /// A key of 32 bytes that nobody can guess.
    ///
    /// # Errors
    /// [`Fault::Form`] for a name that is empty or holds spaces or `+`.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<SigningKey, Fault> {
        if !is_name(name) {
            return Err(Fault::Form("a name without spaces and +"));
        }
        Ok(SigningKey { name: name.to_string(), key: ed25519_dalek::SigningKey::from_bytes(seed) })
    }

    /// Reads `PRIVATE+KEY+name+number+base64`, as other programs for notes write it.
    ///
    /// # Errors
    /// [`Fault::Form`], [`Fault::TooLong`].
    pub fn parse(text: &str) -> Result<SigningKey, Fault> {
        let rest = text.strip_prefix("PRIVATE+KEY+").ok_or(Fault::Form("PRIVATE+KEY+name+number+base64"))?;
        let public = |seed: &[u8; 32]| ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().as_bytes().to_vec();
        let (name, seed) = parts(rest, public)?;
        SigningKey::new(&name, &seed)
    }

    /// The form that [`SigningKey::parse`] reads: a secret.
    pub fn to_secret_text(&self) -> String {
        let bytes: Vec<u8> = std::iter::once(ED25519).chain(self.key.to_bytes()).collect();
        format!("PRIVATE+KEY+{}+{:08x}+{}", self.name, self.verifying_key().id(), encode(&bytes))
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// Signs a text that ends with a line break.
    ///
    /// # Errors
    /// [`Fault::Form`] for a text without one, or with control characters.
    pub fn sign(&self, text: &str) -> Result<Note, Fault> {
        if !is_text(text) {
            return Err(Fault::Form("a text that ends with a line break"));
        }
        let bytes = self.key.sign(text.as_bytes()).to_bytes().to_vec();
        let signature = Signature { name: self.name.clone(), id: self.verifying_key().id(), bytes };
        Ok(Note { text: text.to_string(), signatures: vec![signature] })
    }
}

fn is_text(text: &str) -> bool {
    text.ends_with('\n') && !text.chars().any(|c| c < ' ' && c != '\n')
}

impl Note {
    /// Reads a note. Nothing in it is to be believed before [`Note::verify`].
    ///
    /// # Errors
    /// [`Fault::Form`], [`Fault::TooLong`].
    pub fn parse(note: &str) -> Result<Note, Fault> {
        let wrong = Fault::Form("a text, an empty line, signatures");
        if note.len() > NOTE_BYTES_MAX {
            return Err(Fault::TooLong);
        }
        let at = note.rfind("\n\n").ok_or_else(|| wrong.clone())?;
        let (text, signed) = note.split_at(at + 1);
        let signed = signed.strip_prefix('\n').ok_or_else(|| wrong.clone())?;
        if !is_text(note) || signed.is_empty() {
            return Err(wrong);
        }
        let mut signatures = Vec::new();
        for line in signed.split_terminator('\n') {
            if signatures.len() >= SIGNATURES_MAX {
                return Err(Fault::TooLong);
            }
            let rest = line.strip_prefix("— ").ok_or_else(|| wrong.clone())?;
            let (name, bytes) = rest.split_once(' ').ok_or_else(|| wrong.clone())?;
            let bytes = decode(bytes)?;
            let (id, bytes) = bytes.split_first_chunk::<4>().ok_or_else(|| wrong.clone())?;
            if !is_name(name) || bytes.is_empty() {
                return Err(wrong);
            }
            signatures.push(Signature { name: name.into(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() });
        }
        Ok(Note { text: text.to_string(), signatures })
    }

    /// Whether a key vouches for the text. Signatures of other keys are passed over; a signature of this key that is not of
    /// this text is a fault, whatever else is signed.
    ///
    /// # Errors
    /// [`Fault::Unsigned`], [`Fault::BadSignature`].
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), Fault> {
        let own = |s: &&Signature| s.name == key.name && s.id == key.id();
        let mut vouched = false;
        for signature in self.signatures.iter().filter(own) {
            let bytes: &[u8; 64] = signature.bytes.as_slice().try_into().map_err(|_| Fault::BadSignature)?;
            let signature = ed25519_dalek::Signature::from_bytes(bytes);
            key.key.verify_strict(self.text.as_bytes(), &signature).map_err(|_| Fault::BadSignature)?;
            vouched = true;
        }
        if vouched { Ok(()) } else { Err(Fault::Unsigned) }
    }
}

impl std::fmt::Display for Note {
    /// The form that [`Note::parse`] reads.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.text)?;
        for s in &self.signatures {
            let bytes: Vec<u8> = s.id.to_be_bytes().into_iter().chain(s.bytes.iter().copied()).collect();
            writeln!(f, "— {} {}", s.name, encode(&bytes))?;
        }
        Ok(())
    }
}
