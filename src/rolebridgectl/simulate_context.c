#include "base/clock.h"
#include "base/encoding.h"
#include "rolebridgectl/simulate.h"

#include <string.h>

/* What a request of a federated session carries (reference §8.4). What only AWS or the person knows (source
 * address, unique ids, tags of the resource, the organisation) is there only if the command line says it. */

static void
add_given(RbSimulation *s, GHashTable *absent)
{
    for (char **pair = s->asked->context; pair && *pair; pair++) {
        char *is = strchr(*pair, '=');
        g_autofree char *key = is ? g_strndup(*pair, (gsize)(is - *pair)) : g_ascii_strdown(*pair, -1);

        if (is)
            rb_request_context_add(s->context, key, is + 1);
        else
            g_hash_table_add(absent, g_steal_pointer(&key));
    }
    for (char **pair = s->asked->tags; pair && *pair; pair++) {
        char *is = strchr(*pair, '=');
        g_autofree char *key = g_strndup(*pair, (gsize)(is - *pair));
        g_autofree char *full = g_strconcat("aws:PrincipalTag/", key, NULL);

        rb_request_context_add(s->context, full, is + 1);
    }
}

static void
add(RbSimulation *s, GHashTable *absent, const char *key, const char *value)
{
    g_autofree char *lower = g_ascii_strdown(key, -1);

    if (value && *value && !rb_request_context_get(s->context, key) && !g_hash_table_contains(absent, lower))
        rb_request_context_add(s->context, key, value);
}

/* Tags of the session whose value the mapping itself says; those of a person are to be given. Then the
 * role's. */
static void
add_tags(RbSimulation *s, GHashTable *absent)
{
    const RbRole *role = s->role->role;

    for (guint i = 0; i < role->n_tags; i++) {
        const RbTagTemplate *tag = &role->tags[i];
        g_autofree char *key = g_strconcat("aws:PrincipalTag/", tag->key, NULL);

        if (tag->parts[0] && !tag->parts[1])
            add(s, absent, key, tag->parts[0]);
        else if (!rb_request_context_get(s->context, key))
            g_ptr_array_add(s->missing_tags, (gpointer)tag->key);
    }
    for (guint i = 0; i < s->role->n_tags; i++) {
        g_autofree char *key = g_strconcat("aws:PrincipalTag/", s->role->tags[i].key, NULL);

        add(s, absent, key, s->role->tags[i].value);
    }
}

static void
add_of_account(RbSimulation *s, GHashTable *absent)
{
    const RbAccount *account = s->account->account;

    add(s, absent, "aws:PrincipalAccount", account->id);
    if (account->method != RB_ISSUE_ASSUME_ROLE)
        add(s, absent, "aws:FederatedProvider", account->provider_arn);
    add_tags(s, absent);
}

void
rb_simulation_context(RbSimulation *s)
{
    g_autoptr(GHashTable) absent = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) fields = g_strsplit(s->request.resource, ":", 6);
    const RbClock clock = rb_clock_system();
    gint64 now = rb_clock_now(&clock);
    g_autofree char *time = rb_time_format(now), *epoch = g_strdup_printf("%" G_GINT64_FORMAT, now);
    const char *region = g_strv_length(fields) == 6 ? fields[3] : "";

    s->context = rb_request_context_new();
    s->request.context = s->context;
    add_given(s, absent);
    if (s->account)
        add_of_account(s, absent);
    add(s, absent, "aws:PrincipalArn", s->principal);
    add(s, absent, "aws:PrincipalType", "AssumedRole");
    add(s, absent, "aws:SourceIdentity", strrchr(s->session, '/') + 1);
    add(s, absent, "aws:CurrentTime", time);
    add(s, absent, "aws:EpochTime", epoch);
    add(s, absent, "aws:TokenIssueTime", time);
    add(s, absent, "aws:SecureTransport", "true");
    add(s, absent, "aws:ViaAWSService", "false");
    add(s, absent, "aws:PrincipalIsAWSService", "false");
    add(s, absent, "aws:ResourceAccount", s->asked->owner);
    add(s, absent, "aws:RequestedRegion", *region || !s->account ? region : s->account->account->region);
}
