//! Reading fields in place.

use helix_plan::{Origin, ScalarType, ValueType};
use uuid::Uuid;

use super::migrate::Older;
use super::{Arena, FORMAT, Layout, PREFIX, Place, damaged, header_len, list};
use crate::error::Result;
use crate::value::{Big, Date, Value};

/// Reads one field from rows of its type, whatever version they are of.
///
/// Made once, when a plan is loaded; the hot path tests one byte and reads at constant offsets.
#[derive(Clone, Debug)]
pub struct FieldReader {
    version: u8,
    current: Accessor,
    /// By layout version: how rows of earlier versions give the field.
    older: Vec<(u8, Older)>,
    /// What earlier values become.
    ty: ValueType,
}

/// The constants of a field in one layout.
#[derive(Clone, Debug)]
pub(super) struct Accessor {
    null_byte: usize,
    null_mask: u8,
    place: Place,
    ends: usize,
    heap: usize,
    ty: ValueType,
}

impl Accessor {
    fn new(layout: &Layout, field: usize) -> Self {
        Self {
            null_byte: PREFIX + header_len(layout.kind) + field / 8,
            null_mask: 1 << (field % 8),
            place: layout.places[field],
            ends: layout.ends,
            heap: layout.ends + 4 * layout.variable,
            ty: layout.fields[field].clone(),
        }
    }

    #[inline]
    pub(super) fn read<'t>(&self, row: &'t [u8], arena: &'t Arena) -> Result<Value<'t>> {
        let nulls = *row.get(self.null_byte).ok_or_else(|| damaged("a row ends in its null bitmap"))?;
        if nulls & self.null_mask != 0 {
            return Ok(Value::Null);
        }
        match self.place {
            Place::Fixed(offset) => match self.ty {
                ValueType::Scalar(scalar) => fixed(row, offset as usize, scalar),
                ValueType::List(_) | ValueType::Object(_) | ValueType::Optional(_) => {
                    Err(damaged("a list in the fixed area"))
                }
            },
            Place::Variable(index) => {
                let bytes = self.variable(row, index as usize)?;
                match self.ty {
                    ValueType::Scalar(_) => text(bytes).map(Value::Str),
                    ValueType::List(_) | ValueType::Object(_) | ValueType::Optional(_) => list::decode(bytes, arena),
                }
            }
        }
    }

    fn variable<'t>(&self, row: &'t [u8], index: usize) -> Result<&'t [u8]> {
        let end = |index: usize| {
            let at = self.ends + 4 * index;
            let bytes = row.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            bytes.map(|bytes| u32::from_le_bytes(bytes) as usize).ok_or_else(|| damaged("a row ends in its offsets"))
        };
        let start = if index == 0 { 0 } else { end(index - 1)? };
        let bytes = row.get(self.heap + start..self.heap + end(index)?);
        bytes.ok_or_else(|| damaged("a row is shorter than its offsets say"))
    }
}

impl FieldReader {
    /// A reader of the field at a position of the current layout, which earlier layouts hold at `older`, if they do.
    #[must_use]
    pub fn new<'l>(
        current: &Layout,
        field: usize,
        older: impl IntoIterator<Item = (&'l Layout, Option<usize>)>,
    ) -> Self {
        let older = older.into_iter().map(|(layout, field)| {
            (layout.version, field.map_or(Older::Absent, |field| Older::Field(Accessor::new(layout, field))))
        });
        let current_accessor = Accessor::new(current, field);
        let older = older.collect();
        Self { version: current.version, ty: current_accessor.ty.clone(), current: current_accessor, older }
    }

    /// The same for rows of an earlier layout that a migration maps; `names` are the fields of that layout, without those whose
    /// values are lost.
    pub fn migrate(&mut self, layout: &Layout, origin: &Origin, names: &[Option<String>]) {
        let position = |name: &str| names.iter().position(|known| known.as_deref() == Some(name));
        let field = |name: &str| position(name).map(|position| Accessor::new(layout, position));
        self.older.retain(|(version, _)| *version != layout.version);
        self.older.push((layout.version, Older::new(origin, &field)));
    }

