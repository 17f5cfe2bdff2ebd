//! Lines for the log of the run: [`trace!`](crate::trace), [`debug!`](crate::debug), [`info!`](crate::info),
//! [`warn!`](crate::warn), [`error!`](crate::error), with the arguments of `format!`. Silent in native tests.

pub use crate::bindings::host::image_transfer::plugin::log::Level;

/// Writes a line.
pub fn line(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::bindings::host::image_transfer::plugin::log::log(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    let _ = (level, message);
}

/// Logs a step that only matters to those who debug the plugin.
#[macro_export]
macro_rules! trace {
    ($($arguments:tt)*) => { $crate::log::line($crate::log::Level::Trace, &::std::format!($($arguments)*)) };
}

/// Logs what was asked and what came.
#[macro_export]
macro_rules! debug {
    ($($arguments:tt)*) => { $crate::log::line($crate::log::Level::Debug, &::std::format!($($arguments)*)) };
}

/// Logs what a user wants to know of a run that goes well.
#[macro_export]
macro_rules! info {
    ($($arguments:tt)*) => { $crate::log::line($crate::log::Level::Info, &::std::format!($($arguments)*)) };
}

/// Logs that something was left out or looks wrong.
#[macro_export]
macro_rules! warn {
    ($($arguments:tt)*) => { $crate::log::line($crate::log::Level::Warn, &::std::format!($($arguments)*)) };
}

/// Logs that something failed.
#[macro_export]
macro_rules! error {
    ($($arguments:tt)*) => { $crate::log::line($crate::log::Level::Error, &::std::format!($($arguments)*)) };
}
