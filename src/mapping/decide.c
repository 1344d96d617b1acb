#include "base/encoding.h"
#include "mapping/decision.h"
#include "mapping/judge.h"

#include <string.h>

/*
 * decide: groups and claims → matches → (account, role) pairs → grants and near misses. A pair is named by
 * one assignment; two assignments never combine into a third pair, because only pairs are ever collected.
 */

enum {
    FIXED = G_MAXUINT,    /* a match that brings all fixed accounts of its assignment */
    NO_GROUP = G_MAXUINT, /* a match of an assignment without groups */
    MAX_GROUPS_TOLD = 16  /* groups told as reasons of one assignment; more would say nothing new */
};

/** A group, or a claim, led to an assignment. */
typedef struct {
    guint assignment, group;
    guint account;   /* named by a capture, or FIXED */
    gboolean unsure; /* the expression could not be matched to its end */
} Match;

/** An assignment named a pair. */
typedef struct {
    guint account, role, assignment, group;
    guint verdict; /* of the assignment, in verdicts */
} Pair;

static const RbAssignment *
assignment_at(const RbDeciding *d, guint i)
{
    return &g_array_index(d->snapshot->assignments, RbAssignment, i);
}

/* ---- groups → matches ---- */

static void
add_match(RbDeciding *d, guint assignment, guint account, gboolean unsure)
{
    Match m = { assignment, d->group, account, unsure };

    g_array_append_val(d->matches, m);
}

static void
found(const RbMatcher *matcher, RbMatchResult result, gpointer data)
{
    RbDeciding *d = data;
    const RbAssignment *a = assignment_at(d, matcher->assignment);

    if (a->n_accounts > 0 || a->when_captures->name != NULL)
        add_match(d, matcher->assignment, FIXED, result == RB_MATCH_LIMIT);
    if (result != RB_MATCH_YES)
        return;
    for (guint i = 0; a->captures[i] != NULL; i++) {
        g_autofree char *name =
            rb_pattern_capture(matcher->pattern, d->identity->groups[d->group], a->captures[i], &d->space);
        guint at = name == NULL ? 0 : GPOINTER_TO_UINT(g_hash_table_lookup(d->snapshot->account_at, name));
        if (at > 0) /* a capture that names no account is no grant */
            add_match(d, matcher->assignment, at - 1, FALSE);
    }
}

