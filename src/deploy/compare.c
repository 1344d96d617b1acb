#include "deploy/priv.h"

#include "base/encoding.h"

#include <string.h>

/* One account: what the mapping says and what there is → steps. */
typedef struct {
    const RbCompiledAccount *want;
    const json_t *state;
    RbAccountPlan *plan;
    GHashTable *wanted; /* names in lower case of the kind being compared */
} Compare;

gboolean
rb_deploy_is_ours(const json_t *thing)
{
    return g_str_equal(rb_iam_text(json_object_get(thing, "tags"), "rolebridge"), "managed");
}

static gboolean
is_ours(const Compare *c, const json_t *thing)
{
    return rb_deploy_is_ours(thing) && g_str_equal(rb_iam_text(thing, "Path"), c->want->path);
}

static RbStep *
step_new(Compare *c, RbStepKind kind, RbThing thing, const char *name, const char *arn)
{
    RbStep *step = g_new0(RbStep, 1);

    step->kind = kind;
    step->thing = thing;
    step->name = g_strdup(name);
    step->arn = g_strdup(arn);
    g_ptr_array_add(c->plan->steps, step);
    return step;
}

static void G_GNUC_PRINTF(2, 3) conflict(Compare *c, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(c->plan->conflicts, g_strdup_vprintf(format, args));
    va_end(args);
}

static void G_GNUC_PRINTF(2, 3) note(Compare *c, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(c->plan->notes, g_strdup_vprintf(format, args));
    va_end(args);
}

/* ---- documents and tags ---- */

RbPolicy *
rb_deploy_parse(RbPolicyKind kind, const char *text)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));

    return rb_policy_parse(kind, "IAM", bytes, problems);
}

/* By meaning; what cannot be read is different from everything. */
static gboolean
same_document(RbPolicyKind kind, const RbPolicy *want, const char *there)
{
    g_autoptr(RbPolicy) parsed = rb_deploy_parse(kind, there);

    return parsed != NULL && rb_policy_equal(want, parsed);
}

static json_t *
tags_json(const RbTag *tags, guint n)
{
    json_t *out = json_object();

    for (guint i = 0; i < n; i++)
        (void)json_object_set_new(out, tags[i].key, json_string(tags[i].value));
    return out;
}

static char *
owner_of(const json_t *tags)
{
    const char *owner = rb_iam_text(tags, "rolebridge:owner");

    return *owner == '\0' ? NULL : g_strdup(owner);
}

/* Whom tags name that automation writes from CloudTrail, and people; the last who changed it first. */
static char *
by_of(const json_t *tags)
{
    static const char *const keys[] = { "LastModifiedBy", "aws:createdBy", "CreatedBy",
                                        "createdBy",      "Owner",         "owner" };

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        if (*rb_iam_text(tags, keys[i]) != '\0')
            return g_strdup(rb_iam_text(tags, keys[i]));
    return NULL;
}

/* Of the steps from @first on, which are about @there. */
static void
name_by(Compare *c, guint first, const json_t *there)
{
    for (guint i = first; i < c->plan->steps->len; i++) {
        RbStep *step = c->plan->steps->pdata[i];
        g_free(step->by);
        step->by = by_of(json_object_get(there, "tags"));
    }
}

/* Tags of ours; those that people put beside them stay. */
static void
compare_tags(Compare *c, RbThing thing, const char *name, const char *arn, const json_t *want,
             const json_t *there)
{
    json_t *missing = json_object(), *value;
    const char *key;

    json_object_foreach((json_t *)want, key, value) if (!json_equal(value, json_object_get(there, key)))(void)
        json_object_set(missing, key, value);
    if (json_object_size(missing) > 0)
        step_new(c, RB_STEP_TAG, thing, name, arn)->wanted = json_incref(missing);
    json_decref(missing);
    json_object_foreach((json_t *)there, key,
                        value) if (g_str_has_prefix(key, "rolebridge:") && json_object_get(want, key) == NULL)
        step_new(c, RB_STEP_UNTAG, thing, name, arn)
            ->detail = g_strdup(key);
}

