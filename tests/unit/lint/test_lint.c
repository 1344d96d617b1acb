#include "../mapping/fixture.h"

#include "lint/lint.h"

#define POLICY(name, statements)                                                                             \
    {                                                                                                        \
        "policies/" name ".yaml", "rolebridge: 1\npolicy: " name "\ntask: T\nstatements:\n" statements       \
    }
#define ROLE(name, more)                                                                                     \
    {                                                                                                        \
        "roles/" name ".yaml",                                                                               \
            "rolebridge: 1\nrole: " name "\ntitle: T\nowner: o@acme.example\npurpose: P.\n" more             \
    }
#define ASSIGN(more)                                                                                         \
    {                                                                                                        \
        "assignments.yaml", "rolebridge: 1\nassignments:\n"                                                  \
                            "  - { groups: [readers], role: reader, accounts: [alpha] }\n"                   \
                            "  - { groups: [writers], role: writer, accounts: [beta] }\n" more               \
    }
#define READ "  - { effect: Allow, action: \"s3:Get*\", resource: \"*\" }\n"
#define DATA(statements) POLICY("read-data", statements)
#define ANY ", resource: \"*\" }\n"

/* clang-format off */
static const struct {
    const char *name;
    TestFile changes[4];
    const char *rule, *want; /* want NULL: nothing of this rule */
} rows[] = {
    { "a role of EMR", { ROLE("emr-users", "policies: [read-data]\n") }, "role-named-after-technology",
      "roles/emr-users.yaml:1:1: warning: the role 'emr-users' is named after a technology, emr; name it for what somebody does" },
    { "a role of lambdas", { ROLE("run-lambdas", "policies: [read-data]\n") }, "role-named-after-technology",
      "roles/run-lambdas.yaml:1:1: warning: the role 'run-lambdas' is named after a technology, lambda; name it for what somebody does" },
    { "a word that starts like one", { ROLE("glued-desks", "policies: [read-data]\n") }, "role-named-after-technology", NULL },
    { "what somebody does", { ROLE("accounts-payable-clerk", "policies: [read-data]\n") }, "role-named-after-technology", NULL },
    { "a group of S3", { ASSIGN("  - { groups: [corp-S3-users], role: reader, accounts: [beta] }\n") }, "group-named-after-technology",
      "assignments.yaml:5:5: suggestion: the group 'corp-S3-users' is named after a technology, s3; assign the group of those who do this work" },
    { "groups of a prefix", { ASSIGN("  - { groups: [{ prefix: redshift- }], role: reader, accounts: [beta] }\n") }, "group-named-after-technology",
      "assignments.yaml:5:5: suggestion: the group 'redshift-' is named after a technology, redshift; assign the group of those who do this work" },
    { "a workload has no group", { ASSIGN("  - { provider: ecs, when: { sub: ecs }, role: reader, accounts: [beta] }\n") }, "group-named-after-technology", NULL },

    { "nine services", { DATA("  - { effect: Allow, action: [\"s3:Get*\", \"sqs:Get*\", \"sns:Get*\", \"kms:Get*\", \"ec2:Get*\", \"ecs:List*\", \"eks:List*\", \"rds:List*\", \"SQS:List*\", \"glue:Get*\"]" ANY) }, "giant-policy",
      "policies/read-data.yaml:1:1: warning: the policy 'read-data' reaches into 9 services; write one policy for each task" },
    { "eight services", { DATA("  - { effect: Allow, action: [\"s3:Get*\", \"sqs:Get*\", \"sns:Get*\", \"kms:Get*\", \"ec2:Get*\", \"ecs:List*\", \"eks:List*\", \"rds:List*\"]" ANY) }, "giant-policy", NULL },
    { "a Deny of many", { DATA(READ "  - { effect: Deny, action: [\"s3:Get*\", \"sqs:Get*\", \"sns:Get*\", \"kms:Get*\", \"ec2:Get*\", \"ecs:List*\", \"eks:List*\", \"rds:List*\", \"glue:Get*\"]" ANY) }, "giant-policy", NULL },
    { "21 statements", { DATA(READ READ READ READ READ READ READ READ READ READ READ READ READ READ READ READ READ READ READ READ READ) }, "giant-policy",
      "policies/read-data.yaml:1:1: warning: the policy 'read-data' has 21 statements; write one policy for each task" },
    { "20 statements", { DATA(READ READ READ READ READ READ READ READ READ READ READ READ READ READ READ READ READ READ READ READ) }, "giant-policy", NULL },

    { "a statement in two policies", { POLICY("list-data", "  - { sid: Other, effect: Allow, action: [\"S3:get*\", \"s3:GetObject\"]" ANY) }, "repeated-statement",
      "policies/read-data.yaml:5:5: suggestion: the same statement as in 'list-data' (policies/list-data.yaml:5); make it a task policy of its own, and name that in both roles" },
    { "statements that differ in a condition", { POLICY("list-data", "  - { effect: Allow, action: \"s3:Get*\", resource: \"*\", condition: { Bool: { \"aws:SecureTransport\": \"true\" } } }\n") }, "repeated-statement", NULL },
    { "a statement twice in one policy", { DATA(READ READ) }, "repeated-statement", NULL },

    { "a session policy alone", { ROLE("reader", "session_policy: { statements: [{ effect: Allow, action: \"s3:Get*\", resource: \"*\" }] }\n") }, "inline-policy",
      "roles/reader.yaml:1:1: warning: the role 'reader' has a session policy and nothing that it could narrow; write it as a task policy and name that under 'policies'" },
    { "a session policy that narrows", { ROLE("reader", "policies: [read-data]\nsession_policy: { statements: [{ effect: Allow, action: \"s3:Get*\", resource: \"*\" }] }\n") }, "inline-policy", NULL },

    { "a whole service", { DATA("  - { effect: Allow, action: \"sqs:*\"" ANY) }, "wildcard-in-write-action",
      "policies/read-data.yaml:5:30: security warning: 'sqs:*' lets write: sqs:AddPermission, sqs:CancelMessageMoveTask, sqs:ChangeMessageVisibility and " },
    { "everything", { DATA("  - { effect: Allow, action: \"*\"" ANY) }, "wildcard-in-write-action", "policies/read-data.yaml:5:30: security warning: '*' lets write: " },
    { "a pattern that gives permissions", { DATA("  - { effect: Allow, action: \"s3:PutBucketP*\"" ANY) }, "wildcard-in-write-action",
      "policies/read-data.yaml:5:30: security warning: 's3:PutBucketP*' lets give permissions: s3:PutBucketPolicy, s3:PutBucketPublicAccessBlock; list the actions that the task needs" },
    { "a pattern that reads", { DATA(READ) }, "wildcard-in-write-action", NULL },
    { "a pattern that only writes", { DATA("  - { effect: Allow, action: \"s3:PutObjectT*\"" ANY) }, "wildcard-in-write-action", NULL },
    { "a Deny of everything", { DATA(READ "  - { effect: Deny, action: \"*\"" ANY) }, "wildcard-in-write-action", NULL },

    { "a write on everything", { DATA("  - { effect: Allow, action: [\"sqs:SendMessage\", \"sqs:ListQueues\"]" ANY) }, "write-on-any-resource",
      "policies/read-data.yaml:5:79: warning: every resource may be changed by sqs:SendMessage; name the resources, or add a condition that picks them" },
    { "what cannot be limited", { DATA("  - { effect: Allow, action: \"elasticmapreduce:PutBlockPublicAccessConfiguration\"" ANY) }, "write-on-any-resource", NULL },
    { "a read of everything", { DATA("  - { effect: Allow, action: \"sqs:ReceiveMessages\"" ANY) }, "write-on-any-resource", NULL },
    { "a condition that picks", { DATA("  - { effect: Allow, action: \"sqs:SendMessage\", resource: \"*\", condition: { StringEquals: { \"aws:ResourceTag/team\": a } } }\n") }, "write-on-any-resource", NULL },
    { "a condition that does not pick", { DATA("  - { effect: Allow, action: \"sqs:SendMessage\", resource: \"*\", condition: { Bool: { \"AWS:securetransport\": \"true\" } } }\n") }, "write-on-any-resource",
      "policies/read-data.yaml:5:59: warning: every resource may be changed by sqs:SendMessage; name the resources, or add a condition that picks them" },

    { "every queue", { DATA("  - { effect: Allow, action: \"sqs:SendMessage\", resource: \"arn:aws:sqs:*:*:*\" }\n") }, "write-on-any-resource",
      "policies/read-data.yaml:5:59: warning: every resource may be changed by sqs:SendMessage; name the resources, or add a condition that picks them" },
    { "every object", { DATA("  - { effect: Allow, action: \"s3:PutObject\", resource: \"arn:aws:s3:::*/*\" }\n") }, "write-on-any-resource",
      "policies/read-data.yaml:5:56: warning: every resource may be changed by s3:PutObject; name the resources" },
    { "one queue", { DATA("  - { effect: Allow, action: \"sqs:SendMessage\", resource: \"arn:aws:sqs:*:*:bills\" }\n") }, "write-on-any-resource", NULL },

    { "all actions but", { DATA("  - { effect: Allow, not_action: \"iam:*\"" ANY) }, "allow-all-but",
      "policies/read-data.yaml:5:5: security warning: every action but these is allowed, and what AWS will add; list the actions that the task needs" },
    { "all resources but", { DATA("  - { effect: Allow, action: \"s3:GetObject\", not_resource: \"arn:aws:s3:::x/*\" }\n") }, "allow-all-but",
      "policies/read-data.yaml:5:5: security warning: every resource but these is allowed, and whatever will be made; name the resources that the task needs" },
    { "all denied but", { DATA(READ "  - { effect: Deny, not_action: \"iam:*\", not_resource: \"arn:aws:s3:::x/*\" }\n") }, "allow-all-but", NULL },

    { "objects of a bucket", { DATA("  - { effect: Allow, action: [\"s3:ListBucket\", \"s3:GetObject\"], resource: \"arn:${partition}:s3:::${account.bucket}\" }\n"), ROLE("writer", "policies: [read-data]\n") }, "resource-of-another-action", NULL },
    { "objects of a named bucket", { DATA("  - { effect: Allow, action: [\"s3:ListBucket\", \"s3:GetObject\"], resource: \"arn:${partition}:s3:::bills\" }\n") }, "resource-of-another-action",
      "policies/read-data.yaml:5:48: warning: s3:GetObject works on none of these resources, but on: accesspointobject, object; name what it works on, or take the action away" },
    { "a list of objects", { DATA("  - { effect: Allow, action: \"s3:ListBucket\", resource: \"arn:${partition}:s3:::bills/*\" }\n") }, "resource-of-another-action",
      "policies/read-data.yaml:5:30: warning: s3:ListBucket works on none of these resources, but on: accesspoint, bucket; name what" },
    { "a list of everything in S3", { DATA("  - { effect: Allow, action: \"s3:ListBucket\", resource: \"arn:aws:s3:::*\" }\n") }, "resource-of-another-action", NULL },
    { "a resource of another service", { DATA("  - { effect: Allow, action: \"sqs:SendMessage\", resource: \"arn:aws:sns:*:*:x\" }\n") }, "resource-of-another-action",
      "policies/read-data.yaml:5:30: warning: sqs:SendMessage works on none of these resources, but on: queue; name what it works on, or take the action away" },
    { "an action without resources", { DATA("  - { effect: Allow, action: \"s3:ListAllMyBuckets\", resource: \"arn:aws:s3:::x\" }\n") }, "resource-of-another-action",
      "policies/read-data.yaml:5:30: warning: s3:ListAllMyBuckets takes no resource but \"*\"; move it to a statement with resource: \"*\"" },
    { "both in one statement", { DATA("  - { effect: Allow, action: [\"s3:ListBucket\", \"s3:GetObject\"], resource: [\"arn:aws:s3:::x\", \"arn:aws:s3:::x/*\"] }\n") }, "resource-of-another-action", NULL },

    { "a prefix of a location", { DATA("  - { effect: Allow, action: [\"s3:ListBucket\", \"s3:GetBucketLocation\"], resource: \"*\", condition: { StringLike: { \"S3:Prefix\": a } } }\n") }, "condition-of-another-action",
      "policies/read-data.yaml:5:48: warning: s3:GetBucketLocation knows no s3:prefix, so this statement never allows it; move it to a statement of its own" },
    { "a Deny of a prefix of a location", { DATA(READ "  - { effect: Deny, action: \"s3:GetBucketLocation\", resource: \"*\", condition: { StringLike: { \"s3:prefix\": a } } }\n") }, "condition-of-another-action",
      "policies/read-data.yaml:6:29: warning: s3:GetBucketLocation knows no s3:prefix, so this statement never denies it; move it to a statement of its own" },
    { "a prefix if there is one", { DATA("  - { effect: Allow, action: \"s3:GetBucketLocation\", resource: \"*\", condition: { StringLikeIfExists: { \"s3:prefix\": a } } }\n") }, "condition-of-another-action", NULL },
    { "another prefix", { DATA("  - { effect: Allow, action: \"s3:GetBucketLocation\", resource: \"*\", condition: { StringNotLike: { \"s3:prefix\": a } } }\n") }, "condition-of-another-action", NULL },
    { "a key of every action", { DATA("  - { effect: Allow, action: \"s3:GetBucketLocation\", resource: \"*\", condition: { StringLike: { \"aws:PrincipalTag/a\": a } } }\n") }, "condition-of-another-action", NULL },

    { "a second factor", { DATA("  - { effect: Allow, action: \"s3:Get*\", resource: \"*\", condition: { Bool: { \"aws:multifactorauthpresent\": \"true\" } } }\n") }, "second-factor-in-policy",
      "policies/read-data.yaml:5:77: security warning: aws:multifactorauthpresent is never there in a session of this role; write privileged: true in the role instead" },
    { "another fact", { DATA("  - { effect: Allow, action: \"s3:Get*\", resource: \"*\", condition: { Bool: { \"aws:SecureTransport\": \"true\" } } }\n") }, "second-factor-in-policy", NULL },

    { "gives permissions", { DATA("  - { effect: Allow, action: \"iam:TagRole\"" ANY "  - { effect: Allow, action: \"iam:AttachRolePolicy\", resource: \"arn:aws:iam::*:role/x\" }\n") }, "permissions-without-privileged",
      "roles/reader.yaml:1:1: security warning: the role 'reader' may give permissions: iam:AttachRolePolicy (policies/read-data.yaml:6); write privileged: true, or take the actions away" },
    { "gives permissions, privileged", { DATA("  - { effect: Allow, action: \"iam:AttachRolePolicy\"" ANY), ROLE("reader", "policies: [read-data]\nprivileged: true\n"), ROLE("writer", "policies: [read-data]\nprivileged: true\n") }, "permissions-without-privileged", NULL },
    { "denied again", { DATA("  - { effect: Allow, action: \"iam:AttachRolePolicy\"" ANY "  - { effect: Deny, action: \"iam:*\"" ANY) }, "permissions-without-privileged", NULL },
    { "not in the session policy", { DATA("  - { effect: Allow, action: \"iam:*\"" ANY), ROLE("reader", "policies: [read-data]\nsession_policy: { statements: [{ effect: Allow, action: \"iam:Get*\", resource: \"*\" }] }\n"), ROLE("writer", "managed_policies: [ReadOnlyAccess]\n") }, "permissions-without-privileged", NULL },
    { "no way in the session policy", { DATA("  - { effect: Allow, action: \"iam:*\"" ANY), ROLE("reader", "policies: [read-data]\nsession_policy: { statements: [{ effect: Allow, action: \"iam:Get*\", resource: \"*\" }] }\n"), ROLE("writer", "managed_policies: [ReadOnlyAccess]\n") }, "privilege-escalation", NULL },
    { "denied at some places", { DATA("  - { effect: Allow, action: \"iam:AttachRolePolicy\"" ANY "  - { effect: Deny, action: \"iam:*\", resource: \"arn:aws:iam::*:role/x\" }\n") }, "permissions-without-privileged",
      "roles/reader.yaml:1:1: security warning: the role 'reader' may give permissions: iam:AttachRolePolicy (policies/read-data.yaml:5); write privileged: true, or take the actions away" },
    { "an administrator of AWS's", { ROLE("reader", "managed_policies: [\"arn:aws:iam::aws:policy/AdministratorAccess\"]\n") }, "permissions-without-privileged",
      "roles/reader.yaml:1:1: security warning: the role 'reader' may give permissions, by arn:aws:iam::aws:policy/AdministratorAccess; write privileged: true, or take the actions away" },
    { "a known policy of AWS's", { ROLE("reader", "managed_policies: [Other]\n"), { "managed/Other.json", "{\"Version\": \"2012-10-17\", \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"iam:PutRolePolicy\", \"Resource\": \"*\"}}" } }, "permissions-without-privileged",
      "roles/reader.yaml:1:1: security warning: the role 'reader' may give permissions: iam:PutRolePolicy (managed/Other.json:1); write privileged: true, or take the actions away" },
    { "a reader of AWS's", { ROLE("reader", "managed_policies: [ReadOnlyAccess]\n") }, "permissions-without-privileged", NULL },

    { "a new version of any policy", { DATA("  - { effect: Allow, action: \"iam:CreatePolicyVersion\"" ANY) }, "privilege-escalation",
      "roles/reader.yaml:1:1: security warning: the role 'reader' writes a new version of a policy that it has, by iam:CreatePolicyVersion (policies/read-data.yaml:5); name the resources, or write privileged: true" },
    { "over two policies", { DATA("  - { effect: Allow, action: \"iam:Pass*\"" ANY), POLICY("code", "  - { effect: Allow, action: [\"lambda:CreateFunction\", \"lambda:InvokeFunction\"]" ANY), ROLE("reader", "policies: [read-data, code]\n") }, "privilege-escalation",
      "roles/reader.yaml:1:1: security warning: the role 'reader' runs code as any role, by iam:PassRole (policies/read-data.yaml:5) and lambda:CreateFunction (policies/code.yaml:5) and lambda:InvokeFunction (policies/code.yaml:5); name the resources, or write privileged: true" },
    { "half of a way", { DATA("  - { effect: Allow, action: [\"iam:PassRole\", \"lambda:CreateFunction\"]" ANY) }, "privilege-escalation", NULL },
    { "one role to pass", { DATA("  - { effect: Allow, action: \"iam:PassRole\", resource: \"arn:aws:iam::${account.id}:role/app\" }\n  - { effect: Allow, action: \"ec2:RunInstances\"" ANY) }, "privilege-escalation", NULL },
    { "any role of an account to pass", { DATA("  - { effect: Allow, action: \"iam:PassRole\", resource: \"arn:aws:iam::${account.id}:role/*\" }\n  - { effect: Allow, action: \"ec2:RunInstances\"" ANY) }, "privilege-escalation",
      "roles/reader.yaml:1:1: security warning: the role 'reader' starts a machine that runs as any role, by iam:PassRole (policies/read-data.yaml:5) and ec2:RunInstances (policies/read-data.yaml:6); name the resources, or write privileged: true" },
    { "passed to another service", { DATA("  - { effect: Allow, action: \"iam:PassRole\", resource: \"*\", condition: { StringEquals: { \"iam:PassedToService\": ecs-tasks.amazonaws.com } } }\n  - { effect: Allow, action: \"ec2:RunInstances\"" ANY) }, "privilege-escalation", NULL },
    { "passed to this service", { DATA("  - { effect: Allow, action: \"iam:PassRole\", resource: \"*\", condition: { StringLike: { \"iam:PassedToService\": \"ec2.*\" } } }\n  - { effect: Allow, action: \"ec2:RunInstances\"" ANY) }, "privilege-escalation",
      "roles/reader.yaml:1:1: security warning: the role 'reader' starts a machine that runs as any role, by iam:PassRole (policies/read-data.yaml:5) and ec2:RunInstances (policies/read-data.yaml:6); name the resources, or write privileged: true" },
    { "commands on any machine", { DATA("  - { effect: Allow, action: \"ssm:SendCommand\", resource: \"arn:aws:ec2:*:*:instance/*\" }\n") }, "privilege-escalation",
      "roles/reader.yaml:1:1: security warning: the role 'reader' runs commands as the role of any machine, by ssm:SendCommand (policies/read-data.yaml:5); name the resources, or write privileged: true" },
    { "commands on some machines", { DATA("  - { effect: Allow, action: \"ssm:SendCommand\", resource: \"arn:aws:ec2:*:*:instance/*\", condition: { StringEquals: { \"ssm:resourceTag/team\": a } } }\n") }, "privilege-escalation", NULL },
    { "several ways", { DATA("  - { effect: Allow, action: \"iam:*\"" ANY) }, "privilege-escalation", "; and there are 1" },
    { "a way that is denied", { DATA("  - { effect: Allow, action: \"iam:CreatePolicyVersion\"" ANY "  - { effect: Deny, action: \"IAM:create*\"" ANY) }, "privilege-escalation", NULL },
    { "a way of a privileged role", { DATA("  - { effect: Allow, action: \"iam:*\"" ANY), ROLE("reader", "policies: [read-data]\nprivileged: true\n"), ROLE("writer", "policies: [read-data]\nprivileged: true\n") }, "privilege-escalation", NULL },

    { "makes keys", { DATA("  - { effect: Allow, action: [\"iam:GetUser\", \"iam:createaccesskey\"]" ANY) }, "long-lived-credentials",
      "policies/read-data.yaml:5:46: security warning: 'iam:CreateAccessKey' makes credentials that do not end; give people and workloads a role" },
    { "speaks of a user", { DATA("  - { effect: Allow, action: \"s3:Get*\", resource: \"*\", condition: { ArnLike: { \"aws:PrincipalArn\": \"arn:aws:iam::111122223333:user/ada\" } } }\n") }, "long-lived-credentials",
      "policies/read-data.yaml:5:100: security warning: 'arn:aws:iam::111122223333:user/ada' is an IAM user; name a role" },
    { "deletes keys", { DATA("  - { effect: Allow, action: \"iam:DeleteAccessKey\"" ANY) }, "long-lived-credentials", NULL },

    { "no owner", { { "roles/reader.yaml", "rolebridge: 1\nrole: reader\ntitle: R\nowner: \"\"\npolicies: [read-data]\n" } }, "role-without-owner",
      "roles/reader.yaml:1:1: warning: the role 'reader' has no owner; write an address that is read" },
    { "an owner", { ROLE("reader", "policies: [read-data]\n") }, "role-without-owner", NULL },
    { "no purpose", { { "roles/reader.yaml", NULL }, { "roles/writer.yaml", "rolebridge: 1\nrole: writer\ntitle: R\nowner: o\npolicies: [read-data]\n" }, { "assignments.yaml", "rolebridge: 1\nassignments: []\n" } }, "role-without-purpose",
      "roles/writer.yaml:1:1: suggestion: the role 'writer' does not say what it is for; write one sentence" },
    { "a purpose", { ROLE("reader", "policies: [read-data]\n"), ROLE("writer", "policies: [read-data]\n") }, "role-without-purpose", NULL },
    { "no policies at all", { ROLE("writer", "") }, "role-without-policies",
      "roles/writer.yaml:1:1: warning: the role 'writer' has no policies, so it may do nothing; name a task policy" },
    { "a policy of AWS's alone", { ROLE("writer", "managed_policies: [ReadOnlyAccess]\n") }, "role-without-policies", NULL },
    { "a policy that nobody uses", { POLICY("spare", READ) }, "unused-policy",
      "policies/spare.yaml:1:1: warning: no role uses the policy 'spare'; name it in a role, or delete the file" },
    { "a policy that somebody uses", { DATA(READ) }, "unused-policy", NULL },
    { "a role that nobody has", { ROLE("spare", "policies: [read-data]\n") }, "unused-role",
      "roles/spare.yaml:1:1: warning: nobody is assigned the role 'spare'; assign it to a group, or delete the file" },
    { "roles that somebody has", { ASSIGN("") }, "unused-role", NULL },

    { "an assignment within another", { ASSIGN("  - { groups: [x, readers], role: reader, accounts: [alpha, beta] }\n") }, "unused-assignment",
      "assignments.yaml:3:5: warning: assignments.yaml:5 gives the role 'reader' to the same people there; keep one of them" },
    { "an assignment twice", { ASSIGN("  - { groups: [readers], role: reader, accounts: [\"111122223333\"] }\n") }, "unused-assignment",
      "assignments.yaml:5:5: warning: assignments.yaml:3 gives the role 'reader' to the same people there; keep one of them" },
    { "other accounts", { ASSIGN("  - { groups: [readers], role: reader, accounts: [beta] }\n") }, "unused-assignment", NULL },
    { "other people", { ASSIGN("  - { groups: [x], role: reader, accounts: [alpha] }\n") }, "unused-assignment", NULL },
    { "another role", { ASSIGN("  - { groups: [readers], role: writer, accounts: [alpha] }\n") }, "unused-assignment", NULL },
    { "fewer people", { ASSIGN("  - { groups: [readers], when: { a: b }, role: reader, accounts: [alpha, beta] }\n") }, "unused-assignment", NULL },

    { "two roles of one policy", { ASSIGN("") }, "roles-alike",
      "roles/writer.yaml:1:1: suggestion: the role 'writer' gives nearly the same as 'reader'; make them one, or move what differs to a task policy" },
    { "one of them privileged", { ROLE("writer", "policies: [read-data]\nprivileged: true\n") }, "roles-alike", NULL },
    { "one of them from one network", { ROLE("writer", "policies: [read-data]\nconditions: { source_ip: [203.0.113.0/24] }\n") }, "roles-alike", NULL },
    { "never together", { ASSIGN("separation_of_duties: [{ never_together: [reader, writer], reason: r }]\n") }, "roles-alike", NULL },
    { "half in common", { POLICY("code", "  - { effect: Allow, action: \"lambda:List*\"" ANY), ROLE("writer", "policies: [read-data, code]\n") }, "roles-alike", NULL },
};

