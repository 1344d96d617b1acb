#include "base/encoding.h"
#include "rolebridgectl/command.h"
#include "rolebridgectl/deploy.h"

#include <stdlib.h>
#include <string.h>

/* Plans in words and as JSON. Documents are shown as the statements that come and go: those that stay are not
 * repeated, and order does not matter. */

typedef struct {
    const char *add, *change, *remove, *bold, *off;
} Palette;

static const Palette plain = { "", "", "", "", "" };
static const Palette coloured = { "\033[32m", "\033[33m", "\033[31m", "\033[1m", "\033[0m" };

static RbPolicy *
parse(gboolean trust, const char *text)
{
    g_autoptr(RbDiagnostics) problems = rb_diagnostics_new();
    g_autoptr(GBytes) bytes = text == NULL ? NULL : g_bytes_new(text, strlen(text));

    return text == NULL ? NULL
                        : rb_policy_parse(trust ? RB_POLICY_TRUST : RB_POLICY_IDENTITY, "", bytes, problems);
}

/* A statement: how it compares, and how a person reads it. */
typedef struct {
    char *normal, *shown;
} Statement;

static void
statement_free(gpointer data)
{
    Statement *s = data;

    g_free(s->normal);
    g_free(s->shown);
    g_free(s);
}

static void
append_texts(GString *out, const RbPolicyTexts *texts)
{
    for (guint i = 0; i < texts->n; i++)
        g_string_append_printf(out, "%s%s", i == 0 ? "" : ", ", texts->at[i].text);
}

/* "Allow s3:GetObject", and on lines of their own whom, on what and when. */
static char *
statement_words(const RbPolicyStatement *s)
{
    GString *out = g_string_new(s->allow ? "Allow " : "Deny ");

    g_string_append(out, s->not_action ? "all actions but " : "");
    append_texts(out, &s->actions);
    for (guint i = 0; i < s->n_principals; i++) {
        g_string_append_printf(out, "\n    %s %s ", s->not_principal ? "to all but" : "to",
                               s->principals[i].kind.text);
        append_texts(out, &s->principals[i].values);
    }
    if (s->resources.n > 0) {
        g_string_append(out, s->not_resource ? "\n    on all but " : "\n    on ");
        append_texts(out, &s->resources);
    }
    for (guint i = 0; i < s->n_conditions; i++) {
        g_string_append_printf(out, "\n    when %s %s: ", s->conditions[i].op.text,
                               s->conditions[i].key.text);
        append_texts(out, &s->conditions[i].values);
    }
    return g_string_free(out, FALSE);
}

static GPtrArray *
statements(const RbPolicy *policy)
{
    g_autoptr(RbPolicy) normal = policy == NULL ? NULL : rb_policy_normalise(policy);
    GPtrArray *out = g_ptr_array_new_with_free_func(statement_free);

    for (guint i = 0; normal != NULL && i < normal->n_statements; i++) {
        Statement *s = g_new0(Statement, 1);
        s->normal = statement_words(&normal->statements[i]);
        s->shown = statement_words(&policy->statements[i]);
        g_ptr_array_add(out, s);
    }
    return out;
}

static gboolean
has(const GPtrArray *list, const char *normal)
{
    for (guint i = 0; i < list->len; i++)
        if (g_str_equal(((const Statement *)list->pdata[i])->normal, normal))
            return TRUE;
    return FALSE;
}

/* Each line of @text behind @sign. */
static void
print_lines(const char *text, const char *sign, const char *on, const char *off)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (guint i = 0; lines[i] != NULL; i++) {
        g_autofree char *shown = rb_text_printable(lines[i], 2000);
        g_print("      %s%s %s%s\n", on, sign, shown, off);
    }
}

static void
print_missing(const GPtrArray *from, const GPtrArray *in, const char *sign, const char *on, const char *off)
{
    for (guint i = 0; i < from->len; i++) {
        const Statement *s = from->pdata[i];
        if (!has(in, s->normal))
            print_lines(s->shown, sign, on, off);
    }
}

static gboolean
is_document(const RbStep *step)
{
    return step->thing != RB_THING_PROVIDER && step->kind != RB_STEP_UPDATE_ROLE;
}

static void
print_change(const RbStep *step, const Palette *p)
{
    gboolean trust = step->kind == RB_STEP_CREATE_ROLE || step->kind == RB_STEP_UPDATE_TRUST ||
                     step->kind == RB_STEP_DELETE_ROLE;

    if (is_document(step)) {
        g_autoptr(RbPolicy) before = parse(trust, step->before), after = parse(trust, step->after);
        g_autoptr(GPtrArray) old = statements(before), new = statements(after);
        if (step->before != NULL && before == NULL)
            print_lines("a document that cannot be read", "-", p->remove, p->off);
        print_missing(old, new, "-", p->remove, p->off);
        print_missing(new, old, "+", p->add, p->off);
        return;
    }
    if (step->before != NULL && strlen(step->before) < 200)
        print_lines(step->before, "-", p->remove, p->off);
    if (step->after != NULL && strlen(step->after) < 200)
        print_lines(step->after, "+", p->add, p->off);
}

static void
print_tags(const RbStep *step, const Palette *p)
{
    const char *key;
    json_t *value;

    json_object_foreach(step->wanted, key, value)
    {
        g_autofree char *line = g_strdup_printf("%s = %s", key, json_string_value(value));
        print_lines(line, "+", p->add, p->off);
    }
}

