use super::*;

fn show(text: &str) -> Option<String> {
    Timestamp::parse(text).ok().map(|t| t.to_string())
}

#[test]
fn timestamps_are_strict_rfc3339() {
    for (text, expected) in [
        ("2024-02-29T12:00:00.5+01:00", Some("2024-02-29T11:00:00.5Z")),
        ("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00Z")),
        ("9999-12-31T23:59:59.999999999Z", Some("9999-12-31T23:59:59.999999999Z")),
        ("0001-01-01T00:00:00+00:01", None),
        ("2023-02-29T12:00:00Z", None),
        ("2024-02-29t12:00:00z", None),
        ("2024-02-29 12:00:00Z", None),
        ("2024-02-29T12:00:00", None),
        ("2024-02-29T12:00:60Z", None),
        ("2024-02-29T12:00:00.Z", None),
        ("2024-02-29T12:00:00.0000000001Z", None),
        ("2024-02-29T12:00:00Z ", None),
        ("2024-02-29T12:00:00+0100", None),
        ("+024-02-29T12:00:00Z", None),
        ("", None),
    ] {
        assert_eq!(show(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn durations() {
    for (text, expected) in [
        ("1h30m", Some("5400s")),
        ("-1.5s", Some("-1.5s")),
        ("1.5h", Some("5400s")),
        ("100ms", Some("0.1s")),
        ("1µs", Some("0.000001s")),
        (".5s", Some("0.5s")),
        ("+0", Some("0s")),
        ("9223372036.854775807s", Some("9223372036.854775807s")),
        ("9223372036.854775808s", None),
        ("999999999999999999999999999999999999999999999999999h", None),
        ("1", None),
        ("s", None),
        (".s", None),
        ("1.2.3s", None),
        ("1d", None),
        ("", None),
        ("-", None),
        ("1s ", None),
    ] {
        assert_eq!(Duration::parse(text).ok().map(|d| d.to_string()).as_deref(), expected, "{text}");
    }
}

#[test]
fn zones() {
    let time = Timestamp::parse("2024-07-01T23:30:00Z").unwrap();
    let hours = |zone| time.field(Field::Hours, Some(zone));
    assert_eq!(hours("UTC"), Ok(23));
    assert_eq!(hours("+01:00"), Ok(0));
    #[cfg(feature = "time-zones")]
    assert_eq!((hours("Europe/Zurich"), hours("America/St_Johns")), (Ok(1), Ok(21)));
    for zone in ["", "Europe/Nowhere", "../../etc/passwd", "+1:00", "24:00", "10:60", "local"] {
        assert_eq!(hours(zone), Err(EvalErrorKind::InvalidConversion), "{zone}");
    }
    let last = Timestamp::new(LATEST, 999_999_999).unwrap();
    assert_eq!(last.field(Field::FullYear, Some("+14:00")), Err(EvalErrorKind::Overflow));
    assert_eq!(last.field(Field::FullYear, Some("-14:00")), Ok(9999));
}
