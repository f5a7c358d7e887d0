//! Names that pickles import: which only rebuild tensors, which run code, and all others.
//!
//! The list of the first kind decides: it holds what torch's and numpy's own loaders accept without being asked, and
//! plain containers. The list of the second kind only makes a message plainer; it is never complete.

/// What a name can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Needed to rebuild tensors, arrays and plain containers.
    Tensor,
    /// Known to run programs, code, or to reach the network or files.
    Code,
    /// Anything else: importing it runs its module, calling it runs whatever it is.
    Other,
}

/// Modules whose functions run code or programs, reach files or the network, or hand out such functions.
const CODE_MODULES: &[&str] = &[
    "_aix_support",
    "_asyncio",
    "_bootsubprocess",
    "_ctypes",
    "_imp",
    "_io",
    "_operator",
    "_osx_support",
    "_pickle",
    "_posixsubprocess",
    "_pyio",
    "_pyrepl",
    "_socket",
    "_thread",
    "aiohttp",
    "asyncio",
    "atexit",
    "bdb",
    "cPickle",
    "cProfile",
    "cgi",
    "cgitb",
    "cloudpickle",
    "code",
    "codecs",
    "codeop",
    "commands",
    "compileall",
    "concurrent",
    "ctypes",
    "dill",
    "distutils",
    "doctest",
    "ensurepip",
    "fabric",
    "fileinput",
    "ftplib",
    "functools",
    "gc",
    "getpass",
    "glob",
    "http",
    "httplib",
    "httpx",
    "idlelib",
    "imaplib",
    "imp",
    "importlib",
    "inspect",
    "invoke",
    "io",
    "jinja2",
    "lib2to3",
    "linecache",
    "logging",
    "marshal",
    "mailcap",
    "mimetypes",
    "mlflow",
    "modulefinder",
    "msvcrt",
    "multiprocessing",
    "nntplib",
    "nt",
    "ntpath",
    "operator",
    "os",
    "paramiko",
    "pathlib",
    "pdb",
    "pexpect",
    "pickle",
    "pickletools",
    "pip",
    "pkg_resources",
    "pkgutil",
    "platform",
    "poplib",
    "popen2",
    "posix",
    "posixpath",
    "profile",
    "pty",
    "py_compile",
    "pyclbr",
    "pydoc",
    "requests",
    "rlcompleter",
    "runpy",
    "sched",
    "select",
    "selectors",
    "setuptools",
    "shelve",
    "shutil",
    "signal",
    "site",
    "sitecustomize",
    "smtplib",
    "socket",
    "socketserver",
    "sqlite3",
    "ssl",
    "subprocess",
    "sys",
    "tarfile",
    "telnetlib",
    "tempfile",
    "test",
    "threading",
    "timeit",
    "tkinter",
    "trace",
    "traceback",
    "types",
    "unittest",
    "urllib",
    "urllib2",
    "urllib3",
    "usercustomize",
    "venv",
    "webbrowser",
    "wsgiref",
    "xmlrpc",
    "zipapp",
    "zipfile",
    "zipimport",
];

/// Built-in functions that do no more than make a value.
const PLAIN_BUILTINS: &[&str] = &[
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "long",
    "object",
    "range",
    "set",
    "slice",
    "str",
    "tuple",
    "unicode",
    "xrange",
];

/// Modules, beneath harmless roots, that run what they are given.
const CODE_SUBMODULES: &[&str] = &[
    "numpy.distutils",
    "numpy.f2py",
    "numpy.testing",
    "pandas.core.computation",
    "pandas.io.pickle",
    "sympy.parsing",
    "torch._dynamo",
    "torch._inductor",
    "torch.distributed",
    "torch.fx",
    "torch.hub",
    "torch.jit",
    "torch.multiprocessing",
    "torch.package",
    "torch.serialization",
    "torch.utils.bottleneck",
    "torch.utils.collect_env",
    "torch.utils.cpp_extension",
    "torch.utils.data.datapipes",
];

