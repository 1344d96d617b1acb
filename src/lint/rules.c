#include "lint/priv.h"

#include "base/encoding.h"

/* Every rule: what docs/lint.md, --rules, --explain and SARIF tell, and the function that looks for it. */

/* clang-format off */
const RbLintEntry rb_lint_entries[] = {
    { { "role-named-after-technology", RB_SEVERITY_WARNING, "a role is named after a technology",
        "A role says what somebody does in the organisation. Technologies come and go, and a role named after one "
        "tells nobody who should have it, so it is given to whoever asks.",
        "role: redshift-launchers",
        "Name it for the work: data-scientist." }, FALSE, rb_lint_role_names },
    { { "group-named-after-technology", RB_SEVERITY_SUGGESTION, "a directory group is named after a technology",
        "The group is what people ask to join. One that is called after a service collects people with different "
        "work, and each of them gets what only some need.",
        "- { groups: [s3-users], role: data-scientist, accounts: [analytics-prod] }",
        "Assign the group of those who do this work: acme-data-science." }, FALSE, rb_lint_group_names },
    { { "giant-policy", RB_SEVERITY_WARNING, "one policy for many tasks",
        "A policy for one task is reviewed in a minute and shared by every role that has the task. One giant policy is "
        "neither: each role that needs a part of it gets all of it.",
        "statements:   # of more than 8 services, or more than 20 of them, or more than 6,144 characters",
        "Write one policy for each task and name them all in the role." }, TRUE, rb_lint_giant_policies },
    { { "repeated-statement", RB_SEVERITY_SUGGESTION, "the same statement in several policies",
        "What is written twice is changed once. The copy that was forgotten still grants.",
        "# in review-bills.yaml and in approve-bills.yaml\n"
        "- { effect: Allow, action: \"s3:GetObject\", resource: \"arn:aws:s3:::bills/*\" }",
        "Move it to a task policy of its own (read-bills) and name that in both roles." }, FALSE, rb_lint_repeated_statements },
    { { "inline-policy", RB_SEVERITY_WARNING, "a session policy instead of a task policy",
        "A session policy only narrows what a role's policies give: alone it gives nothing, and nobody can share it. "
        "It is for a limit on one role, never for what the role may do.",
        "role: auditor\nsession_policy: { statements: [{ effect: Allow, action: \"s3:Get*\", resource: \"*\" }] }",
        "Write the statements as a task policy in policies/ and name it under 'policies'." }, FALSE, rb_lint_inline_policies },
    { { "wildcard-in-write-action", RB_SEVERITY_SECURITY, "an action pattern that lets change things",
        "A pattern grants what AWS adds to it later. For actions that only read this is convenience; for those that "
        "write or give permissions it hands out what nobody has looked at.",
        "action: \"s3:*\"     # also s3:DeleteBucket, s3:PutBucketPolicy",
        "List the actions that the task needs: [\"s3:GetObject\", \"s3:PutObject\"]." }, TRUE, rb_lint_wildcard_actions },
    { { "write-on-any-resource", RB_SEVERITY_WARNING, "an action that writes, on every resource",
        "The action could be limited to some resources, and is not: whoever has the role can change everybody's.",
        "{ effect: Allow, action: \"sqs:SendMessage\", resource: \"*\" }",
        "Name the resources by ARN, or add a condition that picks them (aws:ResourceTag/team)." }, TRUE, rb_lint_any_resource },
    { { "allow-all-but", RB_SEVERITY_SECURITY, "everything is allowed but what is listed",
        "not_action and not_resource with Allow grant what nobody has listed: each new service, each new bucket. With Deny "
        "they do the opposite, and are fine.",
        "{ effect: Allow, not_action: \"iam:*\", resource: \"*\" }",
        "List what the task needs; what must never be, put into a Deny." }, TRUE, rb_lint_all_but },
    { { "resource-of-another-action", RB_SEVERITY_WARNING, "an action on resources that it does not work on",
        "AWS compares each action with the resources it works on. Where none is of its kind, the statement says nothing "
        "about this action, and who reads it believes that it does.",
        "{ effect: Allow, action: \"s3:GetObject\", resource: \"arn:aws:s3:::bills\" }     # objects are bills/*",
        "Name what the action works on: arn:aws:s3:::bills/*." }, TRUE, rb_lint_other_resources },
    { { "condition-of-another-action", RB_SEVERITY_WARNING, "a condition on a key that an action does not know",
        "A key that the request does not have makes the condition false: an Allow allows nothing, and a Deny denies "
        "nothing.",
        "{ effect: Allow, action: [\"s3:ListBucket\", \"s3:GetBucketLocation\"], resource: \"*\",\n"
        "  condition: { StringLike: { \"s3:prefix\": \"home/*\" } } }     # s3:GetBucketLocation has no prefix",
        "Give the action a statement without this condition." }, TRUE, rb_lint_other_keys },
    { { "second-factor-in-policy", RB_SEVERITY_SECURITY, "a policy asks for AWS's second factor",
        "Who comes through rolebridge has shown his second factor to the identity provider. AWS does not know: "
        "aws:MultiFactorAuthPresent is absent from the session, so an Allow never holds, and a Deny with Bool never bites.",
        "condition: { Bool: { \"aws:MultiFactorAuthPresent\": \"true\" } }",
        "Write privileged: true in the role: then nobody gets it without a second factor." }, TRUE, rb_lint_mfa_conditions },
    { { "permissions-without-privileged", RB_SEVERITY_SECURITY, "a role that gives permissions is not privileged",
        "Who may manage permissions can give them to himself. Such a role is taken for a short time, with a second "
        "factor: that is what 'privileged: true' demands.",
        "role: platform-engineer\npolicies: [manage-roles]     # iam:AttachRolePolicy",
        "Write privileged: true, or take the actions away." }, TRUE, rb_lint_unprivileged },
    { { "privilege-escalation", RB_SEVERITY_SECURITY, "a way to permissions that the role does not have",
        "Some actions, alone or together, let somebody act with permissions of another: a function that runs as any "
        "role, a new version of one's own policy, keys of another user.",
        "action: [\"iam:PassRole\", \"lambda:CreateFunction\", \"lambda:InvokeFunction\"]\nresource: \"*\"",
        "Name the roles that may be passed and the service (iam:PassedToService), name the resources, or write "
        "privileged: true." }, TRUE, rb_lint_escalation },
    { { "long-lived-credentials", RB_SEVERITY_SECURITY, "users and access keys where a role would do",
        "Keys of an IAM user do not end by themselves and know nothing of the person: they outlive jobs, laptops and "
        "employments. People and workloads can take a role through rolebridge.",
        "action: \"iam:CreateAccessKey\"",
        "Give the workload a role and an assignment with 'provider' and 'when'; take the action away." }, TRUE, rb_lint_long_lived },
    { { "role-without-owner", RB_SEVERITY_WARNING, "nobody answers for a role",
        "Whoever is refused a role is told whom to ask, and a review of access needs somebody who says yes or no.",
        "owner: \"\"",
        "Write an address that is read: owner: analytics-leads@acme.example." }, FALSE, rb_lint_no_owner },
    { { "role-without-purpose", RB_SEVERITY_SUGGESTION, "a role does not say what it is for",
        "People choose a role by its purpose, and a reviewer judges its policies against it.",
        "role: tester\ntitle: Tester",
        "Write one sentence: purpose: Runs test scripts, on test machines only." }, FALSE, rb_lint_no_purpose },
    { { "role-without-policies", RB_SEVERITY_WARNING, "a role that may do nothing",
        "It can be assigned and taken, and then every call is refused.",
        "role: auditor\npolicies: []",
        "Name a task policy." }, FALSE, rb_lint_no_policies },
    { { "unused-policy", RB_SEVERITY_WARNING, "a task policy that no role names",
        "Nobody reviews what nobody has, and one day somebody names it.",
        "# policies/spare.yaml, and no role with policies: [spare]",
        "Name it in a role, or delete the file." }, FALSE, rb_lint_unused_policies },
    { { "unused-role", RB_SEVERITY_WARNING, "a role that is assigned to nobody",
        "It stands in every account it was once assigned in, and waits for a mistake.",
        "# roles/spare.yaml, and no assignment with role: spare",
        "Assign it to a group, or delete the file." }, FALSE, rb_lint_unused_roles },
    { { "unused-assignment", RB_SEVERITY_WARNING, "an assignment that brings nothing new",
        "Another one gives the same role to the same people in the same accounts, so taking this one away would change "
        "nothing, and whoever does so believes that access has ended.",
        "- { groups: [testers], role: tester, accounts: [development, corporate] }\n"
        "- { groups: [testers], role: tester, accounts: [development] }",
        "Keep one of them." }, FALSE, rb_lint_unused_assignments },
    { { "roles-alike", RB_SEVERITY_SUGGESTION, "two roles that are nearly the same",
        "Where two roles give nearly the same, people get both or the wrong one, and each change has to be made twice.",
        "# roles/tester.yaml and roles/qa-engineer.yaml, both with policies: [run-test-scripts]",
        "Make them one role, or move what differs to a task policy of its own." }, FALSE, rb_lint_alike_roles },
};
/* clang-format on */

const guint rb_lint_n_entries = G_N_ELEMENTS(rb_lint_entries);

const RbLintRule *
rb_lint_rule_at(guint i)
{
    return i < rb_lint_n_entries ? &rb_lint_entries[i].told : NULL;
}

const RbLintRule *
rb_lint_rule(const char *id)
{
    for (guint i = 0; i < rb_lint_n_entries; i++)
        if (g_str_equal(rb_lint_entries[i].told.id, id))
            return &rb_lint_entries[i].told;
    return NULL;
}

const char *
rb_lint_rule_nearest(const char *id)
{
    const char *ids[G_N_ELEMENTS(rb_lint_entries) + 1] = { NULL };

    for (guint i = 0; i < rb_lint_n_entries; i++)
        ids[i] = rb_lint_entries[i].told.id;
    return rb_text_nearest(id, ids);
}
