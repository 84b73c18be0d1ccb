//! Registers handlers, and makes the OpenAPI document of their types.

use std::future::Future;

use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, MethodRouter, on},
};
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{access, error::Result, http::Problem, server::Server};

/// The prefix of all paths.
const PREFIX: &str = "/api/v1";

/// A part of a request, as an argument of a handler.
pub(super) trait Input {
    /// Adds it to the description.
    fn describe(operation: &mut Operation, generator: &mut SchemaGenerator);
}

/// An answer of a handler.
pub(super) trait Output {
    /// Adds it to the description.
    fn describe(operation: &mut Operation, generator: &mut SchemaGenerator);
}

/// A handler whose arguments and answer are described.
pub(super) trait Described<Arguments> {
    /// Describes all of them.
    fn describe(operation: &mut Operation, generator: &mut SchemaGenerator);
}

macro_rules! described {
    ($($argument:ident)*) => {
        impl<Function, Pending, Answer, $($argument),*> Described<($($argument,)*)> for Function
        where
            Function: Fn($($argument),*) -> Pending,
            Pending: Future<Output = Result<Answer>>,
            Answer: Output,
            $($argument: Input),*
        {
            fn describe(operation: &mut Operation, generator: &mut SchemaGenerator) {
                $($argument::describe(operation, generator);)*
                Answer::describe(operation, generator);
            }
        }
    };
}

described!();
described!(A);
described!(A B);
described!(A B C);
described!(A B C D);
described!(A B C D E);

/// The description of one operation.
#[derive(Debug, Default)]
pub(super) struct Operation {
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Map<String, Value>,
}

impl Operation {
    pub(super) fn parameter(&mut self, parameter: Value) {
        self.parameters.push(parameter);
    }

    /// Each property of an object is a parameter of the query.
    pub(super) fn query(&mut self, schema: &Schema) {
        let required = schema
            .get("required")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            let mut schema = schema.clone();
            let description = schema
                .as_object_mut()
                .and_then(|schema| schema.remove("description"));
            self.parameter(json!({
                "name": name, "in": "query", "required": required.contains(&json!(name)),
                "description": description, "schema": schema,
            }));
        }
    }

    pub(super) fn body(&mut self, media_type: &str, schema: &Schema) {
        self.body =
            Some(json!({ "required": true, "content": { media_type: { "schema": schema } } }));
    }

    pub(super) fn answer(&mut self, status: &str, media_type: &str, schema: Option<Schema>) {
        let mut answer = json!({ "description": description(status) });
        if let Some(schema) = schema {
            answer["content"] = json!({ media_type: { "schema": schema } });
        }
        self.answers.insert(status.to_owned(), answer);
    }
}

fn description(status: &str) -> &'static str {
    match status {
        "201" => "Made; Location has its address.",
        "202" => "Begun; Location has the address of the result.",
        "204" => "Done.",
        _ => "The answer.",
    }
}

/// Routes and their OpenAPI document.
#[derive(Debug)]
pub struct Api {
    router: Router<Server>,
    generator: SchemaGenerator,
    paths: Map<String, Value>,
}

impl Api {
    pub(super) fn new() -> Self {
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        Self {
            router: Router::new(),
            generator: settings.into_generator(),
            paths: Map::new(),
        }
    }

    pub(super) fn get<H, T, A>(self, path: &str, summary: &str, handler: H) -> Self
    where
        H: Handler<T, Server> + Described<A>,
        T: 'static,
    {
        self.add::<H, A>("get", path, summary, on(MethodFilter::GET, handler))
    }

    pub(super) fn post<H, T, A>(self, path: &str, summary: &str, handler: H) -> Self
    where
        H: Handler<T, Server> + Described<A>,
        T: 'static,
    {
        self.add::<H, A>("post", path, summary, on(MethodFilter::POST, handler))
    }

    pub(super) fn put<H, T, A>(self, path: &str, summary: &str, handler: H) -> Self
    where
        H: Handler<T, Server> + Described<A>,
        T: 'static,
    {
        self.add::<H, A>("put", path, summary, on(MethodFilter::PUT, handler))
    }

    pub(super) fn patch<H, T, A>(self, path: &str, summary: &str, handler: H) -> Self
    where
        H: Handler<T, Server> + Described<A>,
        T: 'static,
    {
        self.add::<H, A>("patch", path, summary, on(MethodFilter::PATCH, handler))
    }

    pub(super) fn delete<H, T, A>(self, path: &str, summary: &str, handler: H) -> Self
    where
        H: Handler<T, Server> + Described<A>,
        T: 'static,
    {
        self.add::<H, A>("delete", path, summary, on(MethodFilter::DELETE, handler))
    }

    fn add<H: Described<A>, A>(
        mut self,
        method: &str,
        path: &str,
        summary: &str,
        routes: MethodRouter<Server>,
    ) -> Self {
        let mut operation = Operation::default();
        let full = format!("{PREFIX}{path}");
        for name in path
            .split('{')
            .skip(1)
            .filter_map(|part| part.split('}').next())
        {
            operation.parameter(json!({
                "name": name, "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" },
            }));
        }
        H::describe(&mut operation, &mut self.generator);
        let problem = self.generator.subschema_for::<Problem>();
        operation.answers.insert(
            "default".to_owned(),
            json!({
                "description": "An error.",
                "content": { "application/problem+json": { "schema": problem } },
            }),
        );
        let mut described = json!({
            "operationId": operation_id(method, path),
            "summary": summary,
            "tags": [path.split('/').nth(1).unwrap_or_default()],
            "parameters": operation.parameters,
            "responses": operation.answers,
        });
        if let Some(body) = operation.body {
            described["requestBody"] = body;
        }
        match access::route(&method.to_uppercase(), &full).map(|route| route.who) {
            Some(access::Who::Roles(roles)) => {
                described["x-roles"] = json!(roles);
                described["security"] = json!([{ "token": [] }]);
            }
            Some(access::Who::Everybody) => described["security"] = json!([]),
            None => {}
        }
        let entry = self.paths.entry(full.clone()).or_insert_with(|| json!({}));
        entry[method] = described;
        self.router = self.router.route(&full, routes);
        self
    }

    pub(super) fn finish(mut self) -> (Router<Server>, Value) {
        let document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "attendance-server",
                "version": env!("CARGO_PKG_VERSION"),
                "license": { "name": "MIT OR Apache-2.0" },
            },
            "paths": self.paths,
            "components": {
                "schemas": self.generator.take_definitions(true),
                "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            },
        });
        (self.router, document)
    }
}

/// `get` and `/people/{person}/pin` become `get_people_person_pin`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|character: char| !character.is_ascii_alphanumeric());
    let words: Vec<&str> = [method]
        .into_iter()
        .chain(words.filter(|word| !word.is_empty()))
        .collect();
    words.join("_")
}
