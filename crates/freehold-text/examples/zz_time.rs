//! x
use std::time::Instant;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let b = std::fs::read(&a[1]).unwrap();
    let i = freehold_text::Index::from_bytes(&b).unwrap();
    let mut ts = vec![];
    for f in &a[2..] {
        ts.push(String::from_utf8_lossy(&std::fs::read(f).unwrap()).into_owned());
    }
    for _ in 0..2 {
        let s = Instant::now();
        let mut n = 0;
        for t in &ts {
            n += freehold_text::Words::of(t).words.len();
        }
        let w = s.elapsed();
        let s = Instant::now();
        for t in &ts {
            n += freehold_text::identify(&i, t, freehold_text::Limits::default()).parts.len();
        }
        println!("{} texts words {:?} identify {:?} ({n})", ts.len(), w, s.elapsed());
    }
}