static gint
compare_numbers(const guint *a, const guint *b, guint n)
{
    for (guint i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static gint
by_assignment(gconstpointer a, gconstpointer b)
{
    const Match *x = a, *y = b;
    const guint p[] = { x->assignment, x->group, x->account }, q[] = { y->assignment, y->group, y->account };

    return compare_numbers(p, q, 3);
}

/* One claim led here; whether the others hold too, and for certain, is judged with the assignment. */
static void
found_by_claim(const RbMatcher *matcher, RbMatchResult result, gpointer data)
{
    (void)result;
    add_match(data, matcher->assignment, FIXED, FALSE);
}

static void
match_all(RbDeciding *d)
{
    for (d->group = 0; d->group < d->identity->n_groups; d->group++)
        rb_index_find(&d->snapshot->index, d->identity->groups[d->group], &d->space, found, d);
    d->group = NO_GROUP;
    rb_claims_find(&d->snapshot->claims, d->identity, &d->space, found_by_claim, d);
    g_array_sort(d->matches, by_assignment);
}

/* ---- matches → pairs ---- */

static void
add_pair(RbDeciding *d, const Match *m, guint account, guint verdict)
{
    const RbRole *role = assignment_at(d, m->assignment)->role;
    Pair p = { account, role->index, m->assignment, m->group, verdict };

    g_array_append_val(d->pairs, p);
}

/* What is told of an account that @value of @when named. */
static RbVerdict
caught_verdict(RbDeciding *d, const RbAssignment *a, const RbVerdict *held, const RbWhen *when,
               const char *value)
{
    RbClaim *claims;
    RbVerdict v = *held;

    if (!a->by_claims)
        return v;
    claims = rb_arena_alloc(d->arena, (a->n_when + 1) * sizeof *claims);
    memcpy(claims, held->claims, a->n_when * sizeof *claims); /* all of them hold */
    claims[when - a->when].value = value;
    v.claims = claims;
    return v;
}

/* One stated value against one expression: the account that it names is a pair for each of the matches. */
static void
catch_account(RbDeciding *d, const Match *matches, guint n, const RbWhenCapture *capture, guint value,
              const RbVerdict *held)
{
    const RbAssignment *a = assignment_at(d, matches->assignment);
    const RbWhen *when = &a->when[capture->when];
    const char *text = rb_identity_attribute(d->identity, when->attribute)[value];

    for (guint k = 0; k < when->n_values; k++) {
        const RbMatcher *m = &when->values[k];
        g_autofree char *name = NULL;
        guint at;
        RbVerdict v;
        if (rb_matcher_match(m, text, strlen(text), &d->space) != RB_MATCH_YES)
            continue;
        name = rb_pattern_capture(m->pattern, text, capture->name, &d->space);
        at = name == NULL ? 0 : GPOINTER_TO_UINT(g_hash_table_lookup(d->snapshot->account_at, name));
        if (at == 0) /* a capture that names no account is no grant */
            continue;
        v = caught_verdict(d, a, held, when, text);
        g_array_append_val(d->verdicts, v);
        for (guint i = 0, told = 0; i < n && told < MAX_GROUPS_TOLD; i++) {
            if (matches[i].unsure || matches[i].account != FIXED)
                continue;
            add_pair(d, &matches[i], at - 1, d->verdicts->len - 1);
            told++;
        }
    }
}

/* The accounts that `when` names: known only once all of it holds. */
static void
add_caught(RbDeciding *d, const Match *matches, guint n, const RbVerdict *held)
{
    const RbAssignment *a = assignment_at(d, matches->assignment);

    for (const RbWhenCapture *c = a->when_captures; c->name != NULL; c++) {
        const char *const *values = rb_identity_attribute(d->identity, a->when[c->when].attribute);
        for (guint i = 0; values[i] != NULL; i++)
            catch_account(d, matches, n, c, i, held);
    }
}

/* Matches @first to @end - 1 are one assignment's. */
static void
add_pairs(RbDeciding *d, guint first, guint end)
{
    const Match *m = &g_array_index(d->matches, Match, 0);
    const RbAssignment *a = assignment_at(d, m[first].assignment);
    guint sure = 0, fixed = 0, before = d->pairs->len, verdict = d->verdicts->len;
    RbVerdict v;

    for (guint i = first; i < end; i++)
        sure += !m[i].unsure;
    v = rb_judge_assignment(d, a, sure == 0);
    g_array_append_val(d->verdicts, v);
    for (guint i = first; i < end; i++) {
        if (m[i].unsure && sure > 0)
            continue;
        if (m[i].account != FIXED) {
            add_pair(d, &m[i], m[i].account, verdict);
            continue;
        }
        if (fixed++ < MAX_GROUPS_TOLD)
            for (guint k = 0; k < a->n_accounts; k++)
                add_pair(d, &m[i], a->accounts[k], verdict);
    }
    if (v.code == RB_ACCEPTED && a->when_captures->name != NULL)
        add_caught(d, m + first, end - first, &v);
    if (v.code == RB_ACCEPTED && d->pairs->len > before)
        d->held[a->role->index] = 1;
}

static gint
by_pair(gconstpointer a, gconstpointer b)
{
    const Pair *x = a, *y = b;
    const guint p[] = { x->account, x->role, x->assignment, x->group };
    const guint q[] = { y->account, y->role, y->assignment, y->group };

    return compare_numbers(p, q, 4);
}

static void
collect_pairs(RbDeciding *d)
{
    const Match *m = (const Match *)(void *)d->matches->data; /* NULL when nothing matched */

    for (guint first = 0, end; first < d->matches->len; first = end) {
        for (end = first + 1; end < d->matches->len && m[end].assignment == m[first].assignment;)
            end++;
        add_pairs(d, first, end);
    }
    g_array_sort(d->pairs, by_pair);
}

/* ---- pairs → grants and near misses ---- */

static const char *
place_words(RbDeciding *d, const RbAssignment *a)
{
    char line[16];
    const char *parts[] = { a->place.file, ":", line, NULL };

    g_snprintf(line, sizeof line, "%u", a->place.line);
    return rb_arena_join(d->arena, parts);
}

/* A pair that says what the one before it says: an account both fixed and caught, a claim stated twice. */
static gboolean
says_the_same(const Pair *pairs, guint i)
{
    return i > 0 && pairs[i].assignment == pairs[i - 1].assignment && pairs[i].group == pairs[i - 1].group;
}

static RbReason
reason_of(const RbDeciding *d, const Pair *p, const char *place)
{
    RbReason r = { .assignment = place,
                   .conditions = (const char *const *)assignment_at(d, p->assignment)->words };

    if (p->group == NO_GROUP)
        r.claims = g_array_index(d->verdicts, RbVerdict, p->verdict).claims;
    else
        r.group = d->identity->groups[p->group];
    return r;
}

/* Every group of every assignment that gives the pair. */
static void
add_reasons(RbDeciding *d, const Pair *pairs, guint n, RbGrant *grant)
{
    RbReason *reasons = rb_arena_alloc(d->arena, n * sizeof *reasons);
    const char *place = NULL;

    for (guint i = 0; i < n; i++) {
        if (g_array_index(d->verdicts, RbVerdict, pairs[i].verdict).code != RB_ACCEPTED ||
            says_the_same(pairs, i))
            continue;
        if (place == NULL || pairs[i].assignment != pairs[i - 1].assignment)
            place = place_words(d, assignment_at(d, pairs[i].assignment));
        reasons[grant->n_reasons++] = reason_of(d, &pairs[i], place);
    }
    grant->reasons = reasons;
}

static const char *
role_arn(RbDeciding *d, const RbAccount *a, const RbRole *r)
{
    const char *parts[] = { "arn:", a->partition, ":iam::", a->id, ":role", a->role_path, r->name, NULL };

    return rb_arena_join(d->arena, parts);
}

static void
add_grant(RbDeciding *d, const Pair *pairs, guint n, const RbVerdict *verdict, const char *session_policy)
{
    const RbAccount *a = g_ptr_array_index(d->snapshot->accounts, pairs->account);
    const RbRole *r = g_ptr_array_index(d->snapshot->roles, pairs->role);
    gboolean chained = a->method == RB_ISSUE_ASSUME_ROLE;
    gint64 cap = chained ? RB_SESSION_CHAINED_S : RB_SESSION_MAX_S;
    RbGrant grant = {
        .account = a->id,
        .account_name = a->name,
        .environment = a->environment,
        .partition = a->partition,
        .region = a->region,
        .role = r->name,
        .role_title = r->title,
        .role_purpose = r->purpose,
        .role_arn = role_arn(d, a, r),
        .default_session_s = MIN(r->default_s, cap),
        .max_session_s = MIN(r->max_s, cap),
        .role_max_session_s = r->max_s,
        .chained = chained,
        .privileged = r->privileged,
        .tags = verdict->tags,
        .n_tags = r->n_tags,
        .method = a->method,
        .provider_arn = a->provider_arn,
        .external_id = a->external_id,
        .session_policy = session_policy,
    };

    add_reasons(d, pairs, n, &grant);
    g_array_append_val(d->grants, grant);
}

static void
add_miss(RbDeciding *d, const Pair *p, const RbVerdict *verdict)
{
    const RbAccount *a = g_ptr_array_index(d->snapshot->accounts, p->account);
    const RbRole *r = g_ptr_array_index(d->snapshot->roles, p->role);
    const RbReason why = reason_of(d, p, place_words(d, assignment_at(d, p->assignment)));
    RbNearMiss miss = {
        .account = a->id,
        .account_name = a->name,
        .role = r->name,
        .role_title = r->title,
        .role_arn = role_arn(d, a, r),
        .code = verdict->code,
        .assignment = why.assignment,
        .group = why.group,
        .claims = why.claims,
        .detail = verdict->detail,
        .owner = r->owner,
    };

    g_array_append_val(d->misses, miss);
}

/* One miss for each assignment that named the pair; those that came nearest (only the role or the account
 * stood against it) first. */
static void
add_misses(RbDeciding *d, const Pair *pairs, guint n, const RbVerdict *common)
{
    for (guint pass = 0; pass < 2; pass++)
        for (guint i = 0; i < n; i++) {
            const RbVerdict *own = &g_array_index(d->verdicts, RbVerdict, pairs[i].verdict);
            if ((own->code == RB_ACCEPTED) != (pass == 0) ||
                (i > 0 && pairs[i].assignment == pairs[i - 1].assignment))
                continue;
            add_miss(d, &pairs[i], pass == 0 ? common : own);
        }
}

/* @pairs: all that name one account and role. */
static void
settle(RbDeciding *d, const Pair *pairs, guint n)
{
    const RbAccount *account = g_ptr_array_index(d->snapshot->accounts, pairs->account);
    const RbRole *role = g_ptr_array_index(d->snapshot->roles, pairs->role);
    const char *session_policy = NULL;
    gboolean assigned = FALSE;
    RbVerdict verdict;

    for (guint i = 0; i < n; i++)
        assigned = assigned || g_array_index(d->verdicts, RbVerdict, pairs[i].verdict).code == RB_ACCEPTED;
    verdict = *rb_judge_role(d, role);
    if (verdict.code == RB_ACCEPTED || verdict.code == RB_MAPPING_MFA_REQUIRED) {
        RbVerdict fit = rb_judge_account(d, role, account, &session_policy);
        if (fit.code != RB_ACCEPTED) {
            verdict.code = fit.code;
            verdict.detail = fit.detail;
        }
    }
    if (assigned && verdict.code == RB_ACCEPTED)
        add_grant(d, pairs, n, &verdict, session_policy);
    else
        add_misses(d, pairs, n, &verdict);
}

static void
settle_all(RbDeciding *d)
{
    const Pair *p = (const Pair *)(void *)d->pairs->data; /* NULL when there is none */

    for (guint first = 0, end; first < d->pairs->len; first = end) {
        for (end = first + 1;
             end < d->pairs->len && p[end].account == p[first].account && p[end].role == p[first].role;)
            end++;
        settle(d, p + first, end - first);
    }
}

static gpointer
keep(RbArena *arena, GArray *array)
{
    gsize size = (gsize)array->len * g_array_get_element_size(array);

    return size == 0 ? NULL : memcpy(rb_arena_alloc(arena, size), array->data, size);
}

static RbDecisionWhole *
decision_new(RbSnapshot *snapshot, RbIdentity *identity)
{
    RbDecisionWhole *whole = g_new0(RbDecisionWhole, 1);

    rb_arena_init(&whole->arena);
    whole->snapshot = rb_snapshot_ref(snapshot);
    whole->identity = rb_identity_ref(identity);
    whole->public.identity = identity;
    whole->public.snapshot_digest = rb_snapshot_digest(snapshot);
    return whole;
}

RbDecision *
rb_decide(RbSnapshot *snapshot, RbIdentity *identity, const RbContext *context)
{
    RbDecisionWhole *whole = decision_new(snapshot, identity);
    g_autoptr(GArray) matches = g_array_new(FALSE, FALSE, sizeof(Match));
    g_autoptr(GArray) pairs = g_array_new(FALSE, FALSE, sizeof(Pair));
    g_autoptr(GArray) verdicts = g_array_new(FALSE, FALSE, sizeof(RbVerdict));
    g_autoptr(GArray) grants = g_array_new(FALSE, FALSE, sizeof(RbGrant));
    g_autoptr(GArray) misses = g_array_new(FALSE, FALSE, sizeof(RbNearMiss));
    g_autofree RbVerdict *roles = g_new0(RbVerdict, snapshot->roles->len);
    g_autofree guint8 *held = g_new0(guint8, snapshot->roles->len);
    RbDeciding d = { snapshot, identity, context, &whole->arena, matches, pairs,
                     verdicts, grants,   misses,  roles,         held };

    match_all(&d);
    collect_pairs(&d);
    settle_all(&d);
    rb_match_space_clear(&d.space);
    whole->public.grants = keep(&whole->arena, grants);
    whole->public.n_grants = grants->len;
    whole->public.refusals = keep(&whole->arena, misses);
    whole->public.n_refusals = misses->len;
    return &whole->public;
}
