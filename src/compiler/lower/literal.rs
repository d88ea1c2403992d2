//! Constants as written, and as values of a type.

use helix_plan::{Literal, ScalarType, date};

/// A constant as it is written, before its place gives it a type.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::compiler) enum Constant {
    /// `true` or `false`.
    Boolean(bool),
    /// Digits, perhaps with a sign.
    Integer(Integer),
    /// A number with a point or an exponent.
    Float(f64),
    /// Text, escapes resolved.
    String(String),
}

/// A sign and a magnitude: wide enough for every integer type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compiler) struct Integer {
    pub negative: bool,
    pub magnitude: u128,
}

/// Why a constant is not a value of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compiler) enum Misfit {
    /// It is of another type altogether.
    Type,
    /// It is a number that the type cannot hold.
    Range,
    /// It is text, but not of a date.
    Date,
    /// It is text, but not of an id.
    Id,
}

impl Constant {
    /// The type that the constant has where nothing else is expected.
    pub(in crate::compiler) fn natural_type(&self) -> ScalarType {
        match self {
            Self::Boolean(_) => ScalarType::Boolean,
            Self::Integer(integer) => integer.natural_type(),
            Self::Float(_) => ScalarType::F64,
            Self::String(_) => ScalarType::String,
        }
    }

    /// The text of a string, else nothing.
    pub(in crate::compiler) fn text(&self) -> &str {
        match self {
            Self::String(text) => text,
            Self::Boolean(_) | Self::Integer(_) | Self::Float(_) => "",
        }
    }

    /// The constant as a value of type `ty`.
    pub(in crate::compiler) fn convert(&self, ty: ScalarType) -> Result<Literal, Misfit> {
        match self {
            Self::Boolean(value) if ty == ScalarType::Boolean => Ok(Literal::Boolean(*value)),
            Self::Integer(integer) if ty.is_integer() => integer.convert(ty),
            Self::Integer(integer) if ty.is_float() => float(integer.as_f64(), ty),
            Self::Float(value) if ty.is_float() => float(*value, ty),
            Self::String(text) => match ty {
                ScalarType::String => Ok(Literal::String(text.clone())),
                ScalarType::Date => date(text).ok_or(Misfit::Date),
                ScalarType::Id => id(text).ok_or(Misfit::Id),
                _ => Err(Misfit::Type),
            },
            Self::Boolean(_) | Self::Integer(_) | Self::Float(_) => Err(Misfit::Type),
        }
    }
}

impl Integer {
    fn natural_type(self) -> ScalarType {
        [ScalarType::I32, ScalarType::I64]
            .into_iter()
            .find(|ty| self.convert(*ty).is_ok())
            // A negative number below I64 has no type of its own; using it fails with a range error.
            .unwrap_or(if self.negative { ScalarType::I64 } else { ScalarType::U128 })
    }

    fn convert(self, ty: ScalarType) -> Result<Literal, Misfit> {
        let (least, greatest) = ty.integer_range().ok_or(Misfit::Type)?;
        if self.negative {
            let value = 0_i128.checked_sub_unsigned(self.magnitude).ok_or(Misfit::Range)?;
            if value < least { Err(Misfit::Range) } else { Ok(Literal::Integer(value)) }
        } else if self.magnitude > greatest {
            Err(Misfit::Range)
        } else {
            Ok(i128::try_from(self.magnitude).map_or(Literal::Unsigned(self.magnitude), Literal::Integer))
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what an integer literal means at a float")]
    fn as_f64(self) -> f64 {
        let magnitude = self.magnitude as f64;
        if self.negative { -magnitude } else { magnitude }
    }
}

/// The text of an integer as it would be written.
impl std::fmt::Display for Integer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.negative { "-" } else { "" }, self.magnitude)
    }
}

fn float(value: f64, ty: ScalarType) -> Result<Literal, Misfit> {
    if ty == ScalarType::F32 {
        #[expect(clippy::cast_possible_truncation, reason = "rounding to the field's precision is what is wanted")]
        let value = value as f32;
        return if value.is_finite() { Ok(Literal::F32(value)) } else { Err(Misfit::Range) };
    }
    if value.is_finite() { Ok(Literal::F64(value)) } else { Err(Misfit::Range) }
}

/// A date: `YYYY-MM-DD` at midnight UTC, or an RFC 3339 date-time with its offset.
fn date(text: &str) -> Option<Literal> {
    let (seconds, nanoseconds) = date::parse(text)?;
    Some(Literal::Date { seconds, nanoseconds })
}

/// A date from Unix seconds.
pub(in crate::compiler) fn date_from_seconds(integer: Integer) -> Result<Literal, Misfit> {
    match integer.convert(ScalarType::I64)? {
        Literal::Integer(seconds) => i64::try_from(seconds)
            .ok()
            .filter(|seconds| date::SECONDS.contains(seconds))
            .map(|seconds| Literal::Date { seconds, nanoseconds: 0 })
            .ok_or(Misfit::Range),
        _ => Err(Misfit::Range),
    }
}

fn id(text: &str) -> Option<Literal> {
    Some(Literal::Id(uuid::Uuid::parse_str(text).ok()?.as_u128()))
}
