//! One page of a list.

use serde_json::Value;

use crate::harness::api::Fault;

/// A page, the total that is told with it, and whether anything comes after it.
pub(super) struct Page {
    pub(super) items: Vec<Value>,
    pub(super) total: i64,
    pub(super) more: bool,
}

/// What begins at `offset`, or what a fault makes of it.
pub(super) fn cut(items: Vec<Value>, offset: usize, size: usize, fault: Option<&Fault>) -> Page {
    let mut total = i64::try_from(items.len()).unwrap();
    let mut more = offset.saturating_add(size) < items.len();
    let (mut start, mut size) = (offset, size);
    match fault {
        Some(Fault::Lost) => (size, more) = (0, false),
        Some(Fault::Repeated) => start = offset.saturating_sub(size),
        Some(Fault::Total(difference)) => total += difference,
        _ => {}
    }
    Page { items: items.into_iter().skip(start).take(size).collect(), total, more }
}