static const json_t *
find(const Compare *c, const char *kind, const char *name)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);

    g_hash_table_add(c->wanted, g_strdup(lower));
    return json_object_get(json_object_get(c->state, kind), lower);
}

static gboolean
has_text(const json_t *list, const char *text)
{
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item) if (g_strcmp0(json_string_value(item), text) == 0) return TRUE;
    return FALSE;
}

/* Whether the plan ends what is attached to @role: it is ours, and goes or is not held by others. */
static gboolean
is_in_hand(const Compare *c, const json_t *role)
{
    gboolean wanted = FALSE;

    for (guint i = 0; i < c->want->n_roles; i++)
        wanted = wanted || g_ascii_strcasecmp(c->want->roles[i].name, rb_iam_text(role, "RoleName")) == 0;
    return is_ours(c, role) && (wanted || json_integer_value(json_object_get(role, "profiles")) == 0);
}

/* Attachments of a policy that the plan does not end. */
static json_int_t
other_attachments(const Compare *c, const json_t *policy)
{
    json_int_t n = json_integer_value(json_object_get(policy, "attachments"));
    const char *lower;
    json_t *role;

    json_object_foreach(json_object_get(c->state, "roles"), lower,
                        role) if (is_in_hand(c, role) && has_text(json_object_get(role, "attached"),
                                                                  rb_iam_text(policy, "Arn"))) n--;
    return n;
}

/* Whether something that others made hangs on it; that is told. */
static gboolean
is_held(Compare *c, const json_t *there)
{
    json_int_t n = other_attachments(c, there);
    const char *arn = rb_iam_text(there, "Arn");

    if (json_integer_value(json_object_get(there, "profiles")) > 0)
        note(c, "the role %s is not in the mapping, but in an instance profile: take it out, and it goes",
             arn);
    else if (n > 0)
        note(c,
             "the policy %s is not in the mapping, but attached to %" JSON_INTEGER_FORMAT
             " that are not rolebridge's: detach it, and it goes",
             arn, n);
    else
        return FALSE;
    return TRUE;
}

/* What is ours and not wanted any more. */
static void
remove_others(Compare *c, const char *kind, RbStepKind step, RbThing thing, const char *name_key,
              const char *document_key)
{
    const char *lower;
    json_t *there;

    json_object_foreach(json_object_get(c->state, kind), lower, there)
    {
        RbStep *gone;
        if (g_hash_table_contains(c->wanted, lower))
            continue;
        if (!is_ours(c, there)) {
            if (g_str_equal(rb_iam_text(there, "Path"), c->want->path))
                note(c, "%s stands under %s without the tag rolebridge = managed", rb_iam_text(there, "Arn"),
                     c->want->path);
            continue;
        }
        if (is_held(c, there))
            continue;
        gone = step_new(c, step, thing, rb_iam_text(there, name_key), rb_iam_text(there, "Arn"));
        gone->before = g_strdup(rb_iam_text(there, document_key));
        gone->owner = owner_of(json_object_get(there, "tags"));
        gone->by = by_of(json_object_get(there, "tags"));
    }
    g_hash_table_remove_all(c->wanted);
}

/* ---- providers ---- */

/* IAM names an OIDC provider by its URL; one that the mapping names otherwise would never be found again. */
static gboolean
is_named_by_url(const RbCompiledProvider *want)
{
    const char *named = strchr(want->arn, '/'), *url = strstr(want->url, "://");

    return named != NULL && url != NULL && g_str_equal(named + 1, url + strlen("://"));
}

static void
create_provider(Compare *c, const RbCompiledProvider *want)
{
    RbStep *step;

    if (want->method == RB_ISSUE_SAML && want->metadata == NULL) {
        conflict(c, "the provider %s is not there, and accounts.yaml names no bridge.metadata to make it of",
                 want->arn);
        return;
    }
    if (want->method == RB_ISSUE_WEB_IDENTITY && !is_named_by_url(want)) {
        conflict(c, "the provider %s is not there, and IAM names that of %s otherwise: correct provider_arn",
                 want->arn, want->url);
        return;
    }
    step = step_new(c, RB_STEP_CREATE_PROVIDER, RB_THING_PROVIDER,
                    want->method == RB_ISSUE_SAML ? want->name : want->url, want->arn);
    step->after = g_strdup(want->method == RB_ISSUE_SAML ? want->metadata : want->audience);
    step->wanted = json_pack("{s:b, s:o}", "saml", want->method == RB_ISSUE_SAML, "tags",
                             tags_json(c->want->tags, c->want->n_tags));
}