static const struct {
    const char *name;
    TestFile changes[4];
    const char *want, *not_said;
} ignores[] = {
    { "a rule ignored", { POLICY("spare", READ "lint: [{ ignore: unused-policy, reason: comes next week }]\n") }, NULL, "unused-policy" },
    { "in another file", { POLICY("spare", READ), DATA(READ "lint: [{ ignore: unused-policy, reason: r }]\n") },
      "policies/read-data.yaml:6:8: suggestion: nothing here is against the rule 'unused-policy'; delete it", NULL },
    { "in another file all the same", { POLICY("spare", READ), DATA(READ "lint: [{ ignore: unused-policy, reason: r }]\n") }, "[unused-policy]", NULL },
    { "needed by nothing", { ROLE("reader", "policies: [read-data]\nlint:\n  - { ignore: unused-role, reason: r }\n") },
      "roles/reader.yaml:8:5: suggestion: nothing here is against the rule 'unused-role'; delete it", NULL },
    { "a rule that is none", { ASSIGN("lint: [{ ignore: unused-asignment, reason: r }]\n") },
      "assignments.yaml:5:8: error: no rule named 'unused-asignment'; did you mean 'unused-assignment'?", NULL },
    { "a rule like none", { ASSIGN("lint: [{ ignore: whatever, reason: r }]\n") },
      "assignments.yaml:5:8: error: no rule named 'whatever'; rolebridgectl check --rules lists them", NULL },
    { "a finding of AWS's", { DATA("  - { effect: Allow, action: \"iam:PassRole\"" ANY) }, "policies/read-data.yaml:5:30: security warning: iam:PassRole on every role", NULL },
    { "a finding of AWS's by its name", { DATA("  - { effect: Allow, action: \"iam:PassRole\"" ANY) }, " [PASS_ROLE_WITH_STAR_IN_RESOURCE]\n", NULL },
    { "a finding of AWS's ignored", { DATA("  - { effect: Allow, action: \"iam:PassRole\"" ANY "lint: [{ ignore: PASS_ROLE_WITH_STAR_IN_RESOURCE, reason: r }]\n") }, NULL, "PASS_ROLE_WITH_STAR_IN_RESOURCE" },
    { "one that is not there", { DATA(READ "lint: [{ ignore: PASS_ROLE_WITH_STAR_IN_RESOURCE, reason: r }]\n") },
      "policies/read-data.yaml:6:8: suggestion: nothing here is against the rule 'PASS_ROLE_WITH_STAR_IN_RESOURCE'; delete it", NULL },
    { "an action that AWS does not have", { DATA("  - { effect: Allow, action: \"s3:GetObjcet\"" ANY) }, " [INVALID_ACTION]\n", NULL },
    { "an action that AWS does not have yet", { DATA("  - { effect: Allow, action: \"s3:GetObjcet\"" ANY "lint: [{ ignore: INVALID_ACTION, reason: new this week }]\n") }, NULL, "INVALID_ACTION" },
    { "variables of the mapping are none of AWS's", { DATA("  - { effect: Allow, action: \"s3:GetObject\", resource: \"arn:${partition}:s3:::${account.bucket}/${role}/${account.id}/*\" }\n") }, NULL, "VARIABLE" },
    { "a session policy", { ROLE("reader", "policies: [read-data]\nsession_policy: { statements: [{ effect: Allow, action: \"s3:GetObjcet\", resource: \"*\" }] }\n") }, "roles/reader.yaml:7:", NULL },
};
/* clang-format on */

