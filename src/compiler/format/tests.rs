//! What the canonical form looks like, and what holds of it for every text.

use proptest::prelude::*;

use super::format;
use crate::compiler::source::{FileId, SourceSet};
use crate::compiler::syntax::{self, SyntaxKind};
use crate::compiler::{compile, tests::EXAMPLE};

fn formatted(text: &str) -> String {
    format(FileId(0), text).unwrap_or_else(|problems| panic!("{text}\n{problems:#?}"))
}

/// Formats a text, and checks that the result stays as it is.
fn stable(text: &str) -> String {
    let once = formatted(text);
    assert_eq!(formatted(&once), once, "formatted again, it changes; from:\n{text}");
    once
}

fn comments(text: &str) -> Vec<String> {
    let tree = syntax::parse(FileId(0), text).syntax();
    let tokens = tree.descendants_with_tokens().filter_map(rowan::NodeOrToken::into_token);
    let comments = tokens.filter(|token| token.kind() == SyntaxKind::COMMENT);
    comments.map(|token| token.text().trim_end().to_owned()).collect()
}

#[test]
fn schemas() {
    insta::assert_snapshot!(stable(
        "N::User{UNIQUE INDEX email:String,name:String,age:U8,joined:Date DEFAULT NOW,}N::Empty{}\n\n\n\
         E::Follows{From:User,To:User}\nE::Likes UNIQUE{From:User,To:User}
E::Wrote UNIQUE {From:User, To:User, Properties:{at:Date DEFAULT NOW, n: I32 DEFAULT - 1}}
schema::1 { N::City { tags : [ String ] DEFAULT NONE } E::Near{From:City,To:City} V::Doc{ title : String } }
MIGRATION schema::1=>schema::2 { N::City=>_::{ Properties:{tags:tags, size: old AS U8} } N::A => N::B { a: 1, } }"
    ));
}

#[test]
fn lines_that_fit_are_lines() {
    insta::assert_snapshot!(stable(
        r#"
#[mcp] #[model("gemini:x")]
QUERY all(a:I32,b?:String,rows:[{x:String,y:[F64]}])=>
u<-N<User>( {email:b} )::Out<Wrote>::WHERE( AND(_::{age}::GT(a),!EXISTS(_::In<Follows>)) )
p <- AddN<User>({name:b,age:- 5})


e<-AddE<Follows>( {at:NOW ( ),} )::From(u)::To(p)
FOR x IN rows{ DROP N<User>( x ) }
FOR {x,y} IN rows {AddV<Doc>(y,{title:x})
}
FOR x.y IN rows {}
found <- SearchV<Doc>(Embed(b),10)::RerankMMR(lambda:0.5)::ORDER<Desc>(_::{age})::RANGE(0,10,)
RETURN u::{name},p::{name,age,fans:_::In<Follows>::COUNT},e::!{at},u::{..},u::|x|{name:x::{name}, posts: ::Out<Wrote>},[1,"two"],{a:{},b:[]},
QUERY none() => RETURN NONE"#
    ));
}

#[test]
fn lines_that_do_not_fit_end_at_their_outermost_parts() {
    insta::assert_snapshot!(stable(
        r#"
QUERY load_airports(rows: [{ iata: String, name: String, city: String, state: String, latitude: F64, longitude: F64 }]) =>
    FOR { iata, name, city, state, latitude, longitude, position, elevation, time_zone, country_code } IN rows {
        airport <- AddN<Airport>({ iata: iata, name: name, city: city, state: state, latitude: latitude, longitude: longitude })
        place <- AddV<Place>(position, { iata: iata, name: name, city: city, state: state, latitude: latitude, longit: longit })
        AddE<LocatedAt>({ since: since, until: until })::From(airport_with_a_long_name)::To(place_with_a_long_name_as_well)
        AddE<LocatedAt>({ since: since, until: until, comment: comment, source_of_information: source_of_information, x: x })::From(a)::To(b)
    }
    RETURN NONE

QUERY several_parameters(first_parameter: String, second_parameter: String, third_parameter: String, f: F64) =>
    people <- N<User>::WHERE(AND(_::{age}::GTE(min), EXISTS(_::Out<Wrote>)))::ORDER<Desc>(_::{age})::RANGE(0, 10)
    more <- N<User>::WHERE(AND(_::{age}::GTE(the_minimum_of_all_ages), EXISTS(_::Out<Wrote>::WHERE(_::{title}::EQ(title))), OR(_::{name}::EQ(name), _::{name}::EQ(other_name_that_is_long))))
    user_of_long_name <- user::Out<Follows>::Out<Follows>::Out<Follows>::Out<Follows>::Out<Follows>::Out<Follows>
    RETURN people::|p|{ who: p::{name}, fans: p::In<Follows>::COUNT, posts: p::Out<Wrote>::{title, likes}, x: p::{x} }

QUERY several_values() =>
    RETURN the_first_of_many_values, the_second_of_many_values, the_third_of_many_values, the_fourth_of_many_values

QUERY nested() =>
    RETURN { app: { name: app::{name}, pages: pages::{title}, inner: { size: SUM(pages::{size}), more: [one, two, three] } }, total: 5 }

QUERY user_and_posts() =>
    RETURN user, posts::{ title, likes, comments: _::Out<HasComment>::{ text, author: _::In<Commented>::{name}, likes } }
"#
    ));
}

