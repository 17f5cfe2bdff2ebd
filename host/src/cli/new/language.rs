//! What is written in each language.

use crate::cli::args::LanguageArg;
use crate::cli::new::kind::Kind;

/// A file: its path, and its template.
type File = (&'static str, &'static str);

/// One language and its templates.
pub(super) struct Language {
    lang: LanguageArg,
    /// Its name.
    pub(super) name: &'static str,
    /// The commands that build a plugin.
    pub(super) build: &'static str,
    /// What is to be known of them.
    pub(super) note: &'static str,
    /// Files of every plugin.
    always: &'static [File],
    /// The file for plugins that send requests.
    asking: File,
    /// Files of the kinds, in the order of the contract.
    kinds: [File; 4],
}

const RUST: Language = Language {
    lang: LanguageArg::Rust,
    name: "Rust",
    build: "rustup target add wasm32-unknown-unknown\n\
            cargo install --locked wasm-tools\n\
            cargo build --release --target wasm32-unknown-unknown\n\
            wasm-tools component new target/wasm32-unknown-unknown/release/@MODULE@.wasm -o @NAME@.wasm",
    note: "The component imports the contract and nothing of WASI. With `--target wasm32-wasip2` cargo makes a component by itself, which \
           imports some of WASI as well: it is there, and empty.",
    always: &[
        ("Cargo.toml", include_str!("../../../../plugins/templates/rust/Cargo.toml")),
        ("src/lib.rs", include_str!("../../../../plugins/templates/rust/src/lib.rs")),
        (".gitignore", "/target\n/*.wasm\n"),
    ],
    asking: ("src/http.rs", include_str!("../../../../plugins/templates/rust/src/http.rs")),
    kinds: [
        ("src/source.rs", include_str!("../../../../plugins/templates/rust/src/source.rs")),
        ("src/mapper.rs", include_str!("../../../../plugins/templates/rust/src/mapper.rs")),
        ("src/provisioner.rs", include_str!("../../../../plugins/templates/rust/src/provisioner.rs")),
        ("src/credentials.rs", include_str!("../../../../plugins/templates/rust/src/credentials.rs")),
    ],
};

// Its package.json names preview2-shim, which componentize-js 0.23 needs and does not depend on.
const JAVASCRIPT: Language = Language {
    lang: LanguageArg::Js,
    name: "JavaScript",
    build: "npm install\nnpm run build",
    note: "Node 20 or newer. The component has some 12 MB, most of it the engine (StarlingMonkey); it is compiled once, in up to 20 \
           seconds, and then kept in image-transfer's cache. npm writes `package-lock.json`: keep it, and build with `npm ci`.",
    always: &[
        ("package.json", include_str!("../../../../plugins/templates/javascript/package.json")),
        ("build.js", include_str!("../../../../plugins/templates/javascript/build.js")),
        ("plugin.js", include_str!("../../../../plugins/templates/javascript/plugin.js")),
        ("api.js", include_str!("../../../../plugins/templates/javascript/api.js")),
        (".gitignore", "/node_modules\n/schema.js\n/*.wasm\n"),
    ],
    asking: ("api.js", include_str!("../../../../plugins/templates/javascript/api.js")),
    kinds: [
        ("source.js", include_str!("../../../../plugins/templates/javascript/source.js")),
        ("mapper.js", include_str!("../../../../plugins/templates/javascript/mapper.js")),
        ("provisioner.js", include_str!("../../../../plugins/templates/javascript/provisioner.js")),
        ("credentials.js", include_str!("../../../../plugins/templates/javascript/credentials.js")),
    ],
};

const PYTHON: Language = Language {
    lang: LanguageArg::Python,
    name: "Python",
    build: "python3 -m venv .venv\n\
            .venv/bin/pip install -r requirements.txt\n\
            .venv/bin/componentize-py -d wit -w plugin componentize app -o @NAME@.wasm",
    note: "Python 3.10 or newer. The component has some 18 MB, most of it CPython; it is compiled once, in up to 20 seconds, and then kept \
           in image-transfer's cache. `componentize-py -d wit -w plugin bindings .` writes the types that an editor completes.",
    always: &[
        ("requirements.txt", include_str!("../../../../plugins/templates/python/requirements.txt")),
        ("app.py", include_str!("../../../../plugins/templates/python/app.py")),
        ("options.py", include_str!("../../../../plugins/templates/python/options.py")),
        (".gitignore", "/.venv\n__pycache__\n/*.wasm\n"),
    ],
    asking: ("host_urllib.py", include_str!("../../../../plugins/templates/python/host_urllib.py")),
    kinds: [
        ("source.py", include_str!("../../../../plugins/templates/python/source.py")),
        ("mapper.py", include_str!("../../../../plugins/templates/python/mapper.py")),
        ("provisioner.py", include_str!("../../../../plugins/templates/python/provisioner.py")),
        ("credentials.py", include_str!("../../../../plugins/templates/python/credentials.py")),
    ],
};

impl Language {
    /// Its templates; none for Go.
    pub(super) fn of(lang: LanguageArg) -> Option<Self> {
        match lang {
            LanguageArg::Rust => Some(RUST),
            LanguageArg::Js => Some(JAVASCRIPT),
            LanguageArg::Python => Some(PYTHON),
            LanguageArg::Go => None,
        }
    }

    /// The files of a plugin that is `kinds`.
    pub(super) fn files(&self, kinds: &[Kind]) -> impl Iterator<Item = File> {
        let asking = asks(kinds).then_some(self.asking).filter(|file| !self.always.contains(file));
        let of = |name: &str| self.kinds.iter().copied().find(|(path, _)| path.contains(name));
        let each: Vec<File> = kinds.iter().filter_map(|kind| of(kind.name)).collect();
        self.always.iter().copied().chain(asking).chain(each)
    }

    /// What the main file of a script hands on.
    pub(super) fn exports(&self, kinds: &[Kind]) -> String {
        let line = |kind: &Kind| match self.lang {
            LanguageArg::Python => {
                let class = match kind.name {
                    "source" => "Enumerator",
                    "mapper" => "Mapping",
                    "provisioner" => "Preparation",
                    _ => "Issuer",
                };
                format!("from {} import {class}  # noqa: F401", kind.name)
            }
            _ => format!("export {{ {0} }} from './{0}.js';", kind.name),
        };
        let mut lines: Vec<String> = kinds.iter().map(line).collect();
        lines.sort_unstable();
        lines.join("\n")
    }
}

/// The modules that Rust is told of.
pub(super) fn modules(kinds: &[Kind]) -> String {
    let mut names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    if asks(kinds) {
        names.push("http");
    }
    names.sort_unstable();
    names.iter().map(|name| format!("mod {name};")).collect::<Vec<_>>().join("\n")
}

/// The options that Rust reads.
pub(super) fn fields(kinds: &[Kind]) -> String {
    kinds.iter().map(|kind| format!("    {}: String,", kind.option)).collect::<Vec<_>>().join("\n")
}

fn asks(kinds: &[Kind]) -> bool {
    kinds.iter().any(|kind| kind.asks)
}
