/* What there is and what should be → steps, in their order; what is not ours is left alone. */
#include "deploy/deploy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static RbCompiled *compiled;
static const RbCompiledAccount *account; /* development: web-identity */

static int
set_up(void **state)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(RbSnapshot) snapshot = rb_snapshot_load(g_getenv("MAPPINGS"), problems);
    g_autofree char *why = NULL;

    (void)state;
    compiled = snapshot == NULL ? NULL : rb_compile(snapshot, NULL, problems);
    why = rb_diagnostics_to_text(problems, FALSE);
    if (compiled == NULL)
        fail_msg("%s", why);
    account = rb_compiled_account(compiled, "development");
    return account == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rb_compiled_free(compiled);
    return 0;
}

static json_t *
tags(const RbTag *from, guint n)
{
    json_t *out = json_object();

    for (guint i = 0; i < n; i++)
        (void)json_object_set_new(out, from[i].key, json_string(from[i].value));
    return out;
}

/* The account as apply would leave it. */
static json_t *
whole(void)
{
    json_t *state = json_pack("{s:{}, s:{}, s:{}}", "roles", "policies", "providers");

    for (guint i = 0; i < account->n_policies; i++) {
        const RbCompiledPolicy *p = &account->policies[i];
        (void)json_object_set_new(json_object_get(state, "policies"), p->name,
                                  json_pack("{s:s, s:s, s:s, s:s, s:o}", "PolicyName", p->name, "Path",
                                            account->path, "Arn", p->arn, "document", p->text, "tags",
                                            tags(p->tags, p->n_tags)));
    }
    for (guint i = 0; i < account->n_roles; i++) {
        const RbCompiledRole *r = &account->roles[i];
        json_t *attached = json_array();
        for (guint k = 0; r->policies[k] != NULL; k++)
            (void)json_array_append_new(attached, json_string(r->policies[k]->arn));
        for (guint k = 0; r->managed[k] != NULL; k++)
            (void)json_array_append_new(attached, json_string(r->managed[k]));
        (void)json_object_set_new(json_object_get(state, "roles"), r->name,
                                  json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:{}, s:o}", "RoleName",
                                            r->name, "Path", account->path, "Arn", r->arn, "trust",
                                            r->trust_text, "description", r->description, "max_session_s",
                                            (json_int_t)r->max_session_s, "attached", attached, "inline",
                                            "tags", tags(r->tags, r->n_tags)));
    }
    (void)json_object_set_new(json_object_get(state, "providers"), account->provider->arn,
                              json_pack("{s:s, s:b, s:[s], s:o}", "Arn", account->provider->arn, "saml", 0,
                                        "audiences", account->provider->audience, "tags",
                                        tags(account->tags, account->n_tags)));
    return state;
}

/* Steps, a line each, then conflicts. */
static char *
told(const json_t *state)
{
    g_autoptr(RbAccountPlan) plan = rb_deploy_compare(account, state);
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < plan->steps->len; i++) {
        g_autofree char *text = rb_step_text(plan->steps->pdata[i]);
        g_string_append_printf(out, "%s\n", text);
    }
    for (guint i = 0; i < plan->conflicts->len; i++)
        g_string_append_printf(out, "! %s\n", (char *)plan->conflicts->pdata[i]);
    for (guint i = 0; i < plan->notes->len; i++)
        g_string_append_printf(out, ". %s\n", (char *)plan->notes->pdata[i]);
    return g_string_free(out, FALSE);
}

/* ---- one thing changed ---- */

typedef void (*Change)(json_t *roles, json_t *policies, json_t *providers);

#define DEVELOPER json_object_get(roles, "developer")
#define OLD_POLICY "arn:aws:iam::444455556666:policy/rolebridge/old-policy"
#define TESTS json_object_get(policies, "run-test-scripts")

