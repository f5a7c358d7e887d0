//! What is no regular file, what is not as long as it says, what leads in circles.

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use std::process::Command;

    use freehold_base::FactKind;
    use freehold_source::{Limits, open};

    use crate::{CONFIG, all, codes, gguf, put, values};

    /// False where the machine has no `mkfifo`.
    fn pipe(path: &Path) -> bool {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let made = Command::new("mkfifo").arg(path).status().is_ok_and(|s| s.success());
        if !made {
            println!("skipped: mkfifo is absent");
        }
        made
    }

    #[test]
    fn a_pipe_is_told_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "a/config.json", CONFIG);
        let path = dir.path().join("a/model.gguf");
        if !pipe(&path) {
            return;
        }
        symlink(&path, dir.path().join("a/linked.gguf")).unwrap();
        let found = all(dir.path());
        assert_eq!(found.len(), 1);
        assert_eq!(codes(&found[0]), ["not-a-file", "not-a-file"]);
        assert_eq!(open(&path, &Limits::default()).unwrap_err().code, "source-not-a-file");
        // alone it is no model, and not nothing either
        let alone = dir.path().join("b");
        assert!(pipe(&alone.join("model.gguf")));
        assert_eq!(open(&alone, &Limits::default()).unwrap_err().code, "not-a-file");
    }

    #[test]
    fn a_pipe_in_a_store_is_told_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let digest = "ab".repeat(32);
        let manifest = format!(
            r#"{{"layers": [{{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:{digest}"}}]}}"#
        );
        put(dir.path(), "manifests/registry.ollama.ai/library/m/1", manifest);
        if !pipe(&dir.path().join(format!("blobs/sha256-{digest}"))) {
            return;
        }
        let found = all(dir.path());
        assert_eq!(codes(&found[0]), ["blob-unreadable"]);
        // a manifest and a ref that are pipes
        assert!(pipe(&dir.path().join("manifests/registry.ollama.ai/library/m/2")));
        assert!(pipe(&dir.path().join("models--a--b/refs/main")));
        put(dir.path(), "models--a--b/snapshots/x/config.json", CONFIG);
        let found = all(dir.path());
        assert_eq!(found.len(), 2);
        assert_eq!(found.iter().flat_map(codes).filter(|c| *c == "not-a-file").count(), 2);
    }

    #[test]
    fn sockets_and_devices_are_told() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "config.json", CONFIG);
        let listener = UnixListener::bind(dir.path().join("model.safetensors")).unwrap();
        symlink("/dev/zero", dir.path().join("zero.gguf")).unwrap();
        let found = all(dir.path());
        drop(listener);
        let mut told = codes(&found[0]);
        told.sort_unstable();
        // the device lies outside the folder
        assert_eq!(told, ["link-outside", "not-a-file"]);
        assert_eq!(open(Path::new("/dev/zero"), &Limits::default()).unwrap_err().code, "source-not-a-file");
    }

    #[test]
    fn links_in_circles_end() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "a/config.json", CONFIG);
        symlink("self.gguf", dir.path().join("a/self.gguf")).unwrap();
        symlink("two.json", dir.path().join("a/one.json")).unwrap();
        symlink("one.json", dir.path().join("a/two.json")).unwrap();
        symlink("..", dir.path().join("a/up")).unwrap();
        symlink("nowhere.gguf", dir.path().join("a/broken.gguf")).unwrap();
        let found = all(dir.path());
        assert_eq!(found.len(), 1);
        assert_eq!(codes(&found[0]), ["link-broken"; 4]);
    }

    #[test]
    fn a_sparse_file_costs_its_header() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "m/model.gguf", gguf(&[("general.architecture", "llama")]));
        let file = fs::OpenOptions::new().write(true).open(dir.path().join("m/model.gguf")).unwrap();
        if file.set_len(1 << 40).is_err() {
            println!("skipped: no file of 1 TiB can be made here");
            return;
        }
        let found = all(dir.path());
        assert_eq!(values(&found[0], FactKind::Architecture), ["llama"]);
        assert_eq!(found[0].bytes_total, 1 << 40);
        assert!(found[0].bytes_read < 1 << 20);
    }

    #[test]
    fn a_file_that_grows_and_shrinks_is_read_or_told() {
        let dir = tempfile::tempdir().unwrap();
        let long = vec![("general.tags", "x"); 4000];
        let long = gguf(&long);
        let path = dir.path().join("m/model.gguf");
        put(dir.path(), "m/config.json", CONFIG);
        put(dir.path(), "m/model.gguf", &long);
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|s| {
            s.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
                    file.set_len(100).unwrap();
                    fs::write(&path, &long).unwrap();
                }
            });
            for _ in 0..50 {
                let found = all(dir.path());
                assert_eq!(values(&found[0], FactKind::Architecture), ["llama"]);
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }
}

#[test]
fn folders_that_are_read_ahead_are_told_in_their_order_and_as_if_each_were_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    // more than are ordered at once, over several levels, with folders that hold nothing between them
    for org in 0..9 {
        for n in 0..(if org == 4 { 200 } else { 37 }) {
            let folder = dir.path().join(format!("org{org}/m{n:03}"));
            std::fs::create_dir_all(&folder).unwrap();
            let card = format!("---\nlicense: mit\nbase_model: acme/base-{org}-{n}\n---\n");
            std::fs::write(folder.join("README.md"), card).unwrap();
            std::fs::write(folder.join("config.json"), "{\"model_type\":\"llama\"}").unwrap();
            expected.push((format!("org{org}/m{n:03}"), format!("acme/base-{org}-{n}")));
        }
        std::fs::create_dir_all(dir.path().join(format!("org{org}/zz-empty/deeper"))).unwrap();
    }
    // a folder that names what a store would be called, and is none
    std::fs::create_dir_all(dir.path().join("org5/manifests/a")).unwrap();
    std::fs::create_dir_all(dir.path().join("org5/blobs")).unwrap();
    let base = |a: &freehold_artifact::Artifact| {
        a.facts.iter().find(|f| f.kind == freehold_base::FactKind::BaseModel).map(|f| f.value.clone()).unwrap()
    };
    for _ in 0..3 {
        let found = freehold_source::open(dir.path(), &freehold_source::Limits::default()).unwrap();
        let told: Vec<(String, String)> = found.iter().map(|a| (a.root_name.clone(), base(a))).collect();
        assert_eq!(told, expected);
    }
}
