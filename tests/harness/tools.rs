//! The programs that tests run.

use std::env;
use std::path::Path;
use std::path::PathBuf;

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Finds a program: in the environment variable `IMAGE_TRANSFER_TEST_NAME`, in `target/tools`, or on the path. A test whose
/// program is missing fails: passing would say that something was tested.
pub fn find(name: &str) -> PathBuf {
    let variable = format!("IMAGE_TRANSFER_TEST_{}", name.to_uppercase().replace('-', "_"));
    let named = env::var_os(&variable).map(PathBuf::from);
    let tools = env::var_os("IMAGE_TRANSFER_TOOLS").map_or_else(|| repository().join("target/tools"), PathBuf::from);
    let paths = env::var_os("PATH").unwrap_or_default();
    let candidates =
        named.into_iter().chain([tools.join(name)]).chain(env::split_paths(&paths).map(|path| path.join(name)));
    match candidates.into_iter().find(|candidate| candidate.is_file()) {
        Some(path) => path,
        None => panic!("this test needs the program `{name}`: run tests/install-deps, or name it in {variable}"),
    }
}