#[test]
fn comments_stay_where_they_are() {
    insta::assert_snapshot!(stable(
        "\n\n// the file\n\n\n// a node\nN::User { // behind a brace

    // before a field
    name: String, // behind a field


    // after a blank line
    age: U8 // before a comma
    , // behind a comma
    // the last
}
// right behind
E::Follows { From: User, // behind an end
 To: User }
N::Empty {
// nothing yet
}
QUERY q(a: I32 // behind a parameter
) => // behind an arrow

    // first

    x <- // within an assignment
        N<User>
        // between steps
        ::WHERE(_::{age}::GT(a)) // behind a step
        ::{name}

    // before a loop
    FOR y IN x {
        // an empty loop
    }
    RETURN x, // behind a value
    a // behind a query
// at the end"
    ));
}

#[test]
fn what_is_not_understood_is_not_touched() {
    for text in ["N::User {", "QUERY q( => RETURN NONE", "N::User { name: String } }", "N::A { a: 'x' }"] {
        assert!(format(FileId(0), text).is_err(), "{text}");
    }
}

#[test]
fn texts_without_declarations_end_with_their_comments() {
    assert_eq!(stable(""), "");
    assert_eq!(stable("\u{feff} \r\n"), "");
    assert_eq!(stable("\n // one \r\n\r\n\r\n//two"), "// one\n\n//two\n");
}

#[test]
fn strings_keep_their_lines() {
    let text = stable("N::A { a: String DEFAULT \"x\r\n   y\" }\r\n");
    assert_eq!(text, "N::A {\n    a: String DEFAULT \"x\r\n   y\"\n}\n");
}

#[test]
fn time_is_linear_in_the_nesting() {
    let deep = 120;
    let filters = format!("{}_::Out<F>{}", "EXISTS(_::Out<F>::WHERE(".repeat(deep / 4), "))".repeat(deep / 4));
    let objects = format!("{{ a: 1, b: {}{{ c: 1 }}{} }}", "{ a: 1, b: ".repeat(deep / 2), " }".repeat(deep / 2));
    let hugs = format!("{}1{}", "ABS(".repeat(deep - 20), ")".repeat(deep - 20));
    for value in [format!("N<T>::WHERE({filters})"), objects, hugs] {
        stable(&format!("QUERY q() =>\n    RETURN {value}\n"));
    }
    // As many steps as there may be.
    let long = "::Out<Follows>".repeat(128);
    stable(&format!("QUERY q() =>\n    RETURN N<T>{long}\n"));
}

/// What may stand between two tokens: white space, and comments that end with their line.
fn trivia() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => Just(" ".to_owned()),
        2 => Just("\n".to_owned()),
        1 => Just("\n\n\n".to_owned()),
        1 => Just("\t\r\n  ".to_owned()),
        1 => "//[ a-z\"{}]{0,12}\n",
    ];
    proptest::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat())
}

/// The tokens of the worked example without white space, so that any may be put between them.
fn tokens() -> Vec<String> {
    let tree = syntax::parse(FileId(0), EXAMPLE).syntax();
    let tokens = tree.descendants_with_tokens().filter_map(rowan::NodeOrToken::into_token);
    tokens.filter(|token| !token.kind().is_trivia()).map(|token| token.text().to_owned()).collect()
}

fn digest(text: &str) -> String {
    let compiled = compile(&SourceSet::new([("case.hx".to_owned(), text.to_owned())]));
    compiled.program.unwrap_or_else(|| panic!("{text}\n{:#?}", compiled.diagnostics)).digest().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_between_tokens_the_meaning_and_the_comments_stay(
        between in proptest::collection::vec(trivia(), 400),
    ) {
        let text: String = tokens().iter().zip(between.iter().cycle()).flat_map(|(token, gap)| [gap, token].map(String::as_str)).collect();
        let once = stable(&text);
        prop_assert_eq!(comments(&once), comments(&text));
        prop_assert_eq!(digest(&once), digest(EXAMPLE));
        prop_assert!(once.lines().all(|line| line.trim_end() == line && !line.contains('\t')));
    }

    /// White space alone changes nothing but empty lines.
    #[test]
    fn white_space_does_not_matter(between in proptest::collection::vec("[ \t\n]{1,3}", 400)) {
        let text: String = tokens().iter().zip(between.iter().cycle()).flat_map(|(token, gap)| [gap, token].map(String::as_str)).collect();
        let full = |text: &str| text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(full(&stable(&text)), full(&stable(EXAMPLE)));
    }

    #[test]
    fn any_text_is_formatted_or_diagnosed(text in "[NEV:{}()<>,a-c\" \n/=-]{0,80}") {
        if let Ok(once) = format(FileId(0), &text) {
            prop_assert_eq!(format(FileId(0), &once), Ok(once.clone()));
            prop_assert_eq!(comments(&once), comments(&text));
        }
    }
}
