use tempfile::TempDir;

use super::*;
use crate::workflow::load;
use crate::workflow::print_workflow;

fn files(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn migration(directory: &TempDir) -> Migration {
    Migration {
        security_file: Some(directory.path().join("security.yaml")),
        secret_file: directory.path().join("secret.yaml"),
        tcr_name: "team".to_owned(),
        tcr_region: "ap-beijing".to_owned(),
        ccr_region: "ap-guangzhou".to_owned(),
        tags: NonZeroUsize::new(100),
        registry: None,
        endpoint: None,
        routines: 5,
        retry: 2,
        qps: 100,
        overwrite_tags: true,
    }
}

fn read(directory: &TempDir, migration: &Migration) -> Result<Plan, String> {
    let shown = |report: Report| report.to_string().replace(&format!("{}/", directory.path().display()), "");
    load_migration(migration, &|_| None).map(|(plan, _)| plan).map_err(shown)
}

const SECURITY: &str = "ccr.ccs.tencentyun.com: {username: '100', password: placeholder-one}\n";
const SECRET: &str = "ccr: {secretId: placeholder-id, secretKey: placeholder-key}\n";

#[test]
fn the_flags_are_a_plan_that_logs_in_by_the_api() {
    let directory = files(&[("security.yaml", SECURITY), ("secret.yaml", SECRET)]);
    let plan = read(&directory, &migration(&directory)).unwrap();
    let transfer = &plan.transfers[0];
    assert_eq!(
        transfer.from.with,
        serde_json::json!({"secret-id": "placeholder-id", "secret-key": "placeholder-key", "region": "ap-guangzhou"})
    );
    let with = serde_json::json!({
        "secret-id": "placeholder-id", "secret-key": "placeholder-key", "instance": "team", "region": "ap-beijing"
    });
    let to = &transfer.to[0];
    assert_eq!(to.registry.as_ref().unwrap().to_string(), "team.tencentcloudcr.com");
    assert_eq!(to.prepare.as_ref().unwrap().with, with);
    let login = &plan.registries.iter().find(|entry| entry.key == "team.tencentcloudcr.com").unwrap().login;
    assert!(matches!(login, LoginEntry::Plugin(used) if used.with == with));
    assert_eq!(transfer.select.newest.unwrap().count.get(), 100);
}

#[test]
fn a_login_of_the_security_file_stays_and_zero_tags_are_all() {
    let security = "team.tencentcloudcr.com: {username: robot, password: placeholder-two}\n";
    let directory = files(&[("security.yaml", security), ("secret.yaml", SECRET)]);
    let plan = read(&directory, &Migration { tags: None, ..migration(&directory) }).unwrap();
    assert!(matches!(&plan.registries[0].login, LoginEntry::Basic { username, .. } if username == "robot"));
    assert_eq!(plan.registries.len(), 1);
    assert_eq!(plan.transfers[0].select.newest, None);
}

#[test]
fn the_printed_workflow_has_a_variable_for_each_key_and_no_secret() {
    let secret = "ccr: {secretId: id-one, secretKey: placeholder-one-key}\ntcr: {secretId: id-two, secretKey: placeholder-two-key}\n";
    let directory = files(&[("security.yaml", SECURITY), ("secret.yaml", secret)]);
    let text = print_workflow(&read(&directory, &migration(&directory)).unwrap());
    for secret in ["placeholder-one", "placeholder-two-key"] {
        assert!(!text.contains(secret), "{text}");
    }
    let env = |name: &str| match name {
        "CCR_SECRET_ID" => Some("id-one".to_owned()),
        "CCR_SECRET_KEY" => Some("placeholder-one-key".to_owned()),
        "TCR_SECRET_ID" => Some("id-two".to_owned()),
        "TCR_SECRET_KEY" => Some("placeholder-two-key".to_owned()),
        "REGISTRY_PASSWORD_CCR_CCS_TENCENTYUN_COM" => Some("placeholder-one".to_owned()),
        _ => None,
    };
    let path = directory.path().join("printed.yaml");
    std::fs::write(&path, &text).unwrap();
    let (again, _) = load(&path, &[], &env).map_err(|report| report.to_string()).unwrap();
    assert_eq!(print_workflow(&again), text);
}

#[test]
fn a_secret_file_without_keys_is_refused_with_its_line() {
    let wrong = |secret: &str| {
        let directory = files(&[("security.yaml", SECURITY), ("secret.yaml", secret)]);
        read(&directory, &migration(&directory)).unwrap_err()
    };
    assert!(wrong("{}\n").contains("the secret file has neither `ccr` nor `tcr`"), "{}", wrong("{}\n"));
    let text = wrong("tcr: {secretId: x}\n");
    assert!(text.contains("`secretKey` is missing or empty") && text.contains("secret.yaml:1"), "{text}");
    assert!(wrong("ccr: {secretid: x, secretKey: y}\n").contains("secretid"));
    let directory = files(&[("security.yaml", SECURITY), ("secret.yaml", SECRET)]);
    let text = read(&directory, &Migration { tcr_name: "my team".to_owned(), ..migration(&directory) }).unwrap_err();
    assert!(text.contains("--tcrName"), "{text}");
}
