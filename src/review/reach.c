#include "review/priv.h"

#include <string.h>

/* Who can do something: each role in each account is asked, and what would still have to hold is said. */

static void
holder_free(gpointer data)
{
    RbHolder *holder = data;

    g_ptr_array_unref(holder->lines);
    g_ptr_array_unref(holder->seats);
    g_strfreev(holder->who);
    g_free(holder);
}

void
rb_reach_free(RbReach *reach)
{
    if (reach == NULL)
        return;
    g_ptr_array_unref(reach->holders);
    rb_ways_free(reach->ways);
    rb_snapshot_unref(reach->snapshot);
    g_free(reach->action);
    g_free(reach->lower);
    g_free(reach->resource);
    g_free(reach);
}

/* What is said of one role in one account. */
typedef struct {
    GPtrArray *lines; /* text, owned */
    gboolean always;  /* some Allow takes all of it, whatever else is true */
    gboolean some;    /* some Allow takes some of it */
    gboolean never;   /* a Deny takes all of it */
} Answer;

/* Whether the account's own variables of AWS are in some resource: only the request fills them. */
static gboolean
is_open(const RbPermit *permit)
{
    for (guint i = 0; i < permit->statement->resources.n; i++)
        if (strstr(permit->statement->resources.at[i].text, "${") != NULL)
            return TRUE;
    return FALSE;
}

static gboolean
takes_all(const RbPermit *permit, const RbReach *q)
{
    return rb_permit_action(permit, q->lower) && rb_permit_resource(permit, q->resource);
}

static gboolean
takes_some(const RbPermit *permit, const RbReach *q)
{
    return rb_permit_some_action(permit, q->lower) && rb_permit_some_resource(permit, q->resource);
}

static char *
joined(const RbPolicyTexts *texts)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < texts->n; i++)
        g_string_append_printf(out, "%s%s", i == 0 ? "" : ", ", texts->at[i].text);
    return g_string_free(out, FALSE);
}

/* "if aws:SecureTransport is true", "s3:Get* on arn:…": what of the question @permit is about. */
static char *
line_of(const RbPermit *permit, const RbReach *q, const char *before)
{
    const RbPolicyStatement *s = permit->statement;
    GString *out = g_string_new(before);
    g_autofree char *conditions = rb_statement_words(s);
    gboolean act = rb_permit_action(permit, q->lower), res = rb_permit_resource(permit, q->resource);

    if (!act) {
        g_autofree char *texts = joined(&s->actions);
        g_string_append_printf(out, "%s%s%s", out->len > 0 ? " " : "", s->not_action ? "all but " : "",
                               texts);
    }
    if (!res) {
        g_autofree char *texts = joined(&s->resources);
        g_string_append_printf(out, "%son %s%s", out->len > 0 ? " " : "", s->not_resource ? "all but " : "",
                               texts);
    }
    if (s->n_conditions > 0)
        g_string_append_printf(out, "%sif %s", out->len > 0 ? " " : "", conditions);
    if (out->len == 0)
        g_string_append(out, "allowed");
    g_string_append_printf(out, " (%s:%u)", s->place.file, s->place.line);
    return g_string_free(out, FALSE);
}

static void
ask_allows(const GPtrArray *allows, const RbReach *q, const char *before, Answer *answer)
{
    for (guint i = 0; i < allows->len && !answer->always; i++) {
        const RbPermit *p = allows->pdata[i];
        if (p->statement->n_conditions > 0 || is_open(p) || !takes_all(p, q))
            continue;
        answer->always = answer->some = TRUE;
        if (*before == '\0')
            g_ptr_array_add(answer->lines, line_of(p, q, ""));
    }
    for (guint i = 0; i < allows->len && !answer->always; i++)
        if (takes_some(allows->pdata[i], q)) {
            answer->some = TRUE;
            g_ptr_array_add(answer->lines, line_of(allows->pdata[i], q, before));
        }
}