/* A provider that others made serves as well, as long as it is right; it is never changed. */
static void
compare_provider(Compare *c, const RbCompiledProvider *want, const json_t *there)
{
    gboolean saml = want->method == RB_ISSUE_SAML, right;
    const char *metadata = rb_iam_text(there, "metadata");
    RbStep *step;

    right = saml ? want->metadata == NULL || g_str_equal(want->metadata, metadata)
                 : has_text(json_object_get(there, "audiences"), want->audience);
    if (rb_deploy_is_ours(there)) {
        json_t *tags = tags_json(c->want->tags, c->want->n_tags);
        compare_tags(c, RB_THING_PROVIDER, saml ? want->name : want->url, want->arn, tags,
                     json_object_get(there, "tags"));
        json_decref(tags);
    }
    if (right)
        return;
    if (!rb_deploy_is_ours(there)) {
        conflict(c, "the provider %s is not rolebridge's, and %s", want->arn,
                 saml ? "has other metadata" : "does not take the audience that tokens have");
        return;
    }
    step = step_new(c, RB_STEP_UPDATE_PROVIDER, RB_THING_PROVIDER, saml ? want->name : want->url, want->arn);
    step->before = saml ? g_strdup(metadata) : NULL;
    step->after = g_strdup(saml ? want->metadata : want->audience);
    step->wanted = json_pack("{s:b}", "saml", (int)saml);
}

static void
compare_providers(Compare *c)
{
    const RbCompiledProvider *want = c->want->provider;
    const json_t *all = json_object_get(c->state, "providers");
    const char *arn;
    json_t *there;

    if (want != NULL && json_object_get(all, want->arn) == NULL)
        create_provider(c, want);
    else if (want != NULL)
        compare_provider(c, want, json_object_get(all, want->arn));
    json_object_foreach((json_t *)all, arn,
                        there) if (rb_deploy_is_ours(there) && (want == NULL || !g_str_equal(arn, want->arn)))
    {
        RbStep *step = step_new(c, RB_STEP_DELETE_PROVIDER, RB_THING_PROVIDER, arn, arn);
        step->by = by_of(json_object_get(there, "tags"));
        step->wanted = json_pack("{s:O}", "saml", json_object_get(there, "saml"));
    }
}

/* ---- policies ---- */

static void
compare_policy(Compare *c, const RbCompiledPolicy *want)
{
    const json_t *there = find(c, "policies", want->name);
    json_t *tags = tags_json(want->tags, want->n_tags);
    guint first = c->plan->steps->len;
    RbStep *step = NULL;

    if (there == NULL) {
        step = step_new(c, RB_STEP_CREATE_POLICY, RB_THING_POLICY, want->name, want->arn);
        step->wanted = json_pack("{s:s, s:s?, s:O}", "path", c->want->path, "description", want->description,
                                 "tags", tags);
    } else if (!is_ours(c, there))
        conflict(c, "the policy %s is there, but not rolebridge's", rb_iam_text(there, "Arn"));
    else {
        if (!same_document(RB_POLICY_IDENTITY, want->document, rb_iam_text(there, "document"))) {
            step = step_new(c, RB_STEP_UPDATE_POLICY, RB_THING_POLICY, want->name, want->arn);
            step->before = g_strdup(rb_iam_text(there, "document"));
        }
        compare_tags(c, RB_THING_POLICY, want->name, want->arn, tags, json_object_get(there, "tags"));
        name_by(c, first, there);
    }
    if (step != NULL)
        step->after = g_strdup(want->text);
    json_decref(tags);
}

/* ---- roles ---- */

static gboolean
only_denies(const RbPolicy *policy)
{
    for (guint i = 0; i < policy->n_statements; i++)
        if (policy->statements[i].allow)
            return FALSE;
    return TRUE;
}

