//! Pages of a list, with what may be wrong with them.

use serde_json::Value;

use crate::harness::api::Fault;

/// The items of page `number`, counted from 1, and whether more come after it. A lost page is empty and the last; a repeated one is
/// the page before.
pub fn of(items: &[Value], number: usize, size: usize, fault: Option<&Fault>) -> (Vec<Value>, bool) {
    let more = number.saturating_mul(size) < items.len();
    match fault {
        Some(Fault::Lost) => (Vec::new(), false),
        Some(Fault::Repeated) => (slice(items, (number - 1).max(1), size), more),
        _ => (slice(items, number, size), more),
    }
}

fn slice(items: &[Value], number: usize, size: usize) -> Vec<Value> {
    items.iter().skip((number - 1).saturating_mul(size)).take(size).cloned().collect()
}

/// The total that is told.
pub fn total(items: &[Value], fault: Option<&Fault>) -> i64 {
    let total = i64::try_from(items.len()).unwrap();
    match fault {
        Some(Fault::Total(difference)) => total + difference,
        _ => total,
    }
}