static void
nothing(json_t *roles, json_t *policies, json_t *providers)
{
    (void)roles, (void)policies, (void)providers;
}
static void
no_role(json_t *roles, json_t *policies, json_t *providers)
{
    (void)policies, (void)providers;
    (void)json_object_del(roles, "developer");
}
static void
role_elsewhere(json_t *roles, json_t *policies, json_t *providers)
{
    (void)policies, (void)providers;
    (void)json_object_set_new(DEVELOPER, "Path", json_string("/"));
}
static void
role_untagged(json_t *roles, json_t *policies, json_t *providers)
{
    (void)policies, (void)providers;
    (void)json_object_del(json_object_get(DEVELOPER, "tags"), "rolebridge");
}
static void
trust_wider(json_t *roles, json_t *policies, json_t *providers)
{
    (void)policies, (void)providers;
    (void)json_object_set_new(
        DEVELOPER, "trust",
        json_string("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{"
                    "\"AWS\":\"*\"},\"Action\":\"sts:AssumeRole\"}]}"));
}
static void
trust_unreadable(json_t *roles, json_t *policies, json_t *providers)
{
    (void)policies, (void)providers;
    (void)json_object_set_new(DEVELOPER, "trust", json_string("{"));
}
static void
longer(json_t *roles, json_t *policies, json_t *providers)
{
    (void)policies, (void)providers;
    (void)json_object_set_new(DEVELOPER, "max_session_s", json_integer(43200));
}
static void
more_attached(json_t *roles, json_t *policies, json_t *providers)
{
    (void)policies, (void)providers;
    (void)json_array_append_new(json_object_get(DEVELOPER, "attached"),
                                json_string("arn:aws:iam::aws:policy/AdministratorAccess"));
}
static void
none_attached(json_t *roles, json_t *policies, json_t *providers)
{
    (void)policies, (void)providers;
    (void)json_array_clear(json_object_get(DEVELOPER, "attached"));
}
static void
within(json_t *roles, json_t *policies, json_t *providers)
{
    (void)policies, (void)providers;
    (void)json_object_set_new(json_object_get(DEVELOPER, "inline"), "mine", json_string("{}"));
}
static void
revoked(json_t *roles, json_t *policies, json_t *providers)
{
    (void)policies, (void)providers;
    (void)json_object_set_new(json_object_get(DEVELOPER, "inline"), "AWSRevokeOlderSessions",
                              json_string("{}"));
}
static void
other_owner(json_t *roles, json_t *policies, json_t *providers)
{
    (void)policies, (void)providers;
    (void)json_object_set_new(json_object_get(DEVELOPER, "tags"), "rolebridge:owner", json_string("mallory"));
    (void)json_object_set_new(json_object_get(DEVELOPER, "tags"), "rolebridge:old", json_string("x"));
    (void)json_object_set_new(json_object_get(DEVELOPER, "tags"), "cost", json_string("people's own"));
}
static void
document(json_t *roles, json_t *policies, json_t *providers)
{
    (void)roles, (void)providers;
    (void)json_object_set_new(
        TESTS, "document",
        json_string("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","
                    "\"Resource\":\"*\"}]}"));
}
static void
same_in_other_words(json_t *roles, json_t *policies, json_t *providers)
{
    g_autofree char *text = g_strdup(rb_iam_text(TESTS, "document"));
    json_t *json = json_loads(text, 0, NULL);
    char *pretty = json_dumps(json, JSON_INDENT(4) | JSON_SORT_KEYS);

    (void)roles, (void)providers;
    (void)json_object_set_new(TESTS, "document", json_string(pretty));
    free(pretty);
    json_decref(json);
}
static void
policy_of_others(json_t *roles, json_t *policies, json_t *providers)
{
    (void)roles, (void)providers;
    (void)json_object_set_new(TESTS, "tags", json_object());
}
static void
left_over(json_t *roles, json_t *policies, json_t *providers)
{
    json_t *role = json_deep_copy(DEVELOPER), *policy = json_deep_copy(TESTS);

    (void)providers;
    (void)json_object_set_new(role, "RoleName", json_string("old-role"));
    (void)json_object_set_new(role, "Arn", json_string("arn:aws:iam::444455556666:role/rolebridge/old-role"));
    (void)json_object_set_new(policy, "PolicyName", json_string("old-policy"));
    (void)json_object_set_new(policy, "Arn", json_string(OLD_POLICY));
    (void)json_object_set_new(roles, "old-role", role);
    (void)json_object_set_new(policies, "old-policy", policy);
}
static void
strangers(json_t *roles, json_t *policies, json_t *providers)
{
    left_over(roles, policies, providers);
    (void)json_object_set_new(json_object_get(roles, "old-role"), "Path", json_string("/other/"));
    (void)json_object_set_new(json_object_get(policies, "old-policy"), "tags", json_object());
    (void)json_object_set_new(providers, "arn:aws:iam::444455556666:oidc-provider/other.example",
                              json_pack("{s:b, s:{}}", "saml", 0, "tags"));
}
static void
no_provider(json_t *roles, json_t *policies, json_t *providers)
{
    (void)roles, (void)policies;
    (void)json_object_clear(providers);
}
static void
audience(json_t *roles, json_t *policies, json_t *providers)
{
    (void)roles, (void)policies;
    (void)json_object_set_new(json_object_get(providers, account->provider->arn), "audiences",
                              json_pack("[s]", "x"));
}
static void
audience_of_others(json_t *roles, json_t *policies, json_t *providers)
{
    audience(roles, policies, providers);
    (void)json_object_set_new(json_object_get(providers, account->provider->arn), "tags", json_object());
}
static void
provider_of_others(json_t *roles, json_t *policies, json_t *providers)
{
    (void)roles, (void)policies;
    (void)json_object_set_new(json_object_get(providers, account->provider->arn), "tags", json_object());
}
static void
old_provider(json_t *roles, json_t *policies, json_t *providers)
{
    (void)roles, (void)policies;
    (void)json_object_set_new(providers, "arn:aws:iam::444455556666:oidc-provider/old.example",
                              json_pack("{s:b, s:{s:s}}", "saml", 0, "tags", "rolebridge", "managed"));
}