static gint
rank_attached(const Compare *c, const char *arn)
{
    for (guint i = 0; i < c->want->n_policies; i++)
        if (g_str_equal(c->want->policies[i].arn, arn))
            return only_denies(c->want->policies[i].document) ? 0 : 1;
    return 1;
}

static gint
rank_detached(const Compare *c, const char *arn)
{
    const char *slash = strrchr(arn, '/');
    g_autofree char *lower = g_ascii_strdown(slash == NULL ? arn : slash + 1, -1);
    const json_t *there = json_object_get(json_object_get(c->state, "policies"), lower);
    g_autoptr(RbPolicy) document = rb_deploy_parse(RB_POLICY_IDENTITY, rb_iam_text(there, "document"));

    return document != NULL && g_str_equal(rb_iam_text(there, "Arn"), arn) && only_denies(document) ? 1 : 0;
}

static void
attach(Compare *c, const RbCompiledRole *want, const char *arn)
{
    RbStep *step = step_new(c, RB_STEP_ATTACH, RB_THING_ROLE, want->name, want->arn);

    step->rank = rank_attached(c, arn);
    step->detail = g_strdup(arn);
    step->owner = g_strdup(want->role->owner);
}

static gboolean
wants_attached(const RbCompiledRole *want, const char *arn)
{
    for (guint i = 0; want->policies[i] != NULL; i++)
        if (g_str_equal(want->policies[i]->arn, arn))
            return TRUE;
    return g_strv_contains(want->managed, arn);
}

static void
compare_attached(Compare *c, const RbCompiledRole *want, const json_t *there)
{
    const json_t *attached = json_object_get(there, "attached");
    guint first = c->plan->steps->len, last;
    json_t *item, *leaving = json_array();
    size_t i;

    for (guint k = 0; want->policies[k] != NULL; k++)
        if (!has_text(attached, want->policies[k]->arn))
            attach(c, want, want->policies[k]->arn);
    for (guint k = 0; want->managed[k] != NULL; k++)
        if (!has_text(attached, want->managed[k]))
            attach(c, want, want->managed[k]);
    last = c->plan->steps->len;
    json_array_foreach(attached, i, item) if (!wants_attached(want, json_string_value(item)))
    {
        RbStep *step = step_new(c, RB_STEP_DETACH, RB_THING_ROLE, want->name, want->arn);
        step->detail = g_strdup(json_string_value(item));
        step->owner = g_strdup(want->role->owner);
        step->rank = rank_detached(c, json_string_value(item));
        (void)json_array_append(leaving, item);
    }
    for (guint k = first; k < last && json_array_size(leaving) > 0;
         k++) /* a role has room for so many only */
        ((RbStep *)c->plan->steps->pdata[k])->wanted = json_pack("{s:O}", "leaving", leaving);
    json_decref(leaving);
}

static void
compare_inline(Compare *c, const RbCompiledRole *want, const json_t *there)
{
    const char *name;
    json_t *document;

    json_object_foreach(json_object_get(there, "inline"), name, document)
    {
        RbStep *step;
        if (g_str_has_prefix(name, RB_REVOCATION))
            continue;
        step = step_new(c, RB_STEP_DELETE_INLINE, RB_THING_ROLE, want->name, want->arn);
        step->detail = g_strdup(name);
        step->before = g_strdup(json_string_value(document));
        step->owner = g_strdup(want->role->owner);
    }
}

static json_t *
role_facts(const RbCompiledRole *want)
{
    return json_pack("{s:s, s:I}", "description", want->description == NULL ? "" : want->description,
                     "max_session_s", (json_int_t)want->max_session_s);
}

static void
create_role(Compare *c, const RbCompiledRole *want)
{
    RbStep *step = step_new(c, RB_STEP_CREATE_ROLE, RB_THING_ROLE, want->name, want->arn);

    step->after = g_strdup(want->trust_text);
    step->owner = g_strdup(want->role->owner);
    step->wanted = role_facts(want);
    (void)json_object_set_new(step->wanted, "path", json_string(c->want->path));
    (void)json_object_set_new(step->wanted, "tags", tags_json(want->tags, want->n_tags));
    compare_attached(c, want, NULL);
}

