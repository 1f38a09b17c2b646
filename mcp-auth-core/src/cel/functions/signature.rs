//! The functions of the language and their types, as data.

use super::Function;
use crate::cel::time::Field;
use crate::cel::types::Type;

/// A type in a signature. `A` and `B` stand for any type, the same wherever they stand in one signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cel) enum Of {
    Dyn,
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Time,
    Span,
    Address,
    Range,
    Type,
    A,
    ListA,
    ListText,
    ListDyn,
    ListOptionalA,
    MapAB,
    OptionalA,
}

/// One way to call a function. The receiver of a method is the first parameter.
#[derive(Debug)]
pub(in crate::cel) struct Overload {
    pub(in crate::cel) method: bool,
    pub(in crate::cel) parameters: &'static [Of],
    pub(in crate::cel) result: Of,
}

/// A function with all ways to call it.
#[derive(Debug)]
pub(in crate::cel) struct Signature {
    pub(in crate::cel) name: &'static str,
    pub(in crate::cel) function: Function,
    pub(in crate::cel) overloads: &'static [Overload],
}

impl Of {
    /// The type, where `a` and `b` stand for the parameters.
    pub(in crate::cel) fn instantiate(self, a: &Type, b: &Type) -> Type {
        match self {
            Self::Dyn => Type::Dyn,
            Self::Bool => Type::Bool,
            Self::Int => Type::Int,
            Self::Uint => Type::Uint,
            Self::Double => Type::Double,
            Self::Text => Type::String,
            Self::Bytes => Type::Bytes,
            Self::Time => Type::Timestamp,
            Self::Span => Type::Duration,
            Self::Address => Type::IpAddress,
            Self::Range => Type::Cidr,
            Self::Type => Type::Type,
            Self::A => a.clone(),
            Self::ListA => Type::list(a.clone()),
            Self::ListText => Type::list(Type::String),
            Self::ListDyn => Type::list(Type::Dyn),
            Self::ListOptionalA => Type::list(Type::optional(a.clone())),
            Self::MapAB => Type::map(a.clone(), b.clone()),
            Self::OptionalA => Type::optional(a.clone()),
        }
    }
}

/// The signature of the function `name`.
pub(in crate::cel) fn find(name: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|s| s.name == name)
}

const fn global(parameters: &'static [Of], result: Of) -> Overload {
    Overload { method: false, parameters, result }
}

const fn method(parameters: &'static [Of], result: Of) -> Overload {
    Overload { method: true, parameters, result }
}

const fn function(name: &'static str, function: Function, overloads: &'static [Overload]) -> Signature {
    Signature { name, function, overloads }
}

use Function as F;
use Of::*;

const TIME: &[Overload] = &[method(&[Time], Int), method(&[Time, Text], Int)];
const BOTH: &[Overload] = &[method(&[Time], Int), method(&[Time, Text], Int), method(&[Span], Int)];
const TEST: &[Overload] = &[method(&[Text, Text], Bool)];
const TEXT: &[Overload] = &[method(&[Text], Text)];
const ROUND: &[Overload] = &[global(&[Double], Double)];
const IS: &[Overload] = &[global(&[Double], Bool)];
const KEEP: &[Overload] = &[global(&[Int], Int), global(&[Uint], Uint), global(&[Double], Double)];
const BITS: &[Overload] = &[global(&[Int, Int], Int), global(&[Uint, Uint], Uint)];
const SHIFT: &[Overload] = &[global(&[Int, Int], Int), global(&[Uint, Int], Uint)];
const ADDRESS: &[Overload] = &[method(&[Address], Bool)];
const INDEX: &[Overload] = &[method(&[Text, Text], Int), method(&[Text, Text, Int], Int)];
/// Numbers of all types may be mixed, so that the type of the result is that of one of them.
const CHOICE: &[Overload] = &[
    global(&[Int], Int),
    global(&[Uint], Uint),
    global(&[Double], Double),
    global(&[ListDyn], Dyn),
    global(&[Int, Int], Int),
    global(&[Uint, Uint], Uint),
    global(&[Double, Double], Double),
    global(&[Int, Uint], Dyn),
    global(&[Int, Double], Dyn),
    global(&[Uint, Int], Dyn),
    global(&[Uint, Double], Dyn),
    global(&[Double, Int], Dyn),
    global(&[Double, Uint], Dyn),
];