/* A role that is not wanted any more, in an instance profile of others: it stays, and so does its policy. */
static void
in_a_profile(json_t *roles, json_t *policies, json_t *providers)
{
    json_t *role;

    left_over(roles, policies, providers);
    role = json_object_get(roles, "old-role");
    (void)json_object_set_new(role, "profiles", json_integer(1));
    (void)json_object_set_new(role, "attached", json_pack("[s]", OLD_POLICY));
    (void)json_object_set_new(json_object_get(policies, "old-policy"), "attachments", json_integer(1));
}

static void
attached_elsewhere(json_t *roles, json_t *policies, json_t *providers)
{
    left_over(roles, policies, providers);
    (void)json_object_set_new(json_object_get(policies, "old-policy"), "attachments", json_integer(2));
    (void)json_object_set_new(json_object_get(roles, "old-role"), "attached", json_pack("[s]", OLD_POLICY));
}

static void
bounded(json_t *roles, json_t *policies, json_t *providers)
{
    (void)policies;
    (void)providers;
    (void)json_object_set_new(DEVELOPER, "boundary", json_string("arn:aws:iam::444455556666:policy/limit"));
}

static void
near_by(json_t *roles, json_t *policies, json_t *providers)
{
    (void)policies;
    (void)providers;
    (void)json_object_set_new(roles, "new",
                              json_pack("{s:s, s:s, s:s, s:{}}", "RoleName", "new", "Path", "/rolebridge/",
                                        "Arn", "arn:aws:iam::444455556666:role/rolebridge/new", "tags"));
}

#define ATTACH_DEVELOPER                                                                                     \
    "attach to role developer: arn:aws:iam::444455556666:policy/rolebridge/test-new-features\n"