static void
print_step(const RbStep *step, const Palette *p)
{
    g_autofree char *text = rb_step_text(step);
    gboolean adds = step->kind == RB_STEP_CREATE_PROVIDER || step->kind == RB_STEP_CREATE_POLICY ||
                    step->kind == RB_STEP_CREATE_ROLE || step->kind == RB_STEP_ATTACH;
    gboolean removes = step->kind >= RB_STEP_DETACH;
    const char *on = adds ? p->add : removes ? p->remove : p->change;

    g_autofree char *by = step->by == NULL ? NULL : rb_text_printable(step->by, 200);

    g_print("  %s%s %s%s%s%s%s%s\n", on,
            adds      ? "+"
            : removes ? "-"
                      : "~",
            text, p->off, step->owner == NULL ? "" : "  owner ", step->owner == NULL ? "" : step->owner,
            by == NULL ? "" : "  by ", by == NULL ? "" : by);
    if (step->kind == RB_STEP_TAG)
        print_tags(step, p);
    else if (step->before != NULL || step->after != NULL)
        print_change(step, p);
}

/* What roles gain and lose, and what is only told. */
static void
print_more(const RbAccountPlan *plan, const Palette *p)
{
    for (guint i = 0; i < plan->access->len; i++) {
        const RbDeployAccess *a = plan->access->pdata[i];
        g_autofree char *role = rb_text_printable(a->role, 100);
        g_print("  %s%s%s\n", p->bold, role, p->off);
        for (guint k = 0; k < a->gained->len; k++)
            print_lines(a->gained->pdata[k], "gains:", p->add, p->off);
        for (guint k = 0; k < a->lost->len; k++)
            print_lines(a->lost->pdata[k], "loses:", p->remove, p->off);
    }
    for (guint i = 0; i < plan->notes->len; i++) {
        g_autofree char *text = rb_text_printable(plan->notes->pdata[i], 1000);
        g_print("  . %s; left alone\n", text);
    }
}

static void
print_row(const RbFleetRow *row, const Palette *p)
{
    const RbAccount *account = row->account->account;

    if (row->plan != NULL && row->plan->steps->len == 0 && row->plan->conflicts->len == 0 &&
        row->plan->notes->len == 0)
        return;
    g_print("%s%s (%s)%s\n", p->bold, account->name, account->id, p->off);
    if (row->error != NULL)
        g_print("  %s! %s%s\n", p->remove, row->error->message, p->off);
    for (guint i = 0; row->plan != NULL && i < row->plan->conflicts->len; i++)
        g_print("  %s! %s; left alone%s\n", p->remove, (char *)row->plan->conflicts->pdata[i], p->off);
    for (guint i = 0; row->plan != NULL && i < row->plan->steps->len; i++)
        print_step(row->plan->steps->pdata[i], p);
    if (row->plan != NULL)
        print_more(row->plan, p);
    g_print("\n");
}

void
rb_deploy_print(const GPtrArray *rows, gboolean colour)
{
    for (guint i = 0; i < rows->len; i++)
        print_row(g_ptr_array_index(rows, i), colour ? &coloured : &plain);
}

RbDeployCount
rb_deploy_count(const GPtrArray *rows)
{
    RbDeployCount count = { 0 };

    for (guint i = 0; i < rows->len; i++) {
        const RbFleetRow *row = g_ptr_array_index(rows, i);
        count.failures += row->error != NULL ? 1 : 0;
        if (row->plan == NULL)
            continue;
        count.steps += row->plan->steps->len - row->done;
        count.accounts += row->plan->steps->len > row->done ? 1 : 0;
        count.conflicts += row->plan->conflicts->len;
    }
    return count;
}

static json_t *
access_json(const RbAccountPlan *plan)
{
    json_t *out = json_array();

    for (guint i = 0; plan != NULL && i < plan->access->len; i++) {
        const RbDeployAccess *a = plan->access->pdata[i];
        (void)json_array_append_new(out, json_pack("{s:s, s:o, s:o}", "role", a->role, "gained",
                                                   rb_command_texts(a->gained), "lost",
                                                   rb_command_texts(a->lost)));
    }
    return out;
}

static json_t *
row_json(const RbFleetRow *row)
{
    json_t *steps = json_array();
    const char *id = row->account->account->id;

    for (guint i = 0; row->plan != NULL && i < row->plan->steps->len; i++) {
        const RbStep *step = row->plan->steps->pdata[i];
        g_autofree char *digest = rb_step_digest(step, id);
        json_t *json = rb_step_to_json(step);
        (void)json_object_set_new(json, "digest", json_string(digest));
        (void)json_array_append_new(steps, json);
    }
    return json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:s?}", "account", id, "name",
                     row->account->account->name, "done", (int)row->done, "steps", steps, "access",
                     access_json(row->plan), "conflicts",
                     rb_command_texts(row->plan == NULL ? NULL : row->plan->conflicts), "notes",
                     rb_command_texts(row->plan == NULL ? NULL : row->plan->notes), "error",
                     row->error == NULL ? NULL : row->error->message);
}

json_t *
rb_deploy_json(const RbDeployRun *run, const GPtrArray *rows)
{
    g_autofree char *digest = rb_fleet_digest(rows);
    json_t *accounts = json_array();

    for (guint i = 0; i < rows->len; i++)
        (void)json_array_append_new(accounts, row_json(g_ptr_array_index(rows, i)));
    return json_pack("{s:i, s:s, s:s, s:o}", "rolebridge", 1, "digest", digest, "mapping",
                     rb_snapshot_digest(run->snapshot), "accounts", accounts);
}
