#include "mapping/decision.h"

#include "base/encoding.h"

#include <string.h>

static RbDecisionWhole *
whole_of(RbDecision *decision)
{
    return (RbDecisionWhole *)(void *)decision; /* its first member */
}

void
rb_decision_free(RbDecision *decision)
{
    RbDecisionWhole *whole;

    if (decision == NULL)
        return;
    whole = whole_of(decision);
    rb_arena_clear(&whole->arena);
    rb_snapshot_unref(whole->snapshot);
    rb_identity_unref(whole->identity);
    g_free(whole);
}

const RbGrant *
rb_decision_find(const RbDecision *decision, const char *account, const char *role, GError **error)
{
    g_autofree char *shown_account = NULL, *shown_role = NULL;

    for (guint i = 0; i < decision->n_grants; i++) {
        const RbGrant *g = &decision->grants[i];
        if (g_str_equal(g->role, role) &&
            (g_str_equal(g->account, account) || g_str_equal(g->account_name, account)))
            return g;
    }
    shown_account = rb_text_quote(account);
    shown_role = rb_text_quote(role);
    for (guint i = 0; i < decision->n_refusals; i++) {
        const RbNearMiss *m = &decision->refusals[i];
        if (!g_str_equal(m->role, role) ||
            (!g_str_equal(m->account, account) && !g_str_equal(m->account_name, account)))
            continue;
        (void)rb_refuse(error, m->code, "the role %s in %s: %s (%s)", shown_role, shown_account, m->detail,
                        m->assignment);
        return NULL;
    }
    (void)rb_refuse(error, RB_MAPPING_NOT_ASSIGNED, "no assignment brings the role %s in %s to '%s'",
                    shown_role, shown_account, decision->identity->name);
    return NULL;
}

const RbGrant *
rb_decision_find_role_arn(const RbDecision *decision, const char *role_arn, GError **error)
{
    g_autofree char *shown = NULL;

    for (guint i = 0; i < decision->n_grants; i++)
        if (g_str_equal(decision->grants[i].role_arn, role_arn))
            return &decision->grants[i];
    shown = rb_text_quote(role_arn);
    for (guint i = 0; i < decision->n_refusals; i++) {
        const RbNearMiss *m = &decision->refusals[i];
        if (!g_str_equal(m->role_arn, role_arn))
            continue;
        (void)rb_refuse(error, m->code, "the role %s: %s (%s)", shown, m->detail, m->assignment);
        return NULL;
    }
    (void)rb_refuse(error, RB_MAPPING_NOT_ASSIGNED, "no assignment brings the role %s to '%s'", shown,
                    decision->identity->name);
    return NULL;
}

gboolean
rb_decision_wants_mfa(const RbDecision *decision)
{
    for (guint i = 0; i < decision->n_refusals; i++)
        if (decision->refusals[i].code == RB_MAPPING_MFA_REQUIRED)
            return TRUE;
    return FALSE;
}

static json_t *
texts(const char *const *list)
{
    json_t *out = json_array();

    for (guint i = 0; list != NULL && list[i] != NULL; i++)
        (void)json_array_append_new(out, json_string(list[i]));
    return out;
}

/* What led to the assignment: "group", or "claims" for one without groups. */
static void
set_source(json_t *object, const char *group, const RbClaim *claims)
{
    json_t *facts;

    if (group != NULL) {
        (void)json_object_set_new(object, "group", json_string(group));
        return;
    }
    facts = json_object();
    for (; claims != NULL && claims->attribute != NULL; claims++)
        (void)json_object_set_new(facts, claims->attribute, json_string(claims->value));
    (void)json_object_set_new(object, "claims", facts);
}

static json_t *
reasons_json(const RbGrant *grant)
{
    json_t *out = json_array();

    for (guint i = 0; i < grant->n_reasons; i++) {
        const RbReason *r = &grant->reasons[i];
        json_t *reason = json_object();
        set_source(reason, r->group, r->claims);
        (void)json_object_set_new(reason, "assignment", json_string(r->assignment));
        if (r->conditions != NULL && r->conditions[0] != NULL)
            (void)json_object_set_new(reason, "conditions", texts(r->conditions));
        (void)json_array_append_new(out, reason);
    }
    return out;
}

static json_t *
grant_json(const RbGrant *g)
{
    json_t *tags = json_object();

    for (guint i = 0; i < g->n_tags; i++)
        (void)json_object_set_new(tags, g->tags[i].key, json_string(g->tags[i].value));
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:o}", "account", g->account, "account_name",
                     g->account_name, "role", g->role, "role_arn", g->role_arn, "max_session_s",
                     (json_int_t)g->max_session_s, "tags", tags, "reasons", reasons_json(g));
}

static json_t *
miss_json(const RbNearMiss *m)
{
    const RbOutcome *outcome = &rb_outcomes()[m->code - 1];

    json_t *miss =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "account", m->account, "account_name", m->account_name, "role",
                  m->role, "code", outcome->id, "assignment", m->assignment);

    set_source(miss, m->group, m->claims);
    (void)json_object_set_new(miss, "detail", json_string(m->detail));
    (void)json_object_set_new(miss, "owner", json_string(m->owner));
    return miss;
}

json_t *
rb_decision_to_json(const RbDecision *decision)
{
    json_t *grants = json_array(), *refusals = json_array();
    const RbIdentity *who = decision->identity;

    for (guint i = 0; i < decision->n_grants; i++)
        (void)json_array_append_new(grants, grant_json(&decision->grants[i]));
    for (guint i = 0; i < decision->n_refusals; i++)
        (void)json_array_append_new(refusals, miss_json(&decision->refusals[i]));
    return json_pack("{s:{s:s, s:s, s:o}, s:o, s:o}", "identity", "subject", who->subject, "provider",
                     who->provider, "groups", texts(who->groups), "grants", grants, "refusals", refusals);
}
