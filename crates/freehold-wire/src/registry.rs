//! Exports of model registries: MLflow's, as its interface answers and as exports of it hold it.

use serde_json::Value;

/// Most versions that are read of one export.
const VERSIONS_MAX: usize = 1_000_000;
/// Most tags of one version.
const TAGS_MAX: usize = 1_000;

/// A version of a registered model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryVersion {
    /// The registered model; empty where it is not named.
    pub name: String,
    /// The version; `None` for a model that has none.
    pub version: Option<String>,
    /// Tags of the model, then those of the version, as written.
    pub tags: Vec<(String, String)>,
}

/// Versions of an export: `model_versions` with the tags of `registered_models`, where both are there; else the versions that the
/// models list (`versions`, `latest_versions`), else the models. `None` for what is no export.
pub fn registry_versions(export: &Value) -> Option<Vec<RegistryVersion>> {
    let exported = &export["mlflow"]["registered_model"];
    let mut models: Vec<&Value> = export["registered_models"].as_array().into_iter().flatten().collect();
    if exported.is_object() {
        models.push(exported);
    }
    let versions = export["model_versions"].as_array();
    if models.is_empty() && versions.is_none() {
        return None;
    }
    let none = Value::Null;
    let mut pairs: Vec<(&Value, &Value)> = Vec::new();
    for version in versions.into_iter().flatten() {
        pairs.push((models.iter().find(|m| m["name"] == version["name"]).copied().unwrap_or(&none), version));
    }
    for model in models.iter().filter(|_| versions.is_none()) {
        match model["versions"].as_array().or(model["latest_versions"].as_array()).filter(|v| !v.is_empty()) {
            Some(own) => pairs.extend(own.iter().map(|v| (*model, v))),
            None => pairs.push((model, &none)),
        }
    }
    Some(pairs.into_iter().take(VERSIONS_MAX).map(|(model, version)| one(model, version)).collect())
}

fn one(model: &Value, version: &Value) -> RegistryVersion {
    let number = &version["version"];
    let mut out = RegistryVersion {
        name: version["name"].as_str().or(model["name"].as_str()).unwrap_or_default().to_string(),
        version: number.as_str().map(str::to_string).or_else(|| number.as_u64().map(|n| n.to_string())),
        tags: Vec::new(),
    };
    for tags in [&model["tags"], &version["tags"]] {
        match tags {
            Value::Object(all) => {
                out.tags.extend(all.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_string()))));
            }
            all => out.tags.extend(
                all.as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|t| Some((t["key"].as_str()?.to_string(), t["value"].as_str()?.to_string()))),
            ),
        }
    }
    out.tags.truncate(TAGS_MAX);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_interface_answers_and_what_exports_hold() {
        let tag = |k: &str, v: &str| json!({"key": k, "value": v});
        let models = json!([{"name": "bot", "tags": [tag("license", "mit")], "latest_versions": [{"name": "bot", "version": "2"}]}]);
        let versions =
            json!([{"name": "bot", "version": "1", "tags": [tag("base_model", "a/b")]}, {"name": "bot", "version": 2}]);
        let of = |v: Value| registry_versions(&v).unwrap();
        let both = of(json!({"registered_models": models, "model_versions": versions}));
        let pair = |k: &str, v: &str| (k.to_string(), v.to_string());
        assert_eq!(both[0].tags, [pair("license", "mit"), pair("base_model", "a/b")]);
        assert_eq!((both.len(), both[1].version.as_deref()), (2, Some("2")));
        assert_eq!(of(json!({"registered_models": models})).len(), 1);
        let exported =
            json!({"mlflow": {"registered_model": {"name": "bot", "tags": {"license": "mit"}, "versions": []}}});
        assert_eq!(
            of(exported),
            [RegistryVersion { name: "bot".into(), version: None, tags: vec![pair("license", "mit")] }]
        );
        assert_eq!(of(json!({"model_versions": []})), []);
        assert_eq!(registry_versions(&json!({"models": []})), None);
    }
}