/* "description 'x', longest session 3600 s" */
static char *
facts_text(const json_t *facts)
{
    g_autofree char *description = rb_text_quote(rb_iam_text(facts, "description"));

    return g_strdup_printf("description %s, longest session %" JSON_INTEGER_FORMAT " s", description,
                           json_integer_value(json_object_get(facts, "max_session_s")));
}

static void
update_role(Compare *c, const RbCompiledRole *want, const json_t *there)
{
    json_t *facts = role_facts(want), *tags = tags_json(want->tags, want->n_tags);
    guint first = c->plan->steps->len;
    RbStep *step;

    if (!json_equal(json_object_get(facts, "description"), json_object_get(there, "description")) ||
        !json_equal(json_object_get(facts, "max_session_s"), json_object_get(there, "max_session_s"))) {
        step = step_new(c, RB_STEP_UPDATE_ROLE, RB_THING_ROLE, want->name, want->arn);
        step->wanted = json_incref(facts);
        step->before = facts_text(there);
        step->after = facts_text(facts);
        step->owner = g_strdup(want->role->owner);
    }
    if (!same_document(RB_POLICY_TRUST, want->trust, rb_iam_text(there, "trust"))) {
        step = step_new(c, RB_STEP_UPDATE_TRUST, RB_THING_ROLE, want->name, want->arn);
        step->before = g_strdup(rb_iam_text(there, "trust"));
        step->after = g_strdup(want->trust_text);
        step->owner = g_strdup(want->role->owner);
    }
    compare_attached(c, want, there);
    compare_inline(c, want, there);
    compare_tags(c, RB_THING_ROLE, want->name, want->arn, tags, json_object_get(there, "tags"));
    name_by(c, first, there);
    if (*rb_iam_text(there, "boundary") != '\0')
        note(c, "the role %s is bounded by %s: that stays", want->arn, rb_iam_text(there, "boundary"));
    json_decref(facts);
    json_decref(tags);
}

static void
compare_role(Compare *c, const RbCompiledRole *want)
{
    const json_t *there = find(c, "roles", want->name);

    if (there == NULL)
        create_role(c, want);
    else if (!is_ours(c, there))
        conflict(c, "the role %s is there, but not rolebridge's", rb_iam_text(there, "Arn"));
    else
        update_role(c, want, there);
}

/* ---- all of it ---- */

static gint
by_order(gconstpointer a, gconstpointer b)
{
    const RbStep *x = *(const RbStep *const *)a, *y = *(const RbStep *const *)b;
    int name = strcmp(x->name, y->name);

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return name != 0 ? name : g_strcmp0(x->detail, y->detail);
}

RbAccountPlan *
rb_deploy_compare(const RbCompiledAccount *want, const json_t *state)
{
    g_autoptr(GHashTable) wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    RbAccountPlan *plan = g_new0(RbAccountPlan, 1);
    Compare c = { want, state, plan, wanted };

    plan->account = want;
    plan->steps = g_ptr_array_new_with_free_func(rb_step_free);
    plan->conflicts = g_ptr_array_new_with_free_func(g_free);
    plan->notes = g_ptr_array_new_with_free_func(g_free);
    compare_providers(&c);
    for (guint i = 0; i < want->n_policies; i++)
        compare_policy(&c, &want->policies[i]);
    remove_others(&c, "policies", RB_STEP_DELETE_POLICY, RB_THING_POLICY, "PolicyName", "document");
    for (guint i = 0; i < want->n_roles; i++)
        compare_role(&c, &want->roles[i]);
    remove_others(&c, "roles", RB_STEP_DELETE_ROLE, RB_THING_ROLE, "RoleName", "trust");
    g_ptr_array_sort(plan->steps, by_order);
    plan->access = rb_deploy_access(plan, state);
    return plan;
}

void
rb_account_plan_free(RbAccountPlan *plan)
{
    if (plan == NULL)
        return;
    g_ptr_array_unref(plan->steps);
    g_ptr_array_unref(plan->conflicts);
    g_ptr_array_unref(plan->notes);
    g_ptr_array_unref(plan->access);
    g_free(plan);
}
