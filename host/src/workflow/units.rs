//! Sizes and durations as people write them.

use std::time::Duration;

/// Why a text is neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not a size.
    #[error("`{0}` is not a size: expected a number of bytes, or one with KB, MB, GB, KiB, MiB or GiB")]
    Size(String),
    /// Not a duration.
    #[error("`{0}` is not a duration: expected a number with ms, s, m or h, such as 10s")]
    Duration(String),
}

/// Bytes: `1048576`, `200MiB`, `1.5GB`; `/s` may follow.
pub fn size(text: &str) -> Result<u64, UnitError> {
    let error = || UnitError::Size(text.to_owned());
    let written = text.trim().strip_suffix("/s").unwrap_or(text.trim());
    let (number, unit) = split(written).ok_or_else(error)?;
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        _ => return Err(error()),
    };
    scale(number, factor).ok_or_else(error)
}

/// A span of time: `500ms`, `10s`, `1.5m`, `2h`. A number alone has no meaning, save 0.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let error = || UnitError::Duration(text.to_owned());
    let (number, unit) = split(text.trim()).ok_or_else(error)?;
    let milliseconds: u64 = match unit {
        "" if number == "0" => 1,
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(error()),
    };
    scale(number, milliseconds).map(Duration::from_millis).ok_or_else(error)
}

fn split(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (!number.is_empty()).then_some((number, unit.trim_start()))
}

/// `number`, which may have a fraction, times `factor`, exactly.
fn scale(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = u32::try_from(fraction.len()).ok().filter(|digits| (1..=9).contains(digits))?;
    let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(factor) / 10_u128.pow(digits);
    whole.parse::<u64>().ok()?.checked_mul(factor)?.checked_add(u64::try_from(part).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes() {
        for (text, expected) in [
            ("0", 0),
            ("1500", 1500),
            ("200MiB", 200 << 20),
            ("1.5GB", 1_500_000_000),
            ("64 kib/s", 65_536),
            ("2M", 2_000_000),
        ] {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for text in ["", "MiB", "-1", "1XB", "1.", "99999999999GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_have_a_unit() {
        for (text, expected) in [("0", 0), ("100ms", 100), ("10s", 10_000), ("1.5m", 90_000), ("2h", 7_200_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(expected)), "{text}");
        }
        for text in ["", "10", "s", "10 days", "-1s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
