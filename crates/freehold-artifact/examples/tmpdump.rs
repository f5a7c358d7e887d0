fn main() {
    for a in std::env::args().skip(1) {
        let b = std::fs::read(&a).unwrap();
        let base = a.rsplit("__").next().unwrap().rsplit('/').next().unwrap();
        let f = freehold_artifact::read_file(base, &b);
        println!("== {a} read {} of {}", f.bytes_read, b.len());
        for x in &f.facts {
            println!(
                "  {:?} {} = {:?} {:?} L{:?}",
                x.kind,
                x.evidence.key,
                x.value.chars().take(90).collect::<String>(),
                x.evidence.bytes,
                x.evidence.line
            );
        }
        for d in &f.diagnostics {
            println!("  !! {:?} {} {} {:?}", d.severity, d.code, d.message, d.label.as_ref().and_then(|l| l.position));
        }
    }
}
