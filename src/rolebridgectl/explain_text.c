#include "rolebridgectl/explain.h"

#include "base/encoding.h"

#include <string.h>

static gboolean
is_wanted(const RbExplainFilter *f, const char *account, const char *account_name, const char *role)
{
    return (f->role == NULL || g_str_equal(f->role, role)) &&
           (f->account == NULL || g_str_equal(f->account, account) || g_str_equal(f->account, account_name));
}

guint
rb_explain_count(const RbDecision *decision, const RbExplainFilter *filter)
{
    guint n = 0;

    for (guint i = 0; i < decision->n_grants; i++) {
        const RbGrant *g = &decision->grants[i];
        n += is_wanted(filter, g->account, g->account_name, g->role);
    }
    return n;
}

/* "8h", "90m", "900s" */
static char *
duration(gint64 s)
{
    if (s % 3600 == 0)
        return g_strdup_printf("%" G_GINT64_FORMAT "h", s / 3600);
    return s % 60 == 0 ? g_strdup_printf("%" G_GINT64_FORMAT "m", s / 60)
                       : g_strdup_printf("%" G_GINT64_FORMAT "s", s);
}

static void
append_printable(GString *out, const char *text)
{
    g_autofree char *shown = rb_text_printable(text, 500);

    g_string_append(out, shown);
}

/* Who vouches and what is stated, of somebody without groups: a workload, mostly. */
static void
append_stated(GString *out, const RbIdentity *who)
{
    g_string_append(out, " of ");
    append_printable(out, who->provider);
    for (guint i = 0; i < who->n_attributes && i < 20; i++) {
        g_autofree char *values = g_strjoinv("|", (char **)who->attributes[i].values);
        g_string_append(out, i == 0 ? ": " : ", ");
        append_printable(out, who->attributes[i].name);
        g_string_append_c(out, '=');
        append_printable(out, values);
    }
    if (who->n_attributes > 20)
        g_string_append_printf(out, " and %u more", who->n_attributes - 20);
}

static void
append_who(GString *out, const RbDecision *decision, const RbContext *context)
{
    const RbIdentity *who = decision->identity;
    g_autofree char *time = rb_time_format(context->now);

    append_printable(out, who->name);
    if (who->n_groups == 0 && who->n_attributes > 0)
        append_stated(out, who);
    else
        g_string_append(out, who->n_groups == 0 ? ", in no group" : ", in ");
    for (guint i = 0; i < who->n_groups && i < 20; i++) {
        g_string_append(out, i == 0 ? "" : ", ");
        append_printable(out, who->groups[i]);
    }
    if (who->n_groups > 20)
        g_string_append_printf(out, " and %u more", who->n_groups - 20);
    g_string_append_printf(out, "; %s second factor; at %s", who->mfa ? "with a" : "without a", time);
    if (context->source_ip != NULL) {
        g_string_append(out, " from ");
        append_printable(out, context->source_ip);
    }
    g_string_append(out, "\n");
}

/* "group acme-all", or what was stated: "repository 'acme/app', ref 'main'" */
static void
append_source(GString *out, const char *group, const RbClaim *claims)
{
    if (group != NULL) {
        g_string_append(out, "group ");
        append_printable(out, group);
        return;
    }
    for (guint i = 0; claims != NULL && claims[i].attribute != NULL; i++) {
        g_autofree char *quoted = rb_text_quote(claims[i].value);
        g_string_append(out, i == 0 ? "" : ", ");
        append_printable(out, claims[i].attribute);
        g_string_append_printf(out, " %s", quoted);
    }
}

static void
append_reason(GString *out, const RbReason *reason)
{
    g_string_append(out, "    because of ");
    append_source(out, reason->group, reason->claims);
    g_string_append_printf(out, " (%s)", reason->assignment);
    for (guint i = 0; reason->conditions != NULL && reason->conditions[i] != NULL; i++) {
        g_string_append(out, i == 0 ? "; holds: " : ", ");
        append_printable(out, reason->conditions[i]);
    }
    g_string_append_c(out, '\n');
}

