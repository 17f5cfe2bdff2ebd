//! The compilers that can build guests here: a rustup toolchain that has the target, or one that comes with the sources
//! of its standard library, as Debian's `rustc-web`, `cargo-web` and `rust-web-src` do.

use std::env;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use crate::lock::Locked;

/// What guests are compiled for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Strings and their memory are most of what a plugin does with an image. Said here and not in the workspace's profile,
/// which would not know these packages where the library comes ready-made.
const FAST_STD: [&str; 2] =
    ["--config=profile.release.package.alloc.opt-level=3", "--config=profile.release.package.dlmalloc.opt-level=3"];

/// A compiler that is there.
pub(crate) struct Toolchain {
    rustc: PathBuf,
    cargo: PathBuf,
    sysroot: PathBuf,
    linker: PathBuf,
    build_std: bool,
    /// What a lock says of it.
    pub(crate) locked: Locked,
}

impl Toolchain {
    /// The toolchains of this machine, as `make plugins` prefers them.
    pub(crate) fn all(root: &Path) -> Vec<Self> {
        let rustup = rustup_toolchains();
        let linkers: Vec<PathBuf> = rustup.iter().filter_map(|sysroot| linker_of(sysroot)).collect();
        let candidates = rustup
            .into_iter()
            .map(|sysroot| (sysroot.join("bin/rustc"), sysroot.join("bin/cargo")))
            .chain([(PathBuf::from("/usr/bin/rustc"), PathBuf::from("/usr/bin/cargo"))]);
        candidates.filter_map(|(rustc, cargo)| Self::probe(root, rustc, cargo, &linkers)).collect()
    }

    fn probe(root: &Path, rustc: PathBuf, cargo: PathBuf, linkers: &[PathBuf]) -> Option<Self> {
        let version = output(Command::new(&rustc).arg("-vV"))?;
        let sysroot = PathBuf::from(output(Command::new(&rustc).args(["--print", "sysroot"]))?.trim());
        let prebuilt = sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir();
        let sources = sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file();
        // Only a distribution's own compiler is asked to build the library: rustup has the target ready-made.
        let build_std = !prebuilt && sources && sysroot == Path::new("/usr");
        if !(prebuilt || build_std) || !cargo.is_file() {
            return None;
        }
        let linker = linker_of(&sysroot).into_iter().chain(linkers.iter().cloned()).next()?;
        let linker_version = output(Command::new(&linker).args(["-flavor", "wasm", "--version"]))?;
        let mut toolchain = Self {
            rustc,
            cargo,
            sysroot,
            linker,
            build_std,
            locked: Locked {
                rustc: version.lines().map(str::to_owned).collect(),
                std: if build_std { "build-std" } else { "prebuilt" }.to_owned(),
                // `LLD 22.1.2 (where and from what it was built)`
                linker: linker_version.split(" (").next().unwrap_or_default().trim().to_owned(),
                flags: Vec::new(),
            },
        };
        toolchain.locked.flags = toolchain.cargo_flags().iter().map(|flag| (*flag).to_owned()).collect();
        toolchain
            .locked
            .flags
            .extend(toolchain.remaps(root).into_iter().map(|(_, to)| format!("--remap-path-prefix=…={to}")));
        toolchain.locked.flags.dedup();
        Some(toolchain)
    }

    /// The name under which a message speaks of it.
    pub(crate) fn name(&self) -> String {
        format!(
            "{} ({}, {})",
            self.locked.rustc.first().map_or("", String::as_str),
            self.locked.std,
            self.locked.linker
        )
    }

    /// A `cargo build` of these packages of the guests' workspace; the target directory is that of this toolchain alone.
    pub(crate) fn build(&self, root: &Path, packages: &[&str], target_directory: &Path) -> Command {
        let mut flags: Vec<String> = self
            .remaps(root)
            .into_iter()
            .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
            .collect();
        flags.push(format!("-Clinker={}", self.linker.display()));
        let mut command = Command::new(&self.cargo);
        command
            .current_dir(root.join("plugins"))
            .env_remove("RUSTFLAGS")
            .env_remove("RUSTUP_TOOLCHAIN")
            .env("RUSTC", &self.rustc)
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
            .args(self.cargo_flags())
            .arg("--target-dir")
            .arg(target_directory)
            .args(packages.iter().flat_map(|package| ["-p", package]));
        if self.build_std {
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        command
    }

    fn cargo_flags(&self) -> Vec<&'static str> {
        let mut flags = vec!["build", "--release", "--locked", "--target", TARGET];
        if self.build_std {
            flags.extend(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"]);
            flags.extend(FAST_STD);
        }
        flags
    }

    /// Places of this machine and what stands for them in a component. The last that fits wins.
    fn remaps(&self, root: &Path) -> Vec<(PathBuf, &'static str)> {
        let library = self.sysroot.join("lib/rustlib/src/rust");
        let mut remaps = vec![(root.to_owned(), "/image-transfer")];
        remaps.extend(library.canonicalize().ok().map(|sources| (sources, "/rustc")));
        remaps.push((library, "/rustc"));
        for directory in registry_sources() {
            remaps.push((directory, "/registry"));
        }
        remaps
    }
}

/// Each registry that cargo has unpacked crates of, sorted.
fn registry_sources() -> Vec<PathBuf> {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")))
        .unwrap_or_default();
    children(&home.join("registry/src"))
}

/// The toolchains of rustup: the one that is active first, then the others, sorted.
fn rustup_toolchains() -> Vec<PathBuf> {
    let active = output(Command::new("rustc").args(["--print", "sysroot"])).map(|path| PathBuf::from(path.trim()));
    let Some(active) = active.filter(|path| path.join("bin/cargo").is_file() && path != Path::new("/usr")) else {
        return Vec::new();
    };
    let others = active.parent().map(children).unwrap_or_default().into_iter().filter(|path| *path != active);
    std::iter::once(active.clone()).chain(others).collect()
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    paths.sort();
    paths
}

/// The linker that a toolchain brings along.
fn linker_of(sysroot: &Path) -> Option<PathBuf> {
    let machine = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let linker = sysroot.join("lib/rustlib").join(machine).join("bin/rust-lld");
    linker.is_file().then_some(linker)
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