static char *
told(const TestFile *changes)
{
    g_autoptr(RbSnapshot) snapshot = test_snapshot(changes);
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();

    rb_lint(snapshot, problems);
    return rb_diagnostics_to_text(problems, FALSE);
}

static void
test_rules(void **state)
{
    guint failed = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = told(rows[i].changes), *code = g_strdup_printf(" [%s]\n", rows[i].rule);
        gboolean said = strstr(text, code) != NULL;
        assert_non_null(rb_lint_rule(rows[i].rule));
        if (rows[i].want == NULL ? !said : said && strstr(text, rows[i].want) != NULL)
            continue;
        print_error("%s: want %s of %s\n%s\ngot\n%s\n", rows[i].name, rows[i].want == NULL ? "nothing" : "",
                    rows[i].rule, rows[i].want == NULL ? "" : rows[i].want, text);
        failed++;
    }
    assert_int_equal(failed, 0);
}

/* A rule that no row meets is not tested. */
static void
test_each_rule_is_met(void **state)
{
    const RbLintRule *rule;

    (void)state;
    for (guint i = 0; (rule = rb_lint_rule_at(i)) != NULL; i++) {
        guint met = 0, left = 0;
        for (gsize k = 0; k < G_N_ELEMENTS(rows); k++)
            if (g_str_equal(rows[k].rule, rule->id)) {
                met += rows[k].want != NULL;
                left += rows[k].want == NULL;
            }
        if (met == 0 || left == 0)
            fail_msg("%s: %u rows that meet it, %u that do not", rule->id, met, left);
    }
}

static void
test_ignores(void **state)
{
    guint failed = 0;

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(ignores); i++) {
        g_autofree char *text = told(ignores[i].changes);
        if ((ignores[i].want == NULL || strstr(text, ignores[i].want) != NULL) &&
            (ignores[i].not_said == NULL || strstr(text, ignores[i].not_said) == NULL))
            continue;
        print_error("%s: want\n%s\ngot\n%s\n", ignores[i].name, ignores[i].want, text);
        failed++;
    }
    assert_int_equal(failed, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_each_rule_is_met),
        cmocka_unit_test(test_ignores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