    /// The same, but what a migration sets to the time of the read is absent.
    #[must_use]
    pub fn timeless(&self) -> Self {
        let older = self.older.iter().map(|(version, older)| (*version, older.timeless()));
        Self { older: older.collect(), ..self.clone() }
    }

    /// Whether rows give the same at any time.
    #[must_use]
    pub fn is_timeless(&self) -> bool {
        self.older.iter().all(|(_, older)| older.is_timeless())
    }

    /// The field's type.
    #[must_use]
    pub const fn ty(&self) -> &ValueType {
        &self.ty
    }

    /// The value of the field in a row.
    ///
    /// # Errors
    ///
    /// [`EngineError::Damaged`](crate::EngineError::Damaged) when the row is none of this type's.
    #[inline]
    pub fn read<'t>(&self, row: &'t [u8], arena: &'t Arena) -> Result<Value<'t>> {
        match row {
            [FORMAT, version, ..] if *version == self.version => self.current.read(row, arena),
            [FORMAT, version, ..] => self.read_older(*version, row, arena),
            _ => Err(damaged("a row does not start as rows do")),
        }
    }

    #[cold]
    fn read_older<'t>(&self, version: u8, row: &'t [u8], arena: &'t Arena) -> Result<Value<'t>> {
        let known = self.older.iter().find(|(known, _)| *known == version);
        let Some((_, older)) = known else { return Err(damaged("a row of an unknown layout version")) };
        Ok(match (older.read(row, arena)?, &self.ty) {
            (Value::F32(value), ValueType::Scalar(ScalarType::F64)) => Value::F64(f64::from(value)),
            (value, _) => value,
        })
    }
}

#[inline]
fn fixed<'t>(row: &'t [u8], at: usize, scalar: ScalarType) -> Result<Value<'t>> {
    Ok(match scalar {
        ScalarType::Boolean => Value::Bool(bytes::<1>(row, at)? != [0]),
        ScalarType::I8 => Value::Int(i8::from_le_bytes(bytes(row, at)?).into()),
        ScalarType::I16 => Value::Int(i16::from_le_bytes(bytes(row, at)?).into()),
        ScalarType::I32 => Value::Int(i32::from_le_bytes(bytes(row, at)?).into()),
        ScalarType::I64 => Value::Int(i64::from_le_bytes(bytes(row, at)?)),
        ScalarType::U8 => Value::Int(u8::from_le_bytes(bytes(row, at)?).into()),
        ScalarType::U16 => Value::Int(u16::from_le_bytes(bytes(row, at)?).into()),
        ScalarType::U32 => Value::Int(u32::from_le_bytes(bytes(row, at)?).into()),
        ScalarType::U64 => Value::unsigned(u64::from_le_bytes(bytes(row, at)?).into()),
        ScalarType::U128 => match u128::from_le_bytes(bytes(row, at)?) {
            value if value > i64::MAX as u128 => Value::Big(Big::new(value)),
            value => Value::Int(value as i64),
        },
        ScalarType::F32 => Value::F32(f32::from_le_bytes(bytes(row, at)?)),
        ScalarType::F64 => Value::F64(f64::from_le_bytes(bytes(row, at)?)),
        ScalarType::Id => Value::Id(Uuid::from_bytes(bytes(row, at)?)),
        ScalarType::Date => Value::Date(Date {
            seconds: i64::from_le_bytes(bytes(row, at)?),
            nanoseconds: u32::from_le_bytes(bytes(row, at + 8)?),
        }),
        ScalarType::String => return Err(damaged("text in the fixed area")),
    })
}

#[inline]
fn bytes<const N: usize>(row: &[u8], at: usize) -> Result<[u8; N]> {
    let slice = row.get(at..at + N).and_then(|slice| slice.try_into().ok());
    slice.ok_or_else(|| damaged("a row ends in a field"))
}

pub(super) fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| damaged("text that is not UTF-8"))
}
