//! The API's routes, in one table.

mod law;
mod people;
pub(crate) mod records;
pub(crate) mod schemas;
pub(crate) mod system;

use serde_json::Value;

pub(crate) use law::{difference_json, fact_json as law_fact, license_json, model_json, named as license_named};
pub(crate) use people::{access_json, end_token};

use crate::routes::{Gives, Route, Takes, Who, Work};

type Query = &'static [(&'static str, &'static str, &'static str)];

/// Who keeps people, rules and webhooks.
pub(crate) const KEEPER: Who = Who::Roles(&["compliance"]);
/// Who may read what everybody did and who has an account.
pub(crate) const READER_OF_ALL: Who = Who::Roles(&["compliance", "auditor"]);
/// Who may make records.
pub(crate) const MAKER: Who = Who::Roles(&["requester", "owner", "automation"]);
/// Who may state something in a record; which fields, the record's own rules say.
pub(crate) const DOER: Who = Who::Roles(&[
    "requester",
    "owner",
    "data-steward",
    "legal",
    "privacy",
    "security",
    "risk",
    "compliance",
    "automation",
]);
/// Who may start trainings.
pub(crate) const TRAINER: Who = Who::Roles(&["requester", "owner", "automation", "compliance"]);
/// Who may say that an answer is wrong: whoever reads it.
const READER: Who = Who::Anybody;

const PAGED: Query = &[("after", "text", "what the page before ended with"), ("limit", "count", "how many, 1 to 1000")];
const NONE: Query = &[];

const fn route(method: &'static str, path: &'static str, tag: &'static str, says: &'static str, work: Work) -> Route {
    Route {
        method,
        path,
        tag,
        says,
        who: Who::Anybody,
        scope: "read",
        query: NONE,
        takes: Takes::Nothing,
        gives: Gives::Json(200, schemas::object),
        work,
    }
}

const fn get(path: &'static str, tag: &'static str, says: &'static str, gives: fn() -> Value, work: Work) -> Route {
    Route { gives: Gives::Json(200, gives), ..route("GET", path, tag, says, work) }
}

/// A question: nothing is kept of it.
const fn ask(path: &'static str, says: &'static str, takes: fn() -> Value, gives: fn() -> Value, work: Work) -> Route {
    Route {
        scope: "assess",
        takes: Takes::Json(takes),
        gives: Gives::Json(200, gives),
        ..route("POST", path, "questions", says, work)
    }
}

