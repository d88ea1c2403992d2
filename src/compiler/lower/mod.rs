//! From checked constructs to the plan: the parts that know nothing of the syntax.
//!
//! The checker types an expression and builds its plan node in one go, so that no construct is described twice; what it needs
//! for that is here: [`QueryBuilder`] numbers slots and spans, [`literal`] turns constants into values of a type, and
//! [`survey`] reads off a finished query how it has to be run.

mod builder;
pub(super) mod literal;
mod survey;

pub(super) use builder::QueryBuilder;
pub(super) use survey::survey;