/// Element types of torch.
const TORCH_TYPES: &[&str] = &[
    "Size",
    "Tensor",
    "bfloat16",
    "bits16",
    "bits1x8",
    "bits2x4",
    "bits4x2",
    "bits8",
    "bool",
    "cdouble",
    "cfloat",
    "complex128",
    "complex32",
    "complex64",
    "device",
    "double",
    "dtype",
    "float",
    "float16",
    "float32",
    "float64",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "half",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "long",
    "per_channel_affine",
    "per_tensor_affine",
    "qint32",
    "qint8",
    "quint2x4",
    "quint4x2",
    "quint8",
    "short",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
];

/// What importing `module` and taking `name` from it can do.
pub(super) fn sort(module: &str, name: &str) -> Sort {
    if is_tensor_name(module, name) {
        return Sort::Tensor;
    }
    let root = module.split('.').next().unwrap_or(module);
    let builtin = matches!(root, "builtins" | "__builtin__" | "__builtins__");
    // a dotted name walks from attribute to attribute and may end anywhere
    let walks = name.contains("__");
    let beneath = |m: &str| module.strip_prefix(m).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    if walks || (builtin && !PLAIN_BUILTINS.contains(&name)) || CODE_MODULES.contains(&root) {
        Sort::Code
    } else if builtin {
        // plain constructors
        Sort::Tensor
    } else if CODE_SUBMODULES.iter().any(|m| beneath(m)) || matches!(name, "eval" | "exec" | "system" | "load_module") {
        Sort::Code
    } else {
        Sort::Other
    }
}

fn is_tensor_name(module: &str, name: &str) -> bool {
    let word = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match module {
        "torch._utils" => name.strip_prefix("_rebuild_").is_some_and(word),
        "torch._tensor" => name == "_rebuild_from_type_v2",
        "torch" | "torch.cuda" | "torch.storage" => {
            (name.ends_with("Storage") && word(name)) || (module == "torch" && TORCH_TYPES.contains(&name))
        }
        // TorchScript's own reader makes these from the archive's code and imports nothing
        "torch.jit._pickle" => name.starts_with("build_") || name == "restore_type_tag",
        _ if module == "__torch__" || module.starts_with("__torch__.") => word(name),
        "torch.nn.parameter" => matches!(name, "Parameter" | "Buffer"),
        "torch.serialization" => name == "_get_layout",
        "collections" => matches!(name, "OrderedDict" | "Counter" | "defaultdict" | "deque"),
        "numpy" => matches!(name, "ndarray" | "dtype"),
        "numpy.core.multiarray" | "numpy._core.multiarray" => matches!(name, "_reconstruct" | "scalar"),
        "numpy.core.numeric" | "numpy._core.numeric" => name == "_frombuffer",
        "numpy.dtypes" => name.ends_with("DType") && word(name),
        "_codecs" => name == "encode",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_harmless() {
        for (module, name) in [
            ("torch._utils", "_rebuild_tensor_v2"),
            ("torch", "BFloat16Storage"),
            ("torch", "float32"),
            ("collections", "OrderedDict"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy", "dtype"),
            ("_codecs", "encode"),
            ("__builtin__", "set"),
            ("__torch__.acme.net", "Net"),
            ("torch.jit._pickle", "build_intlist"),
        ] {
            assert_eq!(sort(module, name), Sort::Tensor, "{module}.{name}");
        }
        for (module, name) in [
            ("torch._utils", "_rebuild_x.__globals__"),
            ("torch", "storage.__Storage"),
            ("collections", "OrderedDict.__init__"),
            ("builtins", "getattr"),
            ("os.path", "join"),
            ("torch.hub", "load"),
            ("numpy.testing._private.utils", "runstring"),
            ("acme", "eval"),
            ("__torch__.x", "y.__init__"),
        ] {
            assert_eq!(sort(module, name), Sort::Code, "{module}.{name}");
        }
        for (module, name) in [
            ("acme", "Net"),
            ("osx", "x"),
            ("torch", "load"),
            ("torch._utils", "_import_dotted_name"),
            ("numpy", "load"),
            ("", ""),
        ] {
            assert_eq!(sort(module, name), Sort::Other, "{module}.{name}");
        }
    }
}
