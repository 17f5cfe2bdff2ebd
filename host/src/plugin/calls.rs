//! How often plugins were called, and how long that took.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

/// The calls of all plugins of a host. Cheap to clone; what is counted by one is seen by all.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Mutex<BTreeMap<String, Arc<Counts>>>>);

/// The calls of one plugin, by function. Few functions, called for a batch at a time: a list under a lock is enough.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<Vec<CallNumbers>>);

/// The calls of one function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallNumbers {
    /// Such as `mapper.map-images`.
    pub function: &'static str,
    /// Those that came back, with an answer or with an error of the plugin's own.
    pub answered: u64,
    /// Those that broke: a trap, a budget that was used up.
    pub broken: u64,
    /// From the call to its end, with what the plugin waited for.
    pub time: Duration,
    /// What it computed.
    pub cpu: Duration,
}

impl Calls {
    /// What was counted so far, by the plugin's name.
    #[must_use]
    pub fn numbers(&self) -> Vec<(String, Vec<CallNumbers>)> {
        let plugins: Vec<_> = lock(&self.0).iter().map(|(name, counts)| (name.clone(), Arc::clone(counts))).collect();
        plugins.into_iter().map(|(name, counts)| (name, lock(&counts.0).clone())).collect()
    }

    /// The counts of one plugin.
    pub(super) fn of(&self, plugin: &str) -> Arc<Counts> {
        let mut plugins = lock(&self.0);
        match plugins.get(plugin) {
            Some(counts) => Arc::clone(counts),
            None => Arc::clone(plugins.entry(plugin.to_owned()).or_default()),
        }
    }
}

impl Counts {
    /// A call of `function` is over.
    pub(super) fn note(&self, function: &'static str, broken: bool, time: Duration, cpu: Duration) {
        let mut functions = lock(&self.0);
        let at = functions.iter().position(|it| it.function == function).unwrap_or(functions.len());
        if at == functions.len() {
            functions.push(CallNumbers { function, ..CallNumbers::default() });
        }
        let counted = &mut functions[at];
        *if broken { &mut counted.broken } else { &mut counted.answered } += 1;
        counted.time += time;
        counted.cpu += cpu;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_plugin_and_function() {
        let (calls, second) = (Calls::default(), Duration::from_secs(1));
        calls.of("rules").note("source.next", false, second, second / 4);
        calls.of("rules").note("source.next", true, second, second / 4);
        calls.of("rewrite").note("mapper.open", false, second, second);
        let numbers = calls.numbers();
        assert_eq!(numbers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["rewrite", "rules"]);
        let next = CallNumbers { function: "source.next", answered: 1, broken: 1, time: 2 * second, cpu: second / 2 };
        assert_eq!(numbers[1].1, [next]);
    }
}