static void
ask_denies(const GPtrArray *denies, const RbReach *q, Answer *answer)
{
    for (guint i = 0; i < denies->len; i++) {
        const RbPermit *p = denies->pdata[i];
        if (!takes_some(p, q))
            continue;
        answer->always = FALSE;
        if (p->statement->n_conditions == 0 && !is_open(p) && takes_all(p, q))
            answer->never = TRUE;
        g_ptr_array_add(answer->lines, line_of(p, q, "but not"));
    }
}

/* The account in @resource, an ARN that names one; NULL: none. */
static char *
account_of(const char *resource)
{
    g_auto(GStrv) fields = g_strsplit(resource, ":", 6);

    if (g_strv_length(fields) < 6 || strlen(fields[4]) != 12 || strspn(fields[4], "0123456789") != 12)
        return NULL;
    return g_strdup(fields[4]);
}

static void
ask_other_account(const RbReach *q, const RbAccount *account, Answer *answer)
{
    g_autofree char *of = account_of(q->resource);

    if (of == NULL || g_str_equal(of, account->id))
        return;
    answer->always = FALSE;
    g_ptr_array_add(answer->lines,
                    g_strdup_printf("if the resource's own policy, in account %s, allows it too", of));
}

static void
ask_session(RbSide *side, const RbRole *role, const RbReach *q, Answer *answer)
{
    g_autoptr(RbPermits) session = NULL;
    Answer within = { answer->lines, FALSE, FALSE, FALSE };

    if (role->session_policy == NULL || !answer->some)
        return;
    session = rb_side_session(side, role);
    ask_allows(session->allows, q, "as its session policy lets through:", &within);
    ask_denies(session->denies, q, &within);
    answer->always = answer->always && within.always;
    answer->some = within.some;
    answer->never = answer->never || within.never;
}

/* Lines of what is not known and of the role's own conditions. */
static void
add_limits(const RbRole *role, const RbPermits *permits, Answer *answer)
{
    for (guint i = 0; i < permits->unknown->len && !answer->always; i++)
        g_ptr_array_add(answer->lines, g_strdup_printf("what the policy %s says of it is not known here",
                                                       (const char *)permits->unknown->pdata[i]));
    for (guint i = 0; role->words != NULL && role->words[i] != NULL; i++)
        g_ptr_array_add(answer->lines, g_strdup_printf("to take the role: %s", role->words[i]));
}

/* ---- holders ---- */

/* (transfer full): in words, who gets @role in the account @id; those whose account is known at sign-in alone
 * count for each. */
static GStrv
who_gets(const RbReach *reach, const RbRole *role, const char *id)
{
    GPtrArray *out = g_ptr_array_new();

    for (guint i = 0; i < reach->ways->at->len; i++) {
        const RbWay *way = reach->ways->at->pdata[i];
        gboolean there = FALSE, caught = FALSE;
        for (guint k = 0; way->role == role && !there && k < way->seats->len; k++) {
            const RbSeat *seat = way->seats->pdata[k];
            there = g_str_equal(seat->id, id);
            caught = caught || *seat->id == '\0';
        }
        if (there || caught) {
            g_autofree char *who = rb_who_words(way->who);
            g_ptr_array_add(out,
                            there ? g_steal_pointer(&who) : g_strconcat(who, ", whose account it is", NULL));
        }
    }
    g_ptr_array_add(out, NULL);
    return (GStrv)g_ptr_array_free(out, FALSE);
}

static GPtrArray *
lines_copy(const GPtrArray *lines, const RbAccount *account)
{
    GPtrArray *out = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < lines->len; i++)
        g_ptr_array_add(out, account == NULL ? g_strdup(lines->pdata[i])
                                             : rb_text_generalise(account, lines->pdata[i]));
    return out;
}

