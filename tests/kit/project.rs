//! A project that `plugin new` wrote, built by the commands of its README.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::command::Workplace;
use crate::harness::tools;

/// A project; its directory stays for a look at it, and is made anew by the next run.
pub struct Project {
    pub directory: PathBuf,
    /// What the component is called.
    name: String,
    readme: String,
}

/// Commands of a README that `tests/install-deps --kit` has done before, by hashes: what they bring is linked in.
const INSTALLED: [&str; 5] =
    ["rustup target add ", "cargo install ", "npm install", "python3 -m venv ", ".venv/bin/pip install "];

/// The target of modules for the web, which import nothing.
const WEB: &str = "wasm32-unknown-unknown";

impl Project {
    /// Writes a project called `kit` of all kinds, into a directory of this `name`.
    pub fn new(name: &str, language: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kit").join(name);
        drop(fs::remove_dir_all(&directory));
        let kinds = ["--kind", "source,mapper", "--kind", "provisioner,credentials"];
        let arguments = ["plugin", "new", "kit", directory.to_str().unwrap(), "--lang", language];
        Workplace::new().run(&[&arguments[..], &kinds].concat()).expect(0).says("README.md");
        Self::at(directory, "kit")
    }

    /// A copy of an example of this repository, beside a copy of the contract as the example is.
    pub fn example(example: &str, name: &str) -> Self {
        let (root, copy) = (tools::repository(), Path::new(env!("CARGO_TARGET_TMPDIR")).join("kit").join(example));
        drop(fs::remove_dir_all(&copy));
        copy_all(&root.join("wit"), &copy.join("wit"));
        let directory = copy.join("plugins/examples").join(example);
        copy_all(&root.join("plugins/examples").join(example), &directory);
        Self::at(directory, name)
    }

    fn at(directory: PathBuf, name: &str) -> Self {
        let readme = fs::read_to_string(directory.join("README.md")).unwrap();
        Self { directory, name: name.to_owned(), readme }
    }

    /// Replaces a text of a file.
    pub fn change(self, file: &str, from: &str, to: &str) -> Self {
        let path = self.directory.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        fs::write(path, text.replace(from, to)).unwrap();
        self
    }

    /// Builds it as its README says, and returns the component.
    pub fn build(&self) -> PathBuf {
        install(&self.directory);
        for line in self.block("## Build") {
            if INSTALLED.iter().any(|command| line.starts_with(command)) {
                continue;
            }
            self.shell(&line);
        }
        self.directory.join(format!("{}.wasm", self.name))
    }

    /// The commands of its README that test it.
    pub fn tests(&self) -> Vec<String> {
        self.block("## Test")
    }

    /// The lines of the first block of code below a heading.
    fn block(&self, heading: &str) -> Vec<String> {
        let (_, below) = self.readme.split_once(&format!("{heading}\n")).unwrap();
        below.split("```").nth(1).unwrap().trim().lines().map(str::to_owned).collect()
    }

    fn shell(&self, line: &str) {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(&self.directory).env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS");
        let mut path = format!("{}:{}", kit().join("bin").display(), env::var("PATH").unwrap());
        if line.starts_with("cargo ") && !has_target(WEB) {
            // Debian's compiler, which links with what rustup's one has, and its library from its sources.
            path = format!("/usr/bin:{}:{path}", linker().display());
            command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
            command.env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort");
        }
        run(command.env("PATH", path));
    }
}

/// Copies the files of a directory that are no output of a build.
fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        if ["node_modules", "target", ".venv", "package-lock.json", "Cargo.lock"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            copy_all(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// Where `tests/install-deps --kit` puts what it brings.
fn kit() -> PathBuf {
    tools::repository().join("target/kit")
}

/// Gives the project what is installed for its language.
fn install(directory: &Path) {
    let kit = kit();
    let vendored = tools::repository().join("tests/vendor/kit");
    if directory.join("package.json").exists() {
        assert!(kit.join("node_modules").is_dir(), "this test needs target/kit: run tests/install-deps --kit");
        symlink(kit.join("node_modules"), directory.join("node_modules")).unwrap();
    } else if directory.join("requirements.txt").exists() {
        assert!(kit.join("venv").is_dir(), "this test needs target/kit: run tests/install-deps --kit");
        symlink(kit.join("venv"), directory.join(".venv")).unwrap();
    } else {
        assert!(kit.join("bin/wasm-tools").exists(), "this test needs target/kit: run tests/install-deps --kit");
        // The same crates for every project in Rust, compiled once.
        fs::create_dir_all(kit.join("rust")).unwrap();
        symlink(kit.join("rust"), directory.join("target")).unwrap();
        let name = fs::read_to_string(directory.join("Cargo.toml")).unwrap();
        let name = name.split('"').nth(1).unwrap();
        let lock = fs::read_to_string(vendored.join("Cargo.lock")).unwrap();
        fs::write(directory.join("Cargo.lock"), lock.replace("name = \"kit\"", &format!("name = \"{name}\""))).unwrap();
    }
}

/// The root of the toolchain of rustup that is active.
fn sysroot() -> PathBuf {
    PathBuf::from(output(Command::new("rustc").args(["--print", "sysroot"])).trim())
}

fn has_target(target: &str) -> bool {
    sysroot().join("lib/rustlib").join(target).join("lib").is_dir()
}

/// The directory of the linker for modules that rustup's compiler comes with.
fn linker() -> PathBuf {
    sysroot().join(format!("lib/rustlib/{}-unknown-linux-gnu/bin", env::consts::ARCH))
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; run tests/install-deps --kit"));
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
}

fn output(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}