/* clang-format off */
static const struct {
    const char *name;
    Change change;
    const char *want;
} rows[] = {
    { "as it should be", nothing, "" },
    { "a role is missing", no_role, "create role developer\n" ATTACH_DEVELOPER },
    { "a role's name stands under another path", role_elsewhere, "! the role arn:aws:iam::444455556666:role/rolebridge/developer is there, but not rolebridge's\n" },
    { "a role without the tag", role_untagged, "! the role arn:aws:iam::444455556666:role/rolebridge/developer is there, but not rolebridge's\n" },
    { "trust", trust_wider, "update trust of role developer\n" },
    { "trust that cannot be read", trust_unreadable, "update trust of role developer\n" },
    { "longest session", longer, "update role developer\n" },
    { "something attached", more_attached, "detach from role developer: arn:aws:iam::aws:policy/AdministratorAccess\n" },
    { "nothing attached", none_attached, ATTACH_DEVELOPER },
    { "an inline policy", within, "delete inline policy of role developer: mine\n" },
    { "a revocation stays", revoked, "" },
    { "tags of ours, not people's", other_owner, "tag role developer\nuntag role developer: rolebridge:old\n" },
    { "a document", document, "update policy run-test-scripts\n" },
    { "the same document in other words", same_in_other_words, "" },
    { "a policy of others", policy_of_others, "! the policy arn:aws:iam::444455556666:policy/rolebridge/run-test-scripts is there, but not rolebridge's\n" },
    { "what is not wanted any more", left_over, "delete role old-role\ndelete policy old-policy\n" },
    { "what was never ours", strangers, ". " OLD_POLICY " stands under /rolebridge/ without the tag rolebridge = managed\n" },
    { "the provider is missing", no_provider, "create provider https://bridge.acme.example\n" },
    { "the provider's audience", audience, "update provider https://bridge.acme.example\n" },
    { "audience of a provider of others", audience_of_others, "! the provider arn:aws:iam::444455556666:oidc-provider/bridge.acme.example is not rolebridge's, and does not take the audience that tokens have\n" },
    { "a provider of others serves", provider_of_others, "" },
    { "what goes, in an instance profile", in_a_profile, ". the policy " OLD_POLICY " is not in the mapping, but attached to 1 that are not rolebridge's: detach it, and it goes\n. the role arn:aws:iam::444455556666:role/rolebridge/old-role is not in the mapping, but in an instance profile: take it out, and it goes\n" },
    { "what goes, attached elsewhere", attached_elsewhere, "delete role old-role\n. the policy " OLD_POLICY " is not in the mapping, but attached to 1 that are not rolebridge's: detach it, and it goes\n" },
    { "a permissions boundary", bounded, ". the role arn:aws:iam::444455556666:role/rolebridge/developer is bounded by arn:aws:iam::444455556666:policy/limit: that stays\n" },
    { "under the path without the tag", near_by, ". arn:aws:iam::444455556666:role/rolebridge/new stands under /rolebridge/ without the tag rolebridge = managed\n" },
    { "a provider not wanted any more", old_provider, "delete provider arn:aws:iam::444455556666:oidc-provider/old.example\n" },
};
/* clang-format on */

static void
test_changes(void **unused)
{
    guint wrong = 0;

    (void)unused;
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        json_t *state = whole();
        g_autofree char *got = NULL;
        rows[i].change(json_object_get(state, "roles"), json_object_get(state, "policies"),
                       json_object_get(state, "providers"));
        got = told(state);
        if (strcmp(got, rows[i].want) != 0)
            wrong++, print_error("%s: got\n%swant\n%s", rows[i].name, got, rows[i].want);
        json_decref(state);
    }
    assert_int_equal(wrong, 0);
}

/* Into an empty account: what others need comes first, and nothing is removed. */
static void
test_empty(void **unused)
{
    json_t *state = json_pack("{s:{}, s:{}, s:{}}", "roles", "policies", "providers");
    g_autoptr(RbAccountPlan) plan = rb_deploy_compare(account, state);

    (void)unused;
    assert_int_equal(plan->conflicts->len, 0);
    for (guint i = 1; i < plan->steps->len; i++) {
        const RbStep *before = plan->steps->pdata[i - 1], *step = plan->steps->pdata[i];
        assert_true(before->kind <= step->kind);
        assert_true(step->kind <= RB_STEP_ATTACH);
    }
    assert_true(plan->steps->len > 2 * account->n_roles);
    json_decref(state);
}

/* A plan's digest is that of what it does: not of the order in which the account told things, but of any
 * change. */
static void
test_digest(void **unused)
{
    json_t *state = whole();
    g_autoptr(RbAccountPlan) one = NULL, other = NULL;
    g_autofree char *x = NULL, *y = NULL, *z = NULL;

    (void)unused;
    document(json_object_get(state, "roles"), json_object_get(state, "policies"), NULL);
    one = rb_deploy_compare(account, state);
    (void)json_object_set_new(json_object_get(json_object_get(state, "policies"), "run-test-scripts"),
                              "document", json_string("{\"Version\":\"2012-10-17\",\"Statement\":[]}"));
    other = rb_deploy_compare(account, state);
    x = rb_step_digest(one->steps->pdata[0], account->account->id);
    y = rb_step_digest(other->steps->pdata[0], account->account->id);
    z = rb_step_digest(one->steps->pdata[0], "000000000000");
    assert_string_not_equal(x, y);
    assert_string_not_equal(x, z);
    json_decref(state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_digest),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