static void
append_grant(GString *out, const RbGrant *g)
{
    g_autofree char *max = duration(g->max_session_s);

    g_string_append_printf(out, "\n  %s in %s (%s), up to %s%s\n    %s\n", g->role, g->account_name,
                           g->account, max, g->chained ? " (the account's method gives no more than 1h)" : "",
                           g->role_arn);
    for (guint i = 0; i < g->n_tags; i++) {
        g_string_append_printf(out, "    with tag %s = ", g->tags[i].key);
        append_printable(out, g->tags[i].value);
        g_string_append_c(out, '\n');
    }
    if (g->session_policy != NULL)
        g_string_append(out, "    narrowed by the role's session policy\n");
    for (guint i = 0; i < g->n_reasons; i++)
        append_reason(out, &g->reasons[i]);
}

static void
append_miss(GString *out, const RbNearMiss *m)
{
    const RbOutcome *outcome = &rb_outcomes()[m->code - 1];

    g_string_append_printf(out, "\n  %s in %s (%s): %s\n    ", m->role, m->account_name, m->account,
                           outcome->id);
    append_printable(out, m->detail);
    g_string_append(out, "\n    named by ");
    append_source(out, m->group, m->claims);
    g_string_append_printf(out, " (%s); ask ", m->assignment);
    append_printable(out, m->owner);
    g_string_append_c(out, '\n');
}

/* Assignments without groups of which this sign-in misses little. */
static void
append_nearest(GString *out, const RbSnapshot *snapshot, const RbDecision *decision,
               const RbExplainFilter *filter)
{
    g_auto(GStrv) nearest = rb_snapshot_nearest(snapshot, decision->identity, filter->account, filter->role);

    for (guint i = 0; nearest[i] != NULL; i++) {
        g_string_append(out, i == 0 ? "\nNearest by what is stated:\n  " : "  ");
        append_printable(out, nearest[i]);
        g_string_append_c(out, '\n');
    }
}

/* Who does get what was asked about: what this person's groups lack. */
static void
append_ways(GString *out, const RbSnapshot *snapshot, const RbExplainFilter *filter)
{
    g_auto(GStrv) ways = rb_snapshot_ways(snapshot, filter->account, filter->role);

    if (filter->account == NULL && filter->role == NULL)
        return;
    g_string_append(out,
                    ways[0] == NULL ? "\nNo assignment brings this to anybody.\n" : "\nIt is brought by:\n");
    for (guint i = 0; i < 20 && ways[i] != NULL; i++) {
        g_string_append(out, "  ");
        append_printable(out, ways[i]);
        g_string_append_c(out, '\n');
    }
    if (g_strv_length(ways) > 20)
        g_string_append_printf(out, "  and %u more\n", g_strv_length(ways) - 20);
}

char *
rb_explain_text(const RbSnapshot *snapshot, const RbDecision *decision, const RbContext *context,
                const RbExplainFilter *filter)
{
    GString *out = g_string_new(NULL);
    guint granted = rb_explain_count(decision, filter), missed = 0;

    append_who(out, decision, context);
    g_string_append(out, granted > 0                                       ? "\nMay take:\n"
                         : filter->account == NULL && filter->role == NULL ? "\nMay take nothing.\n"
                                                                           : "\nMay take nothing of this.\n");
    for (guint i = 0; i < decision->n_grants; i++) {
        const RbGrant *g = &decision->grants[i];
        if (is_wanted(filter, g->account, g->account_name, g->role))
            append_grant(out, g);
    }
    for (guint i = 0; i < decision->n_refusals; i++) {
        const RbNearMiss *m = &decision->refusals[i];
        if (!is_wanted(filter, m->account, m->account_name, m->role))
            continue;
        g_string_append(out, missed++ == 0 ? "\nAssigned, but not now:\n" : "");
        append_miss(out, m);
    }
    if (granted == 0 && missed == 0) {
        append_nearest(out, snapshot, decision, filter);
        append_ways(out, snapshot, filter);
    }
    return g_string_free(out, FALSE);
}
