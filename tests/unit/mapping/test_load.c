#include "fixture.h"

#define ACCOUNT(text)                                                                                        \
    {                                                                                                        \
        "accounts.yaml", "rolebridge: 1\naccounts:\n" text                                                   \
    }
#define ISSUE "    issue: { method: assume-role }\n"
#define ALPHA "  - id: \"111122223333\"\n    name: alpha\n" ISSUE
#define BETA "  - id: \"444455556666\"\n    name: beta\n" ISSUE
#define POLICY(text)                                                                                         \
    {                                                                                                        \
        "policies/read-data.yaml", "rolebridge: 1\npolicy: read-data\ntask: T\nstatements:\n" text           \
    }
#define ROLE(text)                                                                                           \
    {                                                                                                        \
        "roles/reader.yaml", "rolebridge: 1\nrole: reader\ntitle: R\nowner: o\npolicies: [read-data]\n" text \
    }
#define WRITERS "  - { groups: [writers], role: writer, accounts: [beta] }\n"
#define ASSIGNMENTS(text)                                                                                    \
    {                                                                                                        \
        "assignments.yaml", "rolebridge: 1\nassignments:\n" WRITERS text                                     \
    }
#define READERS "  - { groups: [readers], role: reader, accounts: [alpha] }\n"

/* clang-format off */
static const struct {
    const char *name;
    TestFile changes[3];
    const char *want; /* one line of what is told; an error unless it says warning */
} rows[] = {
    /* accounts.yaml */
    { "id without quotes", { ACCOUNT("  - id: 111122223333\n    name: alpha\n" ISSUE BETA) },
      "accounts.yaml:3:9: error: an account id must be in quotes: as a number it would lose its leading zeros; write \"111122223333\"" },
    { "id of 11 digits", { ACCOUNT("  - id: \"11112222333\"\n    name: alpha\n" ISSUE BETA) },
      "accounts.yaml:3:9: error: '11112222333' is not an account id: 12 digits" },
    { "id with dashes", { ACCOUNT("  - id: 1111-2222-3333\n    name: alpha\n" ISSUE BETA) },
      "accounts.yaml:3:9: error: '1111-2222-3333' is not an account id: 12 digits" },
    { "no id", { ACCOUNT("  - name: alpha\n" ISSUE BETA) }, "accounts.yaml:3:5: error: 'id' is missing" },
    { "an id twice", { ACCOUNT(ALPHA BETA "  - id: \"111122223333\"\n    name: gamma\n" ISSUE) },
      "accounts.yaml:9:9: error: the account id '111122223333' is already at accounts.yaml:3; keep one of them" },
    { "a name twice", { ACCOUNT(ALPHA BETA "  - id: \"000011112222\"\n    name: alpha\n" ISSUE) },
      "accounts.yaml:10:11: error: an account named 'alpha' is already at accounts.yaml:3; keep one of them" },
    { "a name like an id", { ACCOUNT(ALPHA BETA "  - id: \"000011112222\"\n    name: \"333333333333\"\n" ISSUE) },
      "accounts.yaml:10:11: error: a name that looks like an account id; give it a name in words" },
    { "a name in capitals", { ACCOUNT(ALPHA BETA "  - id: \"000011112222\"\n    name: Gamma\n" ISSUE) },
      "accounts.yaml:10:11: error: 'Gamma' cannot be the name of an account; 2 to 63 of a-z, 0-9 and -, not starting with -" },
    { "an unknown key", { ACCOUNT(ALPHA "    lables: { env: prod }\n" BETA) },
      "accounts.yaml:6:5: error: unknown key 'lables'; did you mean 'labels'?" },
    { "an unknown partition", { ACCOUNT(ALPHA "    partition: aws-us\n" BETA) },
      "accounts.yaml:6:16: error: no partition named 'aws-us'; did you mean 'aws-cn'?" },
    { "no issue", { ACCOUNT(BETA "  - id: \"111122223333\"\n    name: alpha\n") },
      "accounts.yaml:6:5: error: 'issue' is missing; write issue: { method: assume-role }" },
    { "an unknown method", { ACCOUNT(BETA "  - id: \"111122223333\"\n    name: alpha\n    issue: { method: assume-rolle }\n") },
      "accounts.yaml:8:22: error: no issuer method named 'assume-rolle'; did you mean 'assume-role'?" },
    { "a key of another method", { ACCOUNT(BETA "  - id: \"111122223333\"\n    name: alpha\n    issue: { method: assume-role, provider_arn: x }\n") },
      "accounts.yaml:8:35: error: unknown key 'provider_arn'; known here: method, external_id, region, role_path" },
    { "no provider_arn", { ACCOUNT(BETA "  - id: \"111122223333\"\n    name: alpha\n    issue: { method: saml }\n") },
      "accounts.yaml:8:12: error: 'provider_arn' is missing" },
    { "the provider of another account", { ACCOUNT(BETA "  - id: \"111122223333\"\n    name: alpha\n    issue: { method: saml, provider_arn: \"arn:aws:iam::444455556666:saml-provider/x\" }\n") },
      "accounts.yaml:8:42: error: 'arn:aws:iam::444455556666:saml-provider/x' is not a provider of this account; it starts with arn:aws:iam::111122223333:saml-provider/" },
    { "an external id of one character", { ACCOUNT(BETA "  - id: \"111122223333\"\n    name: alpha\n    issue: { method: assume-role, external_id: x }\n") },
      "accounts.yaml:8:48: error: an external id has 2 to 1224 characters; leave it out, or agree on one with the account's owner" },
    { "a bad external id", { ACCOUNT(BETA "  - id: \"111122223333\"\n    name: alpha\n    issue: { method: assume-role, external_id: \"x y\" }\n") },
      "accounts.yaml:8:48: error: 'x y' is not a valid external id; 1 to 1224 of letters, digits and _+=,.@:/-" },
    { "a bad role path", { ACCOUNT(BETA "  - id: \"111122223333\"\n    name: alpha\n    issue: { method: assume-role, role_path: rolebridge }\n") },
      "accounts.yaml:8:46: error: 'rolebridge' is not an IAM path; write it like /rolebridge/" },
    { "a bad region", { ACCOUNT(BETA "  - id: \"111122223333\"\n    name: alpha\n    issue: { method: assume-role, region: \"evil.example/\" }\n") },
      "accounts.yaml:8:43: error: 'evil.example/' is not a valid region; 1 to 32 of letters, digits and -" },
    { "a parameter with a variable in it", { ACCOUNT(ALPHA "    parameters: { p: \"${aws:username}\" }\n" BETA) },
      "accounts.yaml:6:22: error: '${aws:username}' is not a valid value; 1 to 256 of letters, digits and _-+=,.@:/ " },
    { "a parameter that is a wildcard", { ACCOUNT(ALPHA "    parameters: { p: \"*\" }\n" BETA) },
      "accounts.yaml:6:22: error: '*' is not a valid value; 1 to 256 of letters, digits and _-+=,.@:/ " },
    { "the parameter id", { ACCOUNT(ALPHA "    parameters: { id: x }\n" BETA) },
      "accounts.yaml:6:19: error: 'id' is taken: ${account.id} is the account's id; choose another name" },
    { "no accounts", { { "accounts.yaml", NULL } }, "accounts.yaml: error: is missing; it lists the AWS accounts" },
    { "no version", { { "accounts.yaml", "accounts: []\n" } },
      "accounts.yaml:1:1: error: no format version; start the file with 'rolebridge: 1'" },
    { "a later version", { { "accounts.yaml", "rolebridge: 2\naccounts: []\n" } },
      "accounts.yaml:1:13: error: unknown format version; start the file with 'rolebridge: 1'" },
    { "a key twice", { ACCOUNT(ALPHA "    name: beta\n" BETA) }, "accounts.yaml:6:5: error: the key 'name' appears twice; keep one of them" },

    /* task policies */
    { "an effect in small letters", { POLICY("  - { effect: allow, action: \"s3:Get*\", resource: \"*\" }\n") },
      "policies/read-data.yaml:5:15: error: 'allow' is not an effect; write Allow or Deny [INVALID_EFFECT]" },
    { "no effect", { POLICY("  - { action: \"s3:Get*\", resource: \"*\" }\n") }, "policies/read-data.yaml:5:5: error: 'effect' is missing [MISSING_EFFECT]" },
    { "no action", { POLICY("  - { effect: Allow, resource: \"*\" }\n") }, "policies/read-data.yaml:5:5: error: 'action' is missing (or 'not_action') [MISSING_ACTION]" },
    { "action and not_action", { POLICY("  - { effect: Allow, action: \"a:b\", not_action: \"a:c\", resource: \"*\" }\n") },
      "policies/read-data.yaml:5:49: error: both 'action' and 'not_action'; keep one [UNSUPPORTED_ELEMENT_COMBINATION]" },
    { "no resource", { POLICY("  - { effect: Allow, action: \"a:b\" }\n") }, "policies/read-data.yaml:5:5: error: 'resource' is missing (or 'not_resource') [MISSING_RESOURCE]" },
    { "an action without a service", { POLICY("  - { effect: Allow, action: GetObject, resource: \"*\" }\n") },
      "policies/read-data.yaml:5:30: error: 'GetObject' is not a valid action; write service:Action, like s3:GetObject, or \"*\" [INVALID_ACTION]" },
    { "a resource that is no ARN", { POLICY("  - { effect: Allow, action: \"a:b\", resource: [bucket] }\n") },
      "policies/read-data.yaml:5:48: error: 'bucket' is not a valid resource; write an ARN, like arn:${partition}:s3:::bucket/*, or \"*\" [INVALID_ARN_PREFIX]" },
    { "an empty list of actions", { POLICY("  - { effect: Allow, action: [], resource: \"*\" }\n") },
      "policies/read-data.yaml:5:30: error: an empty list; write service:Action, like s3:GetObject, or \"*\" [EMPTY_ARRAY_ACTION]" },
    { "a key in capitals", { POLICY("  - { Effect: Allow, action: \"a:b\", resource: \"*\" }\n") },
      "policies/read-data.yaml:5:7: error: unknown key 'Effect'; did you mean 'effect'? [INVALID_POLICY_ELEMENT]" },
    { "a principal", { POLICY("  - { effect: Allow, principal: \"*\", action: \"a:b\", resource: \"*\" }\n") },
      "policies/read-data.yaml:5:33: error: a statement of this kind names no principal; who may take a role is said elsewhere: in assignments, in its trust policy [UNSUPPORTED_PRINCIPAL]" },
    { "a sid with a space", { POLICY("  - { sid: a b, effect: Allow, action: \"a:b\", resource: \"*\" }\n") },
      "policies/read-data.yaml:5:12: error: 'a b' is not a valid sid; letters and digits only [UNSUPPORTED_SID]" },
    { "a sid twice", { POLICY("  - { sid: A, effect: Allow, action: \"a:b\", resource: \"*\" }\n  - { sid: A, effect: Allow, action: \"a:b\", resource: \"*\" }\n") },
      "policies/read-data.yaml:6:12: error: the sid 'A' appears twice; choose another [UNIQUE_SIDS_REQUIRED]" },
    { "an unknown operator", { POLICY("  - { effect: Allow, action: \"a:b\", resource: \"*\", condition: { StringLikes: { \"a:b\": c } } }\n") },
      "policies/read-data.yaml:5:65: error: unknown condition operator 'StringLikes'; did you mean 'StringLike'? [INVALID_CONDITION_OPERATOR]" },
    { "NullIfExists", { POLICY("  - { effect: Allow, action: \"a:b\", resource: \"*\", condition: { NullIfExists: { \"a:b\": \"true\" } } }\n") },
      "policies/read-data.yaml:5:65: error: 'NullIfExists' cannot be; write Null alone: it asks whether the key is there [NULL_WITH_IF_EXISTS]" },
    { "an unknown variable", { POLICY("  - { effect: Allow, action: \"a:b\", resource: \"arn:${partitoin}:s3:::x\" }\n") },
      "policies/read-data.yaml:5:47: error: unknown variable 'partitoin'; known: ${partition}, ${role}, ${account.id}, ${account.<parameter>}, and AWS's own with a colon, like ${aws:PrincipalTag/team}" },
    { "a variable that does not end", { POLICY("  - { effect: Allow, action: \"a:b\", resource: \"arn:${partition:s3:::x\" }\n") },
      "policies/read-data.yaml:5:47: error: a '${' that does not end; close it with }" },
    { "a parameter that an assigned account lacks", { POLICY("  - { effect: Allow, action: \"a:b\", resource: \"arn:aws:s3:::${account.bukket}\" }\n") },
      "assignments.yaml:3:5: error: the account 'alpha' has no parameter 'bukket', which the policy 'read-data' needs (role 'reader'); add it to the parameters of 'alpha' in accounts.yaml" },
    { "no statements", { POLICY("  []\n") }, "policies/read-data.yaml:5:3: error: no statements [MISSING_STATEMENT]" },
    { "a policy of another name", { { "policies/read-data.yaml", "rolebridge: 1\npolicy: read-date\ntask: T\nstatements:\n  - { effect: Allow, action: \"a:b\", resource: \"*\" }\n" } },
      "policies/read-data.yaml:2:9: error: the file is called read-data.yaml, but the policy is named 'read-date'; rename the file to read-date.yaml, or the policy to 'read-data'" },
    { "an ignored rule without a reason", { { "policies/read-data.yaml", "rolebridge: 1\npolicy: read-data\ntask: T\nstatements: [{ effect: Allow, action: \"a:b\", resource: \"*\" }]\nlint:\n  - { ignore: unused-policy }\n" } },
      "policies/read-data.yaml:6:5: error: 'reason' is missing" },
    { "an ignored rule with an empty reason", { ROLE("lint: [{ ignore: unused-role, reason: \"\" }]\n") },
      "roles/reader.yaml:6:39: error: an empty reason; whoever reviews this wants to know it" },
    { "an ignored rule for longer", { ROLE("lint: [{ ignore: unused-role, reason: later, until: never }]\n") },
      "roles/reader.yaml:6:46: error: unknown key 'until'; known here: ignore, reason" },
    { "lint without a list", { { "assignments.yaml", "rolebridge: 1\nassignments:\n" WRITERS READERS "lint: { ignore: unused-role, reason: x }\n" } },
      "assignments.yaml:5:7: error: expected a list, found a map" },

    /* roles */
    { "an unknown policy", { ROLE(""), { "roles/writer.yaml", "rolebridge: 1\nrole: writer\ntitle: W\nowner: o\npolicies: [read-date]\n" } },
      "roles/writer.yaml:5:12: error: no task policy named 'read-date'; did you mean 'read-data'?" },
    { "a policy twice", { { "roles/writer.yaml", "rolebridge: 1\nrole: writer\ntitle: W\nowner: o\npolicies: [read-data, read-data]\n" } },
      "roles/writer.yaml:5:23: error: 'read-data' appears twice; keep one of them" },
    { "no owner", { { "roles/writer.yaml", "rolebridge: 1\nrole: writer\ntitle: W\npolicies: [read-data]\n" } },
      "roles/writer.yaml:1:1: error: 'owner' is missing" },
    { "a bad managed policy", { ROLE("managed_policies: [\"arn:aws:s3:::x\"]\n") },
      "roles/reader.yaml:6:19: error: 'arn:aws:s3:::x' is not a managed policy; write a name like ReadOnlyAccess, or an ARN" },
    { "a session too short", { ROLE("session: { default: 10m }\n") },
      "roles/reader.yaml:6:21: error: 'default' must be from 900 to 43200 seconds, this is 600" },
    { "a session too long", { ROLE("session: { max: 13h }\n") },
      "roles/reader.yaml:6:17: error: 'max' must be from 900 to 43200 seconds, this is 46800" },
    { "default over max", { ROLE("session: { default: 2h, max: 1h }\n") },
      "roles/reader.yaml:6:21: error: the default session is longer than the longest" },
    { "privileged: yes", { ROLE("privileged: yes\n") }, "roles/reader.yaml:6:13: error: 'privileged' is not a yes or no; write true or false" },
    { "no network", { ROLE("conditions: { source_ip: [] }\n") },
      "roles/reader.yaml:6:26: error: an empty list of networks would let nobody in; name a network, or leave source_ip out" },
    { "bits beyond the prefix", { ROLE("conditions: { source_ip: [203.0.113.0/24, 203.0.113.7/24] }\n") },
      "roles/reader.yaml:6:43: error: '203.0.113.7/24' has bits set beyond its prefix length; write 203.0.113.0/24 or 2001:db8::/32" },
    { "an unknown condition", { ROLE("conditions: { source_ips: [203.0.113.0/24] }\n") },
      "roles/reader.yaml:6:15: error: unknown key 'source_ips'; did you mean 'source_ip'?" },
    { "an unknown zone", { ROLE("conditions: { hours: { days: mon, zone: Europe/Berlim } }\n") },
      "roles/reader.yaml:6:41: error: this machine knows no time zone 'Europe/Berlim'; write a name like Europe/Berlin or UTC" },
    { "a zone that is a path", { ROLE("conditions: { hours: { days: mon, zone: \"../../etc/passwd\" } }\n") },
      "roles/reader.yaml:6:41: error: this machine knows no time zone '../../etc/passwd'; write a name like Europe/Berlin or UTC" },
    { "hours without a zone", { ROLE("conditions: { hours: { days: mon } }\n") }, "roles/reader.yaml:6:22: error: 'zone' is missing" },
    { "hours without limits", { ROLE("conditions: { hours: { zone: UTC } }\n") },
      "roles/reader.yaml:6:22: error: hours without any limit; name 'days' or 'between'" },
    { "an unknown day", { ROLE("conditions: { hours: { days: mon-fry, zone: UTC } }\n") },
      "roles/reader.yaml:6:30: error: 'mon-fry' is not a day or a range of days; write mon-fri, or a list like [mon, wed]" },
    { "a time that is none", { ROLE("conditions: { hours: { between: \"7:00-19:00\", zone: UTC } }\n") },
      "roles/reader.yaml:6:33: error: '7:00-19:00' is not a range of times; write \"07:00-19:00\"; \"22:00-06:00\" goes over midnight" },
    { "a time of nothing", { ROLE("conditions: { hours: { between: \"07:00-07:00\", zone: UTC } }\n") },
      "roles/reader.yaml:6:33: error: '07:00-07:00' is not a range of times; write \"07:00-19:00\"; \"22:00-06:00\" goes over midnight" },
    { "a time after 24:00", { ROLE("conditions: { hours: { between: \"07:00-24:01\", zone: UTC } }\n") },
      "roles/reader.yaml:6:33: error: '07:00-24:01' is not a range of times; write \"07:00-19:00\"; \"22:00-06:00\" goes over midnight" },
    { "a tag of AWS", { ROLE("tags: { \"AWS:x\": y }\n") }, "roles/reader.yaml:6:9: error: tag keys that start with aws: are AWS's own; choose another" },
    { "tags that differ in case", { ROLE("tags: { Cost: a, cost: b }\n") },
      "roles/reader.yaml:6:18: error: AWS takes 'cost' and another tag of this role for the same key; keep one of them" },
    { "a tag key of bad characters", { ROLE("tags: { \"a;b\": c }\n") },
      "roles/reader.yaml:6:9: error: 'a;b' cannot be the key of a tag; 1 to 128 letters, digits, spaces and _.:/=+-@" },
    { "a tag value of bad characters", { ROLE("tags: { a: \"b;c\" }\n") },
      "roles/reader.yaml:6:12: error: this cannot be the value of a tag; up to 256 letters, digits, spaces and _.:/=+-@" },
    { "a tag of an unknown variable", { ROLE("tags: { a: \"${account.id}\" }\n") },
      "roles/reader.yaml:6:12: error: unknown variable 'account.id' in a tag; write ${identity.<attribute>}" },
    { "a tag whose variable does not end", { ROLE("tags: { a: \"${identity.x\" }\n") },
      "roles/reader.yaml:6:12: error: unknown variable '' in a tag; write ${identity.<attribute>}" },
    { "a session policy without statements", { ROLE("session_policy: { statement: [] }\n") },
      "roles/reader.yaml:6:19: error: unknown key 'statement'; did you mean 'statements'?" },
    { "a session policy that needs a parameter", { ROLE("session_policy: { statements: [{ effect: Allow, action: \"*\", resource: \"arn:aws:s3:::${account.spare}\" }] }\n") },
      "assignments.yaml:3:5: error: the account 'alpha' has no parameter 'spare', which the session policy of 'reader' needs (role 'reader'); add it to the parameters of 'alpha' in accounts.yaml" },
    { "a role's bad name", { { "roles/Spare.yaml", "rolebridge: 1\nrole: Spare\ntitle: S\nowner: o\npolicies: [read-data]\n" } },
      "roles/Spare.yaml:2:7: error: 'Spare' cannot be the name of the role; 2 to 63 of a-z, 0-9 and -, not starting with -" },

    /* assignments */
    { "an unknown role", { ASSIGNMENTS(READERS "  - { groups: [x], role: raeder, accounts: [alpha] }\n") },
      "assignments.yaml:5:26: error: no role named 'raeder'; did you mean 'reader'?" },
    { "an unknown account", { ASSIGNMENTS("  - { groups: [x], role: reader, accounts: [alhpa] }\n") },
      "assignments.yaml:4:45: error: no account named 'alhpa'; did you mean 'alpha'?" },
    { "an account id without quotes", { ASSIGNMENTS("  - { groups: [x], role: reader, accounts: [111122223333] }\n") },
      "assignments.yaml:4:45: error: an account id must be in quotes; write \"111122223333\"" },
    { "no groups", { ASSIGNMENTS("  - { role: reader, accounts: [alpha] }\n") }, "assignments.yaml:4:5: error: 'groups' is missing; name groups; or, for a workload, both its 'provider' and 'when'" },
    { "no groups and no when", { ASSIGNMENTS("  - { provider: ci, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:5: error: without 'groups', 'when' is missing; name groups; or, for a workload, both its 'provider' and 'when'" },
    { "no groups and no provider", { ASSIGNMENTS("  - { when: { a: b }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:5: error: without 'groups', 'provider' is missing; name groups; or, for a workload, both its 'provider' and 'when'" },
    { "no groups and an empty provider", { ASSIGNMENTS("  - { provider: \"\", when: { a: b }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:17: error: an empty provider; name who vouches" },
    { "no groups and a list of providers", { ASSIGNMENTS("  - { provider: [ci], when: { a: b }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:17: error: expected plain text, found a list" },
    { "no groups and an empty when", { ASSIGNMENTS("  - { provider: ci, when: {}, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:27: error: an empty 'when'; leave it out" },
    { "no groups and a when that is a text", { ASSIGNMENTS("  - { provider: ci, when: main, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:27: error: expected a map, found plain text" },
    { "no groups and a null when", { ASSIGNMENTS("  - { provider: ci, when: , role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:27: error: expected a map, found plain text" },
    { "a when that takes everything", { ASSIGNMENTS("  - { provider: ci, when: { ref: { regex: \".*\" } }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:34: error: 'when' matches every token of this issuer; name a value, a prefix, or an expression that leaves something out" },
    { "a when that takes everything: anchored, caught, two entries", { ASSIGNMENTS("  - { provider: ci, when: { sub: { regex: \"^(?<a>.+)$\" }, ref: [x, { regex: '\\S+' }] }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:34: error: 'when' matches every token of this issuer; name a value, a prefix, or an expression that leaves something out" },
    { "an empty prefix in when", { ASSIGNMENTS("  - { provider: ci, when: { ref: { prefix: \"\" } }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:44: error: an empty or over-long prefix; it would take whatever is stated" },
    { "an empty regex in when", { ASSIGNMENTS("  - { groups: [x], when: { ref: { regex: } }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:42: error: an empty or over-long regex; it would take whatever is stated" },
    { "a regex in when that does not compile", { ASSIGNMENTS("  - { provider: ci, when: { ref: [x, { regex: \"a(\" }] }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:50: error: 'a(' is not a regular expression: missing closing parenthesis at offset 2" },
    { "a kind of groups in when", { ASSIGNMENTS("  - { provider: ci, when: { ref: { dn_under: \"dc=x\" } }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:36: error: unknown key 'dn_under'; known here: prefix, regex" },
    { "a kind misspelt in when", { ASSIGNMENTS("  - { provider: ci, when: { ref: { prefx: a } }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:36: error: unknown key 'prefx'; did you mean 'prefix'?" },
    { "two kinds in one value", { ASSIGNMENTS("  - { provider: ci, when: { ref: { prefix: a, regex: b } }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:34: error: one of prefix and regex; make one entry of each" },
    { "a list in a list of values", { ASSIGNMENTS("  - { provider: ci, when: { ref: [[a]] }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:35: error: expected plain text, found a list" },
    { "an empty list of values", { ASSIGNMENTS("  - { provider: ci, when: { ref: [] }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:34: error: 'ref' can never be equal to nothing; name a value" },
    { "nothing in a list of values", { ASSIGNMENTS("  - { provider: ci, when: { ref: [a, ~] }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:38: error: 'ref' can never be equal to nothing; name a value" },
    { "an attribute twice in when", { ASSIGNMENTS("  - { provider: ci, when: { ref: a, ref: b }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:37: error: the key 'ref' appears twice; keep one of them" },
    { "a capture of no when", { ASSIGNMENTS("  - { provider: ci, when: { ref: x }, role: reader, accounts: [\"${a}\"] }\n") },
      "assignments.yaml:4:64: error: no entry of 'when' has a capture named 'a' in all of its values; it takes a regex with (?<a>…)" },
    { "a capture of one value alone", { ASSIGNMENTS("  - { provider: ci, when: { ref: [x, { regex: \"d-(?<a>.*)\" }] }, role: reader, accounts: [\"${a}\"] }\n") },
      "assignments.yaml:4:91: error: no entry of 'when' has a capture named 'a' in all of its values; it takes a regex with (?<a>…)" },
    { "a capture of when misspelt", { ASSIGNMENTS("  - { provider: ci, when: { ref: { regex: \"d-(?<account>.*)\" } }, role: reader, accounts: [\"${acount}\"] }\n") },
      "assignments.yaml:4:92: error: no entry of 'when' has a capture named 'acount' in all of its values; did you mean '${account}'?" },
    { "a capture of two entries", { ASSIGNMENTS("  - { provider: ci, when: { ref: { regex: \"d-(?<a>.*)\" }, env: { regex: \"e-(?<a>.*)\" } }, role: reader, accounts: [\"${a}\"] }\n") },
      "assignments.yaml:4:116: error: more than one expression catches 'a'; give one of them another name" },
    { "a capture of groups and of when", { ASSIGNMENTS("  - { groups: [{ regex: \"g-(?<a>.*)\" }], when: { ref: { regex: \"d-(?<a>.*)\" } }, role: reader, accounts: [\"${a}\"] }\n") },
      "assignments.yaml:4:107: error: more than one expression catches 'a'; give one of them another name" },
    { "no role", { ASSIGNMENTS(READERS "  - { groups: [x], accounts: [alpha] }\n") }, "assignments.yaml:5:5: error: 'role' is missing" },
    { "no accounts in an assignment", { ASSIGNMENTS("  - { groups: [x], role: reader }\n") }, "assignments.yaml:4:5: error: 'accounts' is missing" },
    { "an empty list of groups", { ASSIGNMENTS("  - { groups: [], role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:15: warning: an assignment to nobody; name a group" },
    { "an empty list of accounts", { ASSIGNMENTS("  - { groups: [x], role: reader, accounts: [] }\n") },
      "assignments.yaml:4:44: warning: an assignment in no account; name an account" },
    { "a label that nothing has", { ASSIGNMENTS("  - { groups: [x], role: reader, accounts: [{ label: env=test }] }\n") },
      "assignments.yaml:4:54: warning: no account has the label env=test" },
    { "half a label", { ASSIGNMENTS("  - { groups: [x], role: reader, accounts: [{ label: env }] }\n") },
      "assignments.yaml:4:54: error: not a label and its value; write label: env=dev" },
    { "an empty group", { ASSIGNMENTS("  - { groups: [\"\"], role: reader, accounts: [alpha] }\n") }, "assignments.yaml:4:16: error: an empty or over-long group" },
    { "an empty prefix", { ASSIGNMENTS("  - { groups: [{ prefix: \"\" }], role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:26: error: an empty or over-long prefix; name the groups that are meant" },
    { "two kinds in one", { ASSIGNMENTS("  - { groups: [{ prefix: a, regex: b }], role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:16: error: one of prefix, regex and dn_under; make one entry of each" },
    { "a regex that does not compile", { ASSIGNMENTS("  - { groups: [{ regex: \"aws-(x\" }], role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:32: error: 'aws-(x' is not a regular expression: missing closing parenthesis at offset 6" },
    { "a regex with \\C", { ASSIGNMENTS("  - { groups: [{ regex: 'a\\C' }], role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:29: error: 'a\\C' is not a regular expression: using \\C is disabled by the application at offset 3" },
    { "what is no DN", { ASSIGNMENTS("  - { groups: [{ dn_under: aws }], role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:28: error: 'aws' is not a distinguished name; write it like ou=aws,dc=acme,dc=example" },
    { "a capture of no regex", { ASSIGNMENTS("  - { groups: [x], role: reader, accounts: [\"${account}\"] }\n") },
      "assignments.yaml:4:45: error: the group 'x' has no capture named 'account'; it takes a regex with (?<account>…)" },
    { "a capture misspelt", { ASSIGNMENTS("  - { groups: [{ regex: \"(?<account>.*)\" }], role: reader, accounts: [\"${acount}\"] }\n") },
      "assignments.yaml:4:71: error: the group '(?<account>.*)' has no capture named 'acount'; did you mean '${account}'?" },
    { "an empty when", { ASSIGNMENTS("  - { groups: [x], when: {}, role: reader, accounts: [alpha] }\n") }, "assignments.yaml:4:26: error: an empty 'when'; leave it out" },
    { "when: nothing", { ASSIGNMENTS("  - { groups: [x], when: { dep: }, role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:33: error: 'dep' can never be equal to nothing; name a value" },
    { "an empty provider", { ASSIGNMENTS("  - { groups: [x], provider: \"\", role: reader, accounts: [alpha] }\n") },
      "assignments.yaml:4:30: error: an empty provider; leave it out for every provider" },
    { "no assignments", { { "assignments.yaml", NULL } }, "assignments.yaml: error: is missing; it says who has which roles" },
    { "one duty alone", { ASSIGNMENTS(READERS "separation_of_duties:\n  - { never_together: [reader], reason: x }\n") },
      "assignments.yaml:6:23: error: two roles or more are needed; write never_together: [one-role, another]" },
    { "a duty twice", { ASSIGNMENTS(READERS "separation_of_duties:\n  - { never_together: [reader, reader], reason: x }\n") },
      "assignments.yaml:6:32: error: 'reader' appears twice; keep one of them" },
    { "a duty of no role", { ASSIGNMENTS(READERS "separation_of_duties:\n  - { never_together: [reader, rider], reason: x }\n") },
      "assignments.yaml:6:32: error: no role named 'rider'; did you mean 'reader'?" },
    { "a duty without a reason", { ASSIGNMENTS(READERS "separation_of_duties:\n  - { never_together: [reader, writer] }\n") },
      "assignments.yaml:6:5: error: 'reason' is missing" },
};
/* clang-format on */

/* The first lines only: places, without the text below. */
static gboolean
has_line(const char *text, const char *line)
{
    const char *at = strstr(text, line);

    return at != NULL && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n';
}

static void
tells_mistakes(void **state)
{
    guint failed = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) files = test_files(rows[i].changes);
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autoptr(RbSnapshot) snapshot = rb_snapshot_build(files, problems);
        g_autofree char *text = rb_diagnostics_to_text(problems, FALSE);
        gboolean warning = strstr(rows[i].want, ": warning: ") != NULL;

        if (!has_line(text, rows[i].want) || (snapshot != NULL) != warning) {
            print_error("%s: want\n%s\ngot\n%s\n", rows[i].name, rows[i].want, text);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

static void
tells_all_at_once(void **state)
{
    static const TestFile changes[] = {
        { "accounts.yaml", "rolebridge: 1\naccounts:\n  - { id: 1, nam: x }\n  - { id: \"2\" }\n" },
        { "roles/reader.yaml", "rolebridge: 1\nrole: reader\npolicies: [x1, x2]\n" },
        { NULL, NULL },
    };
    g_autoptr(GPtrArray) files = test_files(changes);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();

    (void)state;
    assert_null(rb_snapshot_build(files, problems));
    assert_in_range(rb_diagnostics_count(problems), 12, 16);
}

/* A file that cannot be parsed is one mistake; what it would have defined is not missed again. */
static void
does_not_follow_up(void **state)
{
    static const TestFile changes[][2] = {
        { { "roles/reader.yaml", "rolebridge: [1\n" } },
        { { "policies/read-data.yaml", "rolebridge: [1\n" } },
        { { "accounts.yaml", "rolebridge: [1\n" } },
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autoptr(GPtrArray) files = test_files(changes[i]);
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        assert_null(rb_snapshot_build(files, problems));
        assert_int_equal(rb_diagnostics_count(problems), 1);
    }
}

static void
digest_is_of_names_and_bytes(void **state)
{
    static const TestFile renamed[] = { { "assignments.yaml", NULL },
                                        { "assignments/all.yaml",
                                          "rolebridge: 1\nassignments:\n" WRITERS READERS },
                                        { NULL, NULL } };
    static const TestFile other_bytes[] = {
        { "assignments.yaml", "rolebridge: 1\nassignments:\n" WRITERS READERS "\n" }, { NULL, NULL }
    };
    g_autoptr(RbSnapshot) a = test_snapshot(NULL), b = test_snapshot(NULL), c = test_snapshot(renamed),
                          d = test_snapshot(other_bytes);
    RbSnapshotSize n = rb_snapshot_size(a);

    (void)state;
    assert_string_equal(rb_snapshot_digest(a), rb_snapshot_digest(b));
    assert_string_not_equal(rb_snapshot_digest(a), rb_snapshot_digest(c));
    assert_string_not_equal(rb_snapshot_digest(a), rb_snapshot_digest(d));
    assert_int_equal(strlen(rb_snapshot_digest(a)), 64);
    assert_int_equal(n.n_accounts, 3);
    assert_int_equal(n.n_policies, 1);
    assert_int_equal(n.n_roles, 2);
    assert_int_equal(n.n_assignments, 2);
}

/* AWS takes 2,048 characters. */
static void
session_policy_is_measured(void **state)
{
    g_autoptr(GString) text =
        g_string_new("rolebridge: 1\nrole: reader\ntitle: R\nowner: o\npolicies: [read-data]\n"
                     "session_policy:\n  statements:\n"
                     "    - effect: Allow\n      action: \"s3:*\"\n      resource:\n");
    g_autoptr(GPtrArray) files = NULL;
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autofree char *said = NULL;
    TestFile changes[2] = { { NULL, NULL } };

    (void)state;
    for (guint i = 0; i < 50; i++)
        g_string_append_printf(
            text, "        - \"arn:aws:s3:::${account.bucket}/a-folder-of-some-length-%02u\"\n", i);
    changes[0] = (TestFile){ "roles/reader.yaml", text->str };
    files = test_files(changes);
    assert_null(rb_snapshot_build(files, problems));
    said = rb_diagnostics_to_text(problems, FALSE);
    assert_true(has_line(
        said, "roles/reader.yaml:1:1: error: the role 'reader' in 'alpha': its session policy is longer "
              "than the 2048 characters that AWS takes; shorten it"));
}

static void
too_many_tags(void **state)
{
    g_autoptr(GString) text =
        g_string_new("rolebridge: 1\nrole: reader\ntitle: R\nowner: o\npolicies: [read-data]\ntags:\n");
    g_autoptr(GPtrArray) files = NULL;
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autofree char *said = NULL;
    TestFile changes[2] = { { NULL, NULL } };

    (void)state;
    for (guint i = 0; i < 51; i++)
        g_string_append_printf(text, "  k%u: v\n", i);
    changes[0] = (TestFile){ "roles/reader.yaml", text->str };
    files = test_files(changes);
    assert_null(rb_snapshot_build(files, problems));
    said = rb_diagnostics_to_text(problems, FALSE);
    assert_true(has_line(said, "roles/reader.yaml:7:3: error: 51 tags; AWS takes at most 50"));
}

static void
providers_must_be_configured(void **state)
{
    const TestFile changes[] = {
        ASSIGNMENTS("  - { groups: [readers], provider: corp-smal, role: reader, accounts: [alpha] }\n"
                    "  - { groups: [readers], provider: corp-saml, role: reader, accounts: [beta] }\n"
                    "  - { groups: [readers], provider: elsewhere, role: reader, accounts: [gamma] }\n"),
        { NULL, NULL },
    };
    const char *const ids[] = { "corp-saml", "lab", NULL };
    g_autoptr(RbSnapshot) snapshot = test_snapshot(changes);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autofree char *said = NULL;

    (void)state;
    rb_snapshot_check_providers(snapshot, ids, problems);
    said = rb_diagnostics_to_text(problems, FALSE);
    assert_int_equal(rb_diagnostics_count(problems), 0);
    assert_int_equal(rb_diagnostics_size(problems), 2);
    assert_true(has_line(said,
                         "assignments.yaml:4:5: warning: no identity provider 'corp-smal' is configured; did "
                         "you mean 'corp-saml'?"));
    assert_non_null(
        strstr(said, "assignments.yaml:6:5: warning: no identity provider 'elsewhere' is configured; it "
                     "brings nothing to anybody"));
}

/* alpha trusts the issuer, beta another one, gamma is for assertions. */
static void
issuer_must_be_configured(void **state)
{
    static const TestFile changes[] = {
        { "accounts.yaml",
          "rolebridge: 1\naccounts:\n"
          "  - { id: \"111111111111\", name: alpha, issue: { method: web-identity, provider_arn: "
          "\"arn:aws:iam::111111111111:oidc-provider/acme.example/b\" } }\n"
          "  - { id: \"222222222222\", name: beta, partition: aws-cn, issue: { method: web-identity, "
          "provider_arn: "
          "\"arn:aws-cn:iam::222222222222:oidc-provider/acme.example/b/\" } }\n"
          "  - { id: \"333333333333\", name: gamma, issue: { method: saml, provider_arn: "
          "\"arn:aws:iam::333333333333:saml-provider/rolebridge\" } }\n"
          "  - { id: \"444444444444\", name: delta, issue: { method: saml, provider_arn: "
          "\"arn:aws:iam::444444444444:saml-provider/rolebridge\" } }\n" },
        ASSIGNMENTS("  - { groups: [readers], role: reader, accounts: [alpha] }\n"),
        { NULL, NULL },
    };
    static const struct {
        const char *name;
        RbIssuerFacts facts;
        const char *want[2];
    } cases[] = {
        { "no issuer",
          { NULL, FALSE, FALSE },
          { "accounts.yaml:3:5: error: the account 'alpha' trusts rolebridge itself (web-identity), and "
            "there is "
            "no 'issuer'; add issuer: { keys: certs/issuer } to rolebridge.yaml (docs/issuer.md)",
            "accounts.yaml:5:5: error: the account 'gamma' trusts rolebridge itself (saml), and there is no "
            "'issuer'; add issuer: { keys: certs/issuer } to rolebridge.yaml (docs/issuer.md)" } },
        { "no keys",
          { "https://acme.example/b/", FALSE, FALSE },
          { "accounts.yaml:3:5: error: the account 'alpha' trusts rolebridge itself (web-identity), and no "
            "key "
            "signs tokens; make one: rolebridgectl keys rotate --for token",
            "accounts.yaml:5:5: error: the account 'gamma' trusts rolebridge itself (saml), and no key signs "
            "assertions; make one: rolebridgectl keys rotate --for assertion" } },
        { "another issuer",
          { "https://acme.example/b", TRUE, TRUE },
          { "accounts.yaml:4:5: error: the account 'beta' trusts "
            "'arn:aws-cn:iam::222222222222:oidc-provider/acme.example/b/', and rolebridge is the issuer "
            "'https://acme.example/b'; write arn:aws-cn:iam::222222222222:oidc-provider/acme.example/b, or "
            "correct issuer.url" } },
    };
    g_autoptr(RbSnapshot) snapshot = test_snapshot(changes);

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
        g_autofree char *said = NULL;
        rb_snapshot_check_issuer(snapshot, &cases[i].facts, problems);
        said = rb_diagnostics_to_text(problems, FALSE);
        for (gsize k = 0; k < G_N_ELEMENTS(cases[i].want) && cases[i].want[k] != NULL; k++)
            if (!has_line(said, cases[i].want[k]))
                fail_msg("%s: not there: %s\nbut:\n%s", cases[i].name, cases[i].want[k], said);
        assert_null(strstr(said, "delta")); /* said once */
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_mistakes),
        cmocka_unit_test(tells_all_at_once),
        cmocka_unit_test(does_not_follow_up),
        cmocka_unit_test(digest_is_of_names_and_bytes),
        cmocka_unit_test(session_policy_is_measured),
        cmocka_unit_test(too_many_tags),
        cmocka_unit_test(providers_must_be_configured),
        cmocka_unit_test(issuer_must_be_configured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