pub(in crate::cel) static SIGNATURES: &[Signature] = &[
    function(
        "size",
        F::Size,
        &[
            global(&[Text], Int),
            global(&[Bytes], Int),
            global(&[ListA], Int),
            global(&[MapAB], Int),
            method(&[Text], Int),
            method(&[Bytes], Int),
            method(&[ListA], Int),
            method(&[MapAB], Int),
        ],
    ),
    function("startsWith", F::StartsWith, TEST),
    function("endsWith", F::EndsWith, TEST),
    function("contains", F::Contains, TEST),
    function("matches", F::Matches, &[method(&[Text, Text], Bool), global(&[Text, Text], Bool)]),
    // Conversions.
    function(
        "int",
        F::ToInt,
        &[
            global(&[Int], Int),
            global(&[Uint], Int),
            global(&[Double], Int),
            global(&[Text], Int),
            global(&[Time], Int),
        ],
    ),
    function(
        "uint",
        F::ToUint,
        &[global(&[Uint], Uint), global(&[Int], Uint), global(&[Double], Uint), global(&[Text], Uint)],
    ),
    function(
        "double",
        F::ToDouble,
        &[
            global(&[Double], Double),
            global(&[Int], Double),
            global(&[Uint], Double),
            global(&[Text], Double),
        ],
    ),
    function(
        "string",
        F::ToText,
        &[
            global(&[Text], Text),
            global(&[Bool], Text),
            global(&[Int], Text),
            global(&[Uint], Text),
            global(&[Double], Text),
            global(&[Bytes], Text),
            global(&[Time], Text),
            global(&[Span], Text),
            global(&[Address], Text),
            global(&[Range], Text),
        ],
    ),
    function("bool", F::ToBool, &[global(&[Bool], Bool), global(&[Text], Bool)]),
    function("bytes", F::ToBytes, &[global(&[Bytes], Bytes), global(&[Text], Bytes)]),
    function("dyn", F::ToDyn, &[global(&[A], Dyn)]),
    function("type", F::TypeOf, &[global(&[A], Type)]),
    // Time.
    function(
        "timestamp",
        F::ToTimestamp,
        &[global(&[Text], Time), global(&[Int], Time), global(&[Time], Time)],
    ),
    function("duration", F::ToDuration, &[global(&[Text], Span), global(&[Span], Span)]),
    function("getFullYear", F::TimeField(Field::FullYear), TIME),
    function("getMonth", F::TimeField(Field::Month), TIME),
    function("getDate", F::TimeField(Field::Date), TIME),
    function("getDayOfMonth", F::TimeField(Field::DayOfMonth), TIME),
    function("getDayOfWeek", F::TimeField(Field::DayOfWeek), TIME),
    function("getDayOfYear", F::TimeField(Field::DayOfYear), TIME),
    function("getHours", F::TimeField(Field::Hours), BOTH),
    function("getMinutes", F::TimeField(Field::Minutes), BOTH),
    function("getSeconds", F::TimeField(Field::Seconds), BOTH),
    function("getMilliseconds", F::TimeField(Field::Milliseconds), BOTH),
    // Optional values.
    function("optional.of", F::OptionalOf, &[global(&[A], OptionalA)]),
    function("optional.ofNonZeroValue", F::OptionalOfNonZero, &[global(&[A], OptionalA)]),
    function("optional.none", F::OptionalNone, &[global(&[], OptionalA)]),
    function("optional.unwrap", F::OptionalUnwrap, &[global(&[ListOptionalA], ListA)]),
    function("unwrapOpt", F::OptionalUnwrap, &[method(&[ListOptionalA], ListA)]),
    function("hasValue", F::HasValue, &[method(&[OptionalA], Bool)]),
    function("value", F::ValueOf, &[method(&[OptionalA], A)]),
    function("or", F::Or, &[method(&[OptionalA, OptionalA], OptionalA)]),
    function("orValue", F::OrValue, &[method(&[OptionalA, A], A)]),
    // Strings.
    function("charAt", F::CharAt, &[method(&[Text, Int], Text)]),
    function("indexOf", F::IndexOf, INDEX),
    function("lastIndexOf", F::LastIndexOf, INDEX),
    function("join", F::Join, &[method(&[ListText], Text), method(&[ListText, Text], Text)]),
    function("lowerAscii", F::LowerAscii, TEXT),
    function("upperAscii", F::UpperAscii, TEXT),
    function("trim", F::Trim, TEXT),
    function("reverse", F::Reverse, TEXT),
    function(
        "replace",
        F::Replace,
        &[method(&[Text, Text, Text], Text), method(&[Text, Text, Text, Int], Text)],
    ),
    function("split", F::Split, &[method(&[Text, Text], ListText), method(&[Text, Text, Int], ListText)]),
    function("substring", F::Substring, &[method(&[Text, Int], Text), method(&[Text, Int, Int], Text)]),
    function("format", F::Format, &[method(&[Text, ListDyn], Text)]),
    function("strings.quote", F::Quote, &[global(&[Text], Text)]),
    // Encoders.
    function("base64.encode", F::Base64Encode, &[global(&[Bytes], Text)]),
    function("base64.decode", F::Base64Decode, &[global(&[Text], Bytes)]),
    // Mathematics.
    function("math.greatest", F::Greatest, CHOICE),
    function("math.least", F::Least, CHOICE),
    function("math.ceil", F::Ceil, ROUND),
    function("math.floor", F::Floor, ROUND),
    function("math.round", F::Round, ROUND),
    function("math.trunc", F::Trunc, ROUND),
    function(
        "math.sqrt",
        F::Sqrt,
        &[global(&[Double], Double), global(&[Int], Double), global(&[Uint], Double)],
    ),
    function("math.abs", F::Abs, KEEP),
    function("math.sign", F::Sign, KEEP),
    function("math.isNaN", F::IsNan, IS),
    function("math.isInf", F::IsInf, IS),
    function("math.isFinite", F::IsFinite, IS),
    function("math.bitAnd", F::BitAnd, BITS),
    function("math.bitOr", F::BitOr, BITS),
    function("math.bitXor", F::BitXor, BITS),
    function("math.bitNot", F::BitNot, &[global(&[Int], Int), global(&[Uint], Uint)]),
    function("math.bitShiftLeft", F::ShiftLeft, SHIFT),
    function("math.bitShiftRight", F::ShiftRight, SHIFT),
    // Network.
    function("ip", F::ToAddress, &[global(&[Text], Address), method(&[Range], Address)]),
    function("cidr", F::ToRange, &[global(&[Text], Range)]),
    function("isIP", F::IsAddress, &[global(&[Text], Bool)]),
    function("isCIDR", F::IsRange, &[global(&[Text], Bool)]),
    function("ip.isCanonical", F::IsCanonical, &[global(&[Text], Bool)]),
    function("family", F::Family, &[method(&[Address], Int)]),
    function("isUnspecified", F::IsUnspecified, ADDRESS),
    function("isLoopback", F::IsLoopback, ADDRESS),
    function("isGlobalUnicast", F::IsGlobalUnicast, ADDRESS),
    function("isLinkLocalUnicast", F::IsLinkLocalUnicast, ADDRESS),
    function("isLinkLocalMulticast", F::IsLinkLocalMulticast, ADDRESS),
    function(
        "containsIP",
        F::ContainsAddress,
        &[method(&[Range, Address], Bool), method(&[Range, Text], Bool)],
    ),
    function(
        "containsCIDR",
        F::ContainsRange,
        &[method(&[Range, Range], Bool), method(&[Range, Text], Bool)],
    ),
    function("masked", F::Masked, &[method(&[Range], Range)]),
    function("prefixLength", F::PrefixLength, &[method(&[Range], Int)]),
    // Sets.
    function("sets.contains", F::SetContains, &[global(&[ListA, ListA], Bool)]),
    function("sets.intersects", F::SetIntersects, &[global(&[ListA, ListA], Bool)]),
    function("sets.equivalent", F::SetEquivalent, &[global(&[ListA, ListA], Bool)]),
    // Lists.
    function("distinct", F::Distinct, &[method(&[ListA], ListA)]),
];
