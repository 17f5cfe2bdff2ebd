//! Which guests there are, where their components go, and what they are made from.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// A directory of components with its `LOCK.json`, relative to the repository, and the crates that are built into it.
pub(crate) struct Shelf {
    /// The directory.
    pub(crate) directory: &'static str,
    /// The crates; each is a directory of `plugins/` and becomes `<name>.wasm`.
    pub(crate) guests: &'static [&'static str],
}

/// Everything that is built: the plugins that the host embeds, and the guests that its tests load from a path.
pub(crate) const SHELVES: [Shelf; 2] = [
    Shelf {
        directory: "plugins/dist",
        guests: &["acr", "catalog", "ccr", "dockerhub", "ecr", "gitlab", "harbor", "quay", "rewrite", "rules", "tcr"],
    },
    Shelf { directory: "tests/fixtures/plugins", guests: &["example-mapper", "hostile"] },
];

/// What every guest is made from, besides the directory of its own crate.
const SHARED_INPUTS: [&str; 5] = ["plugins/Cargo.lock", "plugins/Cargo.toml", "plugins/sdk", "plugins/xtask", "wit"];

/// The working copy.
pub(crate) struct Repository(PathBuf);

impl Repository {
    /// The one that this program was built from.
    pub(crate) fn of_this_crate() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("/"));
        Self(root.to_owned())
    }

    /// Its root.
    pub(crate) fn root(&self) -> &Path {
        &self.0
    }

    /// The workspace of the guests.
    pub(crate) fn plugins(&self) -> PathBuf {
        self.0.join("plugins")
    }

    /// Every file that a guest is made from, as paths relative to the root with `/`, sorted by their bytes.
    pub(crate) fn inputs(&self, guest: &str) -> io::Result<Vec<String>> {
        let mut files = Vec::new();
        for input in SHARED_INPUTS {
            self.collect(input, &mut files)?;
        }
        self.collect(&format!("plugins/{guest}"), &mut files)?;
        files.sort_unstable();
        Ok(files)
    }

    /// The files at or below a path. Hidden files, editors' copies, prose and build output are no input.
    fn collect(&self, path: &str, files: &mut Vec<String>) -> io::Result<()> {
        if self.0.join(path).is_file() {
            files.push(path.to_owned());
            return Ok(());
        }
        for entry in fs::read_dir(self.0.join(path))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let ignored = name.starts_with('.') || name.ends_with('~') || name == "target";
            if !ignored && Path::new(&name).extension().is_none_or(|extension| extension != "md") {
                self.collect(&format!("{path}/{name}"), files)?;
            }
        }
        Ok(())
    }
}
