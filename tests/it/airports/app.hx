N::Airport {
    UNIQUE INDEX iata: String,
    name: String,
    city: String,
    INDEX state: String,
    latitude: F64,
    longitude: F64,
    reviewed: Boolean DEFAULT false
}

E::Route UNIQUE { From: Airport, To: Airport, Properties: { flights: U32 } }

V::Place { iata: String }

E::LocatedAt { From: Airport, To: Place }

QUERY load_airports(rows: [{ iata: String, name: String, city: String, state: String, latitude: F64, longitude: F64, position: [F64] }]) =>
    FOR { iata, name, city, state, latitude, longitude, position } IN rows {
        airport <- AddN<Airport>({ iata: iata, name: name, city: city, state: state, latitude: latitude, longitude: longitude })
        place <- AddV<Place>(position, { iata: iata })
        AddE<LocatedAt>::From(airport)::To(place)
    }
    RETURN NONE

QUERY load_routes(rows: [{ origin: String, destination: String, count: U32 }]) =>
    FOR { origin, destination, count } IN rows {
        a <- N<Airport>({ iata: origin })
        b <- N<Airport>({ iata: destination })
        AddE<Route>({ flights: count })::From(a)::To(b)
    }
    RETURN NONE

QUERY count_all() =>
    airports <- N<Airport>::COUNT
    routes <- E<Route>::COUNT
    places <- V<Place>::COUNT
    RETURN airports, routes, places

QUERY airport(iata: String) =>
    airport <- N<Airport>({ iata: iata })
    RETURN airport

QUERY in_state(state: String) =>
    airports <- N<Airport>::WHERE(_::{state}::EQ(state))
    RETURN airports::{iata}

QUERY destinations(iata: String) =>
    found <- N<Airport>({ iata: iata })::Out<Route>
    RETURN found::{iata}

QUERY origins(iata: String) =>
    found <- N<Airport>({ iata: iata })::In<Route>
    RETURN found::{iata}

QUERY two_hops(iata: String) =>
    found <- N<Airport>({ iata: iata })::Out<Route>::Out<Route>
    total <- N<Airport>({ iata: iata })::Out<Route>::Out<Route>::COUNT
    RETURN found::{iata}, total

QUERY busy_routes(iata: String, min: U32) =>
    routes <- N<Airport>({ iata: iata })::OutE<Route>::WHERE(_::{flights}::GTE(min))
    RETURN routes::|r|{ to: r::ToN::{iata}, flights }

QUERY busy_count(min: U32) =>
    routes <- E<Route>::WHERE(_::{flights}::GT(min))::COUNT
    RETURN routes

QUERY northernmost(south: F64, start: I64, end: I64) =>
    airports <- N<Airport>::WHERE(AND(_::{latitude}::GTE(south), _::{longitude}::LT(-100.0)))::ORDER<Desc>(_::{latitude})::RANGE(start, end)
    RETURN airports::{iata, latitude}

QUERY hubs(min: I64) =>
    airports <- N<Airport>::WHERE(_::Out<Route>::COUNT::GTE(min))
    RETURN airports::|a|{ iata, out: a::Out<Route>::COUNT, into: a::In<Route>::COUNT }

QUERY unconnected() =>
    airports <- N<Airport>::WHERE(AND(!EXISTS(_::Out<Route>), !EXISTS(_::In<Route>)))::COUNT
    RETURN airports

QUERY near(position: [F64], k: I64) =>
    places <- SearchV<Place>(position, k)
    RETURN places::{iata, score}

QUERY airports_near(position: [F64], k: I64) =>
    airports <- SearchV<Place>(position, k)::In<LocatedAt>
    RETURN airports::{iata}

QUERY review(state: String) =>
    airports <- N<Airport>::WHERE(_::{state}::EQ(state))::UPDATE({ reviewed: true })
    RETURN airports::{state}

QUERY reviewed() =>
    airports <- N<Airport>::WHERE(_::{reviewed}::EQ(true))
    RETURN airports::{iata}

QUERY rename_code(iata: String, new: String) =>
    airport <- N<Airport>({ iata: iata })::UPDATE({ iata: new })
    RETURN airport::{iata}

QUERY close_airport(iata: String) =>
    DROP N<Airport>({ iata: iata })
    RETURN NONE

QUERY cancel_routes(iata: String) =>
    DROP N<Airport>({ iata: iata })::OutE<Route>
    RETURN NONE