/// Every route of the API.
pub(crate) const ROUTES: &[Route] = &[
    Route { who: Who::Nobody, ..get("/api/openapi.json", "system", "this document", schemas::object, system::openapi) },
    Route {
        who: Who::Nobody,
        gives: Gives::Raw("text/plain"),
        ..route("GET", "/healthz", "system", "the process answers", system::health)
    },
    Route {
        who: Who::Nobody,
        gives: Gives::Raw("text/plain"),
        ..route("GET", "/readyz", "system", "the register can be read", system::ready)
    },
    Route {
        gives: Gives::Raw("text/plain; version=0.0.4"),
        ..route("GET", "/metrics", "system", "counters, for Prometheus", system::metrics)
    },
    // questions
    ask(
        "/api/v1/assessments",
        "judges a model by its name, or a case",
        schemas::question,
        schemas::assessment,
        law::assess,
    ),
    Route {
        takes: Takes::Raw("application/octet-stream"),
        query: &[
            ("name", "text", "what the model is called"),
            ("facts", "text", "facts of its use, as a JSON object"),
            ("made_by", "organization|third-party", "who made it"),
        ],
        gives: Gives::Json(200, schemas::assessments),
        scope: "assess",
        ..route(
            "POST",
            "/api/v1/assessments/bundle",
            "questions",
            "judges an uploaded bundle of headers, as `freehold inspect --bundle` makes it, or an archive of model files",
            law::assess_bundle,
        )
    },
    ask(
        "/api/v1/what-if",
        "what moves under other facts or on another base",
        schemas::what_if,
        schemas::object,
        law::what_if,
    ),
    ask(
        "/api/v1/advice",
        "which base models may be used so, best first",
        schemas::advice,
        schemas::object,
        law::advice,
    ),
    ask(
        "/api/v1/claims",
        "what a guide recommends, beside what the texts say",
        schemas::advice,
        schemas::object,
        law::claims,
    ),
    Route {
        takes: Takes::Raw("text/plain"),
        scope: "assess",
        ..route("POST", "/api/v1/identify", "questions", "which license a text is, and where it differs", law::identify)
    },
    // law
    Route {
        query: PAGED,
        ..get("/api/v1/licenses", "law", "licenses of the catalog", schemas::licenses, law::licenses)
    },
    get("/api/v1/licenses/{id}", "law", "what a license says, term by term", schemas::object, law::license),
    Route {
        query: &[("license", "text", "a license or edition; several times")],
        ..get("/api/v1/comparison", "law", "licenses side by side", schemas::object, law::comparison)
    },
    Route {
        query: &[("from", "text", "a license or edition"), ("to", "text", "another")],
        ..get(
            "/api/v1/diffs",
            "law",
            "what changes between two licenses or editions, and for whom",
            schemas::object,
            law::difference,
        )
    },
    Route {
        query: &[
            ("q", "text", "a part of its id"),
            ("after", "text", "what the page before ended with"),
            ("limit", "count", "how many, 1 to 1000"),
        ],
        ..get("/api/v1/models", "law", "models of the catalog", schemas::models, law::models)
    },
    get("/api/v1/models/{publisher}/{name}", "law", "what is known of a model", schemas::object, law::model),
    get("/api/v1/facts", "law", "facts that a use may state", schemas::object, law::facts),
    get(
        "/api/v1/services",
        "law",
        "vendors of models as a service, and what their documents state",
        schemas::object,
        law::services,
    ),
    Route {
        query: &[
            ("license", "text", "under which weights are held"),
            ("service", "text", "a service; several times; none for all"),
        ],
        ..get("/api/v1/ownership", "law", "what one owns beside what one rents", schemas::object, law::ownership)
    },
    // records
    Route {
        query: &[
            ("state", "text", "a state of the workflow"),
            ("license", "text", "a license that governs, or the beginning of its name"),
            ("base", "text", "a base model, or the beginning of its name"),
            ("owner", "text", "who answers for it"),
            ("verdict", "text", "the verdict"),
            ("q", "text", "a part of its name"),
            ("expires_before", "day", "approvals that end by this day"),
            ("view", "text", "a saved view"),
            ("after", "text", "what the page before ended with"),
            ("limit", "count", "how many, 1 to 1000"),
        ],
        ..get("/api/v1/records", "records", "records, in the order of their ids", schemas::records, records::list)
    },
    Route {
        who: MAKER,
        scope: "write",
        takes: Takes::Json(schemas::new_record),
        gives: Gives::Json(201, schemas::record),
        ..route("POST", "/api/v1/records", "records", "makes a record of a model", records::create)
    },
    Route {
        who: MAKER,
        scope: "write",
        takes: Takes::Raw("application/octet-stream"),
        gives: Gives::Json(201, schemas::record),
        query: &[
            ("name", "text", "what the record is called"),
            ("facts", "text", "facts of its use, as a JSON object"),
            ("made_by", "organization|third-party", "who made it"),
        ],
        ..route(
            "POST",
            "/api/v1/records/bundle",
            "records",
            "makes a record of an uploaded bundle of headers",
            records::create_bundle,
        )
    },
    get("/api/v1/records/{id}", "records", "one record", schemas::record, records::one),
    get(
        "/api/v1/records/{id}/assessment",
        "records",
        "its assessment under the law of today",
        schemas::assessment,
        records::assessment,
    ),
    get("/api/v1/records/{id}/events", "records", "what happened to it, in order", schemas::object, records::events),
    get("/api/v1/records/{id}/proofs", "records", "a proof for each of its events", schemas::object, records::proofs),
    get("/api/v1/records/{id}/coverage", "records", "what regimes ask of it", schemas::object, records::coverage),
    get(
        "/api/v1/records/{id}/pass-through",
        "records",
        "the clause that our own terms of sale need",
        schemas::object,
        records::pass_through,
    ),
    Route {
        gives: Gives::Raw("application/x-tar"),
        ..route("GET", "/api/v1/records/{id}/export", "records", "its evidence pack", records::export)
    },
    Route {
        who: Who::Roles(&["requester", "owner", "compliance", "automation"]),
        scope: "write",
        takes: Takes::Json(schemas::reassess_one),
        gives: Gives::Json(200, schemas::record),
        ..route(
            "POST",
            "/api/v1/records/{id}/assess",
            "records",
            "assesses it again under the law of today, or from another case",
            records::assess_again,
        )
    },
    Route {
        who: Who::Roles(&["requester", "owner", "data-steward", "legal", "risk", "automation"]),
        scope: "write",
        takes: Takes::Json(schemas::fact),
        gives: Gives::Json(200, schemas::record),
        ..route("POST", "/api/v1/records/{id}/facts", "records", "states a field of it", records::set)
    },
    Route {
        who: DOER,
        scope: "write",
        takes: Takes::Json(schemas::step),
        gives: Gives::Json(200, schemas::record),
        ..route(
            "POST",
            "/api/v1/records/{id}/steps/{step}",
            "workflow",
            "takes a step: submit, triage, approve, …",
            records::step,
        )
    },
    Route {
        who: READER,
        scope: "write",
        takes: Takes::Json(schemas::report),
        gives: Gives::Json(201, schemas::object),
        ..route(
            "POST",
            "/api/v1/records/{id}/report",
            "records",
            "writes a wrong answer as a case file",
            records::report,
        )
    },
    Route {
        scope: "assess",
        takes: Takes::Json(schemas::impact),
        ..route(
            "POST",
            "/api/v1/impact",
            "workflow",
            "which records other facts or another day would move",
            records::impact,
        )
    },
    Route {
        who: Who::Roles(&["compliance", "automation"]),
        scope: "approve",
        takes: Takes::Json(schemas::impact),
        ..route("POST", "/api/v1/reassess", "workflow", "assesses every record again", records::reassess)
    },
    // the register
    get(
        "/api/v1/register",
        "register",
        "its log: name, size, signed checkpoint, public key",
        schemas::object,
        system::register,
    ),
    get("/api/v1/register/proofs/{index}", "register", "the proof of an event", schemas::object, system::proof),
    Route {
        scope: "read",
        ..route("POST", "/api/v1/register/verify", "register", "compares everything with everything", system::verify)
    },
    get("/api/v1/rules", "register", "who must approve what", schemas::object, system::rules),
    Route {
        who: KEEPER,
        scope: "admin",
        takes: Takes::Json(schemas::rules),
        ..route("PUT", "/api/v1/rules", "register", "keeps other rules", system::keep_rules)
    },
    get(
        "/api/v1/waivers",
        "workflow",
        "exceptions of all records: asked for, agreed to, ended",
        schemas::object,
        records::waivers,
    ),
    // views
    get("/api/v1/views", "views", "saved views", schemas::object, system::views),
    Route {
        scope: "write",
        takes: Takes::Json(schemas::view),
        ..route("PUT", "/api/v1/views/{name}", "views", "saves a view", system::save_view)
    },
    Route {
        scope: "write",
        gives: Gives::Empty,
        ..route("DELETE", "/api/v1/views/{name}", "views", "takes a view away", system::drop_view)
    },
    // people
    get("/api/v1/me", "people", "who asks", schemas::object, people::me),
    Route {
        who: READER_OF_ALL,
        scope: "admin",
        ..get("/api/v1/accounts", "people", "accounts", schemas::object, people::accounts)
    },
    Route {
        who: KEEPER,
        scope: "admin",
        takes: Takes::Json(schemas::account),
        gives: Gives::Json(201, schemas::object),
        ..route("POST", "/api/v1/accounts", "people", "makes an account", people::add_account)
    },
    Route {
        who: KEEPER,
        scope: "admin",
        takes: Takes::Json(schemas::account_change),
        ..route(
            "PATCH",
            "/api/v1/accounts/{login}",
            "people",
            "changes roles, password, or closes an account",
            people::change_account,
        )
    },
    get("/api/v1/tokens", "people", "your tokens", schemas::object, people::tokens),
    Route {
        scope: "admin",
        takes: Takes::Json(schemas::token),
        gives: Gives::Json(201, schemas::object),
        ..route("POST", "/api/v1/tokens", "people", "makes a token; its secret is told once", people::add_token)
    },
    Route {
        scope: "admin",
        gives: Gives::Empty,
        ..route("DELETE", "/api/v1/tokens/{id}", "people", "ends a token", people::drop_token)
    },
    Route {
        who: READER_OF_ALL,
        scope: "admin",
        query: &[("before", "text", "what the page before ended with"), ("limit", "count", "how many, 1 to 1000")],
        ..get("/api/v1/access", "people", "who asked for what, latest first", schemas::object, people::access)
    },
    // webhooks
    Route {
        who: KEEPER,
        scope: "admin",
        ..get("/api/v1/webhooks", "webhooks", "where changes are told", schemas::object, people::hooks)
    },
    Route {
        who: KEEPER,
        scope: "admin",
        takes: Takes::Json(schemas::hook),
        gives: Gives::Json(201, schemas::object),
        ..route(
            "POST",
            "/api/v1/webhooks",
            "webhooks",
            "tells changes to an address; the secret that signs them is told once",
            people::add_hook,
        )
    },
    Route {
        who: KEEPER,
        scope: "admin",
        gives: Gives::Empty,
        ..route("DELETE", "/api/v1/webhooks/{id}", "webhooks", "stops telling", people::drop_hook)
    },
    // trainings
    get("/api/v1/runs", "trainings", "trainings of this server", schemas::object, crate::runs::list),
    Route {
        who: TRAINER,
        scope: "tune",
        takes: Takes::Json(schemas::run),
        gives: Gives::Json(201, schemas::object),
        ..route("POST", "/api/v1/runs", "trainings", "starts a training", crate::runs::start)
    },
    get("/api/v1/runs/{id}", "trainings", "one training", schemas::object, crate::runs::one),
    Route {
        who: TRAINER,
        scope: "tune",
        ..route("POST", "/api/v1/runs/{id}/stop", "trainings", "stops a training", crate::runs::stop)
    },
];
