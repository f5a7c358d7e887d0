//! Steps of the readers, counted in tests only: what bounds their time is checked without a clock.

/// `n` more bytes, tokens, words or nodes were looked at.
#[cfg(not(test))]
#[inline(always)]
pub(crate) fn count(_: usize) {}

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
pub(crate) fn count(n: usize) {
    STEPS.with(|s| s.set(s.get() + n));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, scan};

    fn steps(path: &str, text: &str) -> usize {
        STEPS.with(|s| s.set(0));
        scan(path, text, &Limits::default());
        STEPS.with(std::cell::Cell::get)
    }

    const PATHS: &[&str] = &[
        "a.py",
        "a.ts",
        "a.rs",
        "a.sh",
        "Dockerfile",
        "a.yaml",
        "a.json",
        "a.toml",
        "n.ipynb",
        "Modelfile",
        "a.md",
        "a.pbtxt",
    ];

    /// What one byte may cost at most. A call's 256 tokens are looked at again for each call inside it.
    const STEPS_OF_BYTE_MAX: usize = 400;

    #[test]
    fn four_times_the_text_is_four_times_the_work() {
        let shapes = [
            "(",
            "[",
            "{",
            "'",
            "\"",
            "`",
            "\"\"\"",
            "- ",
            "a: ",
            "r#\"",
            "${",
            "{{",
            "{{}",
            "\\\"",
            "\\`",
            "\\\"\"\"\n",
            "x=",
            "x=x,",
            "model=",
            "model=x\n",
            "model: x = ",
            "x=y\nfrom_pretrained(x)\n",
            "from_pretrained(x,",
            "LLM(",
            "x=(",
            "['vllm',",
            "add_argument('--model', default=",
            "hf download ",
            "spacy download ",
            "git clone -a ",
            "-hf x ",
            "vllm serve -a ",
            "--model x ",
            "docker run vllm/vllm-openai ",
            "$(",
            "<a ",
            "source x\n",
            "- model: a/b-1\n",
            "model: |\n",
            "model: >\n  x\n",
            "a = [\n",
            "env {\n",
            "[{{}",
            "/*",
            "'http://x y' ",
            "from a import b\n",
            "from a import (b\n",
            "import {a,\n",
            "key: \"model\" ",
            "```sh\n",
            "variable \"x\" { default = ",
            "image: x\ncommand: y\n",
            "- image: x\n  command: [a,b]\n",
        ];
        for path in PATHS {
            for shape in shapes {
                let small = steps(path, &shape.repeat(6_000 / shape.len()));
                let large = steps(path, &shape.repeat(24_000 / shape.len()));
                assert!(large <= 24_000 * STEPS_OF_BYTE_MAX, "{path} {shape:?}: {large} steps");
                assert!(large <= small * 5 + 100_000, "{path} {shape:?}: {small}, then {large} steps");
            }
        }
    }

    #[test]
    fn literals_that_do_not_close_are_not_read_again_and_again() {
        for (path, shape) in [("a.rs", "\\\""), ("a.ts", "\\`"), ("a.py", "\\\"\"\"\n"), ("a.rs", "r#\"")] {
            let size = 1_000_000;
            let all = steps(path, &shape.repeat(size / shape.len()));
            assert!(all <= size * 100, "{path} {shape:?}: {all} steps");
        }
    }

    #[test]
    fn steps_are_counted() {
        assert!(steps("a.py", "LLM(model='acme/base-7b')") > 10);
        assert!(steps("a.sh", "vllm serve acme/base-7b") > 10);
        assert!(steps("a.yaml", "model: acme/base-7b\n") > 2);
    }
}