static void
take(RbReach *reach, GHashTable *by_key, const RbSide *side, const RbRole *role, RbReachAnswer answer,
     const GPtrArray *lines)
{
    g_auto(GStrv) who = who_gets(reach, role, side->account->id);
    g_autoptr(GPtrArray) general = lines_copy(lines, side->account);
    g_autoptr(GString) key = g_string_new(role->name);
    RbHolder *holder;

    g_string_append_printf(key, "\n%d", answer);
    for (guint i = 0; i < general->len; i++)
        g_string_append_printf(key, "\n%s", (const char *)general->pdata[i]);
    for (guint i = 0; who[i] != NULL; i++)
        g_string_append_printf(key, "\n\t%s", who[i]);
    holder = g_hash_table_lookup(by_key, key->str);
    if (holder == NULL) {
        holder = g_new0(RbHolder, 1);
        holder->answer = answer;
        holder->role = role;
        holder->who = g_steal_pointer(&who);
        holder->seats = g_ptr_array_new();
        holder->lines = lines_copy(lines, NULL);
        g_ptr_array_add(reach->holders, holder);
        g_hash_table_insert(by_key, g_strdup(key->str), holder);
    } else if (holder->seats->len == 1) {
        g_ptr_array_unref(holder->lines);
        holder->lines = g_steal_pointer(&general);
    }
    g_ptr_array_add(holder->seats, reach->ways->seats->pdata[side->row]);
}

static void
ask_role(RbReach *reach, GHashTable *by_key, RbSide *side, const RbRole *role)
{
    g_autoptr(RbPermits) permits = rb_side_permits(side, role);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    Answer answer = { .lines = lines };

    ask_allows(permits->allows, reach, "", &answer);
    if (answer.some || permits->unknown->len > 0)
        ask_denies(permits->denies, reach, &answer);
    ask_session(side, role, reach, &answer);
    if (answer.never || (!answer.some && permits->unknown->len == 0))
        return;
    ask_other_account(reach, side->account, &answer);
    add_limits(role, permits, &answer);
    take(reach, by_key, side, role,
         answer.always ? RB_REACH_ALWAYS
         : answer.some ? RB_REACH_IF
                       : RB_REACH_UNKNOWN,
         lines);
}

static gint
by_answer(gconstpointer a, gconstpointer b)
{
    const RbHolder *x = *(const RbHolder *const *)a, *y = *(const RbHolder *const *)b;
    int order = (int)x->answer - (int)y->answer;

    if (order == 0)
        order = strcmp(x->role->name, y->role->name);
    return order != 0 ? order : rb_seat_compare(&x->seats->pdata[0], &y->seats->pdata[0]);
}

RbReach *
rb_reach_new(RbSnapshot *snapshot, const char *action, const char *resource, const char *account)
{
    RbReach *reach = g_new0(RbReach, 1);
    const GPtrArray *accounts = rb_snapshot_accounts(snapshot), *roles = rb_snapshot_roles(snapshot);
    g_autoptr(GHashTable) by_key = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    RbSide side = { 0 };

    reach->snapshot = rb_snapshot_ref(snapshot);
    reach->action = g_strdup(action);
    reach->lower = g_ascii_strdown(action, -1);
    reach->resource = g_strdup(resource);
    reach->holders = g_ptr_array_new_with_free_func(holder_free);
    reach->ways = rb_ways_new(snapshot);
    rb_side_init(&side, snapshot);
    for (guint i = 0; i < accounts->len; i++) {
        const RbAccount *a = accounts->pdata[i];
        if (account != NULL && !g_str_equal(a->id, account) && !g_str_equal(a->name, account))
            continue;
        rb_side_turn(&side, a, i);
        for (guint k = 0; k < roles->len; k++)
            if (rb_side_role(&side, ((RbRole *)roles->pdata[k])->name) != NULL)
                ask_role(reach, by_key, &side, roles->pdata[k]);
    }
    g_ptr_array_sort(reach->holders, by_answer);
    rb_side_clear(&side);
    return reach;
}

RbReachAnswer
rb_reach_answer(const RbReach *reach)
{
    return reach->holders->len == 0 ? RB_REACH_NOBODY : ((RbHolder *)reach->holders->pdata[0])->answer;
}
