fn main() {
    let a: Vec<String> = std::env::args().collect();
    let b = std::fs::read(&a[1]).unwrap();
    let i = freehold_text::Index::from_bytes(&b).unwrap();
    for f in &a[2..] {
        let t = String::from_utf8_lossy(&std::fs::read(f).unwrap()).into_owned();
        let r = freehold_text::identify(&i, &t, freehold_text::Limits::default());
        println!(
            "{f}\n{:?} {:?} {:?} near {:?} other {} points {:?}",
            r.matched, r.edition, r.parts, r.near, r.other_words, r.points_to
        );
        for d in &r.differences {
            println!("  {:?} §{} words {:?} is {:?}", d.kind, d.clause, d.words, d.is);
        }
    }
}
