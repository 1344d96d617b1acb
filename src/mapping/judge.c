#include "mapping/judge.h"

#include "base/encoding.h"

/* ---- what an assignment asks of the person ---- */

static RbVerdict
when_verdict(RbDeciding *d, const RbWhen *when, RbMatchResult result)
{
    if (result == RB_MATCH_LIMIT)
        return (RbVerdict){
            RB_MAPPING_PATTERN_LIMIT,
            rb_arena_print(d->arena,
                           "the attribute %s took too long to compare with the expression of the assignment",
                           when->attribute)
        };
    return (RbVerdict){
        RB_MAPPING_ATTRIBUTE,
        rb_arena_take(d->arena, rb_when_misses(when, rb_identity_attribute(d->identity, when->attribute)))
    };
}

/* Every entry must hold; the first that does not is told. @claims: room for those that do, or NULL. */
static RbVerdict
judge_when(RbDeciding *d, const RbAssignment *a, RbClaim *claims)
{
    RbVerdict v = { .claims = claims };

    for (guint i = 0; i < a->n_when; i++) {
        const RbWhen *when = &a->when[i];
        const char *held = NULL;
        RbMatchResult result =
            rb_when_match(when, rb_identity_attribute(d->identity, when->attribute), &d->space, &held);
        if (result == RB_MATCH_YES && claims != NULL) {
            *claims++ = (RbClaim){ when->attribute, held };
        } else if (result != RB_MATCH_YES && v.code == RB_ACCEPTED) {
            const RbClaim *held_so_far = v.claims;
            v = when_verdict(d, when, result);
            v.claims = held_so_far;
        }
    }
    return v;
}

RbVerdict
rb_judge_assignment(RbDeciding *d, const RbAssignment *a, gboolean unsure)
{
    RbClaim *claims = NULL;

    if (unsure)
        return (RbVerdict){ RB_MAPPING_PATTERN_LIMIT,
                            "a group name took too long to compare with the expression of the assignment" };
    if (a->provider != NULL && !g_str_equal(a->provider, d->identity->provider))
        return (RbVerdict){ RB_MAPPING_PROVIDER,
                            rb_arena_print(d->arena, "only when '%s' vouches for you; '%s' did", a->provider,
                                           d->identity->provider) };
    if (a->by_claims)
        claims = rb_arena_alloc(d->arena, (a->n_when + 1) * sizeof *claims);
    return judge_when(d, a, claims);
}

/* ---- what a role asks of the person and the moment ---- */

/* Two duties that one person must not have are both refused, wherever each of them was given. */
static const char *
conflict(RbDeciding *d, const RbRole *role)
{
    for (guint i = 0; i < role->n_duties; i++) {
        const RbDuties *duty = &g_array_index(d->snapshot->duties, RbDuties, role->duties[i]);
        for (guint k = 0; k < duty->n_roles; k++)
            if (duty->roles[k] != role && d->held[duty->roles[k]->index])
                return rb_arena_print(d->arena,
                                      "your groups also bring '%s', and nobody may have both: %s (%s:%u)",
                                      duty->roles[k]->name, duty->reason, duty->place.file, duty->place.line);
    }
    return NULL;
}

static const char *
wrong_network(RbDeciding *d, const RbRole *role)
{
    const char *ip = d->context->source_ip;
    g_autofree char *shown = ip == NULL ? NULL : rb_text_quote(ip);

    if (role->n_networks == 0 || (ip != NULL && rb_networks_hold(role->networks, role->n_networks, ip)))
        return NULL;
    return shown == NULL
               ? rb_arena_print(d->arena, "only from %s; your address is not known", role->networks_text)
               : rb_arena_print(d->arena, "only from %s; your address is %s", role->networks_text, shown);
}

static const char *
wrong_hour(RbDeciding *d, const RbRole *role)
{
    g_autofree char *there = NULL;

    if (role->hours == NULL || rb_hours_hold(role->hours, d->context->now, &there))
        return NULL;
    return rb_arena_print(d->arena, "only %s; it is %s there", role->hours_text, there);
}

/* A second factor comes last: who is refused for want of it is refused for nothing else. */
static RbVerdict
judge_role(RbDeciding *d, const RbRole *role)
{
    RbVerdict v = { .known = TRUE };

    if ((v.detail = conflict(d, role)) != NULL)
        v.code = RB_MAPPING_SEPARATION_OF_DUTIES;
    else if ((v.detail = rb_tags_make(role, d->identity, d->arena, &v.tags)) != NULL)
        v.code = RB_MAPPING_TAG;
    else if ((v.detail = wrong_network(d, role)) != NULL)
        v.code = RB_MAPPING_SOURCE_IP;
    else if ((v.detail = wrong_hour(d, role)) != NULL)
        v.code = RB_MAPPING_OUTSIDE_HOURS;
    else if (role->privileged && !d->identity->mfa) {
        v.code = RB_MAPPING_MFA_REQUIRED;
        v.detail = "a sign-in with a second factor is needed";
    }
    return v;
}

const RbVerdict *
rb_judge_role(RbDeciding *d, const RbRole *role)
{
    if (!d->roles[role->index].known)
        d->roles[role->index] = judge_role(d, role);
    return &d->roles[role->index];
}

RbVerdict
rb_judge_account(RbDeciding *d, const RbRole *role, const RbAccount *account, const char **session_policy)
{
    const RbTaskPolicy *policy;
    const char *problem, *missing = rb_role_lacks(role, account, &policy);
    g_autofree char *text = NULL;

    if (missing != NULL)
        return (RbVerdict){ RB_MAPPING_ACCOUNT_UNFIT,
                            rb_arena_print(d->arena, "the account has no parameter '%s'", missing) };
    text = rb_session_policy_for(role, account, &problem);
    if (problem != NULL)
        return (RbVerdict){ RB_MAPPING_ACCOUNT_UNFIT, problem };
    *session_policy = rb_arena_text(d->arena, text);
    return (RbVerdict){ RB_ACCEPTED };
}
