//! The arguments of a query as a struct.

use helix_plan::{Param, ScalarType, ValueType};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// The struct of the parameters at these positions, and how it is made of the arguments of a run.
pub(super) fn structure(params: &[(usize, Ident, &Param)]) -> TokenStream {
    if params.is_empty() {
        return TokenStream::new();
    }
    let fields = params.iter().map(|(_, name, param)| {
        let (doc, ty) = (format!(" `{}`", param.name), rust_type(&param.ty));
        quote!(#[doc = #doc] #name: #ty)
    });
    let values = params.iter().map(|(index, name, _)| {
        let index = Literal::usize_unsuffixed(*index);
        quote!(#name: argument(run, #index)?)
    });
    let (lifetime, for_run) = if params.iter().any(|(_, _, param)| borrows(&param.ty)) {
        (quote!(<'a>), quote!(&Run<'a, '_>))
    } else {
        (TokenStream::new(), quote!(&Run<'_, '_>))
    };
    quote! {
        /// What the query looks at of its arguments.
        struct Input #lifetime { #(#fields),* }

        impl #lifetime Input #lifetime {
            fn of(run: #for_run) -> Result<Self> {
                Ok(Self { #(#values),* })
            }
        }
    }
}

fn borrows(ty: &ValueType) -> bool {
    match ty {
        ValueType::Scalar(scalar) => *scalar == ScalarType::String,
        ValueType::List(_) | ValueType::Object(_) => true,
        ValueType::Optional(ty) => borrows(ty),
    }
}

fn rust_type(ty: &ValueType) -> TokenStream {
    let scalar = match ty {
        ValueType::List(_) => return quote!(&'a [Value<'a>]),
        ValueType::Object(_) => return quote!(&'a [(&'a str, Value<'a>)]),
        ValueType::Optional(ty) => {
            let ty = rust_type(ty);
            return quote!(Option<#ty>);
        }
        ValueType::Scalar(scalar) => scalar,
    };
    match scalar {
        ScalarType::String => quote!(&'a str),
        ScalarType::Boolean => quote!(bool),
        ScalarType::I8 => quote!(i8),
        ScalarType::I16 => quote!(i16),
        ScalarType::I32 => quote!(i32),
        ScalarType::I64 => quote!(i64),
        ScalarType::U8 => quote!(u8),
        ScalarType::U16 => quote!(u16),
        ScalarType::U32 => quote!(u32),
        ScalarType::U64 => quote!(u64),
        ScalarType::U128 => quote!(u128),
        ScalarType::F32 => quote!(f32),
        ScalarType::F64 => quote!(f64),
        ScalarType::Id => quote!(Uuid),
        ScalarType::Date => quote!(Date),
    }
}
