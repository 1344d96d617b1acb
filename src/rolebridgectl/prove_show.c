#include "rolebridgectl/command.h"
#include "rolebridgectl/prove.h"

#include <string.h>

/* Answers in words and as JSON. Items with the same answer are told once. */

enum { NAMES_MAX = 5 };

typedef struct {
    const char *good, *bad, *doubt, *off;
} Palette;

static const Palette plain = { "", "", "", "" };
static const Palette coloured = { "\033[32m", "\033[31m", "\033[33m", "\033[0m" };

static const char *const verdicts[] = { "proved", "refuted", "not known" };

static const RbProveItem *
at(const GPtrArray *items, guint i)
{
    return items->pdata[i];
}

/* A word that a shell reads as it stands. */
static char *
shell_word(const char *text)
{
    gsize plain_size =
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=:/.,@+%");

    return *text != '\0' && text[plain_size] == '\0' ? g_strdup(text) : g_shell_quote(text);
}

static void
add_word(GString *out, const char *option, const char *key, const char *value)
{
    g_autofree char *pair = value != NULL && *key != '\0' ? g_strconcat(key, "=", value, NULL) : NULL;
    g_autofree char *word = shell_word(pair != NULL ? pair : value != NULL ? value : key);

    g_string_append_printf(out, " %s %s", option, word);
}

/* What simulate says by itself. */
static gboolean
is_usual(const RbProveItem *item, const char *key, const char *value)
{
    const GPtrArray *known = rb_request_context_get(rb_proof_subject_facts(item->after), key);

    return known != NULL && known->len == 1 && g_str_equal(known->pdata[0], value);
}

static gboolean
is_elsewhere(const RbProveItem *item, const char *resource)
{
    g_auto(GStrv) fields = g_strsplit(resource, ":", 6);

    return g_strv_length(fields) == 6 && *fields[4] != '\0' &&
           !g_str_equal(fields[4], item->account->account->id);
}

/* The command line by which anybody can ask again. */
static char *
simulate_line(const RbProveItem *item, const RbProof *proof, const char *mappings)
{
    GString *out = g_string_new("rolebridgectl simulate");

    if (mappings != NULL)
        add_word(out, "--mappings", "", mappings);
    add_word(out, "--role", "", item->role->name);
    add_word(out, "--account", "", item->account->account->name);
    add_word(out, "--action", "", proof->action);
    add_word(out, "--resource", "", proof->resource);
    if (is_elsewhere(item, proof->resource)) /* what the other account says is not asked here */
        add_word(out, "--resource-account", "", item->account->account->id);
    for (guint i = 0; i < proof->keys->len; i++) {
        const char *key = proof->keys->pdata[i];
        const GPtrArray *values = rb_request_context_get(proof->context, key);
        for (guint j = 0; j < values->len; j++)
            if (!is_usual(item, key, values->pdata[j]))
                add_word(out, "--context", key, values->pdata[j]);
    }
    for (guint i = 0; i < proof->absent->len; i++)
        add_word(out, "--context", proof->absent->pdata[i], NULL);
    return g_string_free(out, FALSE);
}

/* ---- in words ---- */

/* "in analytics-prod, development and 998 more" of those that share the answer of item @first. */
static char *
accounts_of(const GPtrArray *items, guint first)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GString *out = g_string_new(NULL);

    for (guint i = first; i < items->len; i++)
        if (at(items, i)->first == first && !at(items, i)->same &&
            g_str_equal(at(items, i)->role->name, at(items, first)->role->name))
            g_ptr_array_add(names, (gpointer)at(items, i)->account->account->name);
    for (guint i = 0; i < names->len && i < NAMES_MAX; i++)
        g_string_append_printf(out, "%s%s", i == 0 ? "" : ", ", (const char *)names->pdata[i]);
    if (names->len > NAMES_MAX)
        g_string_append_printf(out, " and %u more", names->len - NAMES_MAX);
    return g_string_free(out, FALSE);
}

static void
print_keys(const RbProveItem *item, const RbProof *proof)
{
    for (guint i = 0; i < proof->keys->len; i++) {
        const char *key = proof->keys->pdata[i];
        const GPtrArray *values = rb_request_context_get(proof->context, key);
        for (guint j = 0; j < values->len; j++)
            if (!is_usual(item, key, values->pdata[j]))
                g_print("    with %s = %s\n", key, (const char *)values->pdata[j]);
        if (values->len == 0)
            g_print("    with %s, an empty list\n", key);
    }
    for (guint i = 0; i < proof->absent->len; i++)
        g_print("    without %s\n", (const char *)proof->absent->pdata[i]);
}

static void
print_request(const RbProveItem *item, const RbProof *proof, const char *mappings)
{
    g_autofree char *again = simulate_line(item, proof, mappings);

    g_print("    %s on %s%s\n", proof->action, proof->resource,
            proof->known_action ? "" : "  (AWS has no such action today)");
    print_keys(item, proof);
    if (proof->allowed != NULL && proof->allowed->place.file != NULL)
        g_print("    allowed by %s:%u\n", proof->allowed->place.file, proof->allowed->place.line);
    g_print("    %s\n", again);
}

static void
print_item(const RbProveAsked *asked, const GPtrArray *items, guint i, const Palette *palette)
{
    const RbProveItem *item = at(items, i);
    RbProofVerdict verdict = rb_prove_verdict(items, i);
    g_autofree char *accounts = accounts_of(items, i);

    g_print("%s%s%s: %s in %s%s\n", verdict == RB_REFUTED ? palette->bad : palette->doubt, verdicts[verdict],
            palette->off, item->role->name, accounts, item->is_new ? ": the role is new there" : "");
    if (item->error != NULL) {
        g_print("    %s\n", item->error->message);
        return;
    }
    for (guint j = 0; j < item->proof->reasons->len; j++)
        g_print("    %s\n", (const char *)item->proof->reasons->pdata[j]);
    if (item->proof->action != NULL)
        print_request(item, item->proof, asked->no_new_access ? asked->names[1] : asked->mappings);
}

/* Told once for each role among items of one question. */
static gboolean
is_told(const GPtrArray *items, guint i)
{
    return at(items, i)->same || at(items, i)->first != i;
}

typedef struct {
    guint of[3], questions;
} Count;

static Count
count(const GPtrArray *items)
{
    Count n = { 0 };

    for (guint i = 0; i < items->len; i++) {
        n.of[rb_prove_verdict(items, i)]++;
        n.questions += !at(items, i)->same && at(items, i)->first == i;
    }
    return n;
}

static char *
claim(const RbProveAsked *asked)
{
    if (asked->never != NULL)
        return g_strdup_printf("can never do %s on %s", asked->never, asked->on != NULL ? asked->on : "*");
    if (asked->within != NULL)
        return g_strdup_printf("stay within %s", asked->within);
    return g_strdup("allow nothing that they did not allow before");
}

void
rb_prove_print(const RbProveAsked *asked, const GPtrArray *items, gboolean colour)
{
    const Palette *palette = colour ? &coloured : &plain;
    g_autofree char *what = claim(asked);
    Count n = count(items);

    for (guint i = 0; i < items->len; i++)
        if (rb_prove_verdict(items, i) != RB_PROVED && !is_told(items, i))
            print_item(asked, items, i, palette);
    if (n.of[RB_PROVED] == items->len)
        g_print("%sproved%s: %u roles in their accounts %s (%u different questions)\n", palette->good,
                palette->off, items->len, what, n.questions);
    else
        g_print("%u roles in their accounts, asked whether they %s: %u proved, %u refuted, %u not known\n",
                items->len, what, n.of[RB_PROVED], n.of[RB_REFUTED], n.of[RB_NOT_KNOWN]);
}

/* ---- as JSON ---- */

static json_t *
request_json(const RbProveAsked *asked, const RbProveItem *item, const RbProof *proof)
{
    g_autofree char *again =
        simulate_line(item, proof, asked->no_new_access ? asked->names[1] : asked->mappings);
    json_t *context = json_object();

    for (guint i = 0; i < proof->keys->len; i++)
        (void)json_object_set_new(
            context, proof->keys->pdata[i],
            rb_command_texts(rb_request_context_get(proof->context, proof->keys->pdata[i])));
    return json_pack("{s:s, s:s, s:b, s:o, s:o, s:s}", "action", proof->action, "resource", proof->resource,
                     "known_action", proof->known_action, "context", context, "absent",
                     rb_command_texts(proof->absent), "simulate", again);
}

static json_t *
item_json(const RbProveAsked *asked, const GPtrArray *items, guint i)
{
    const RbProveItem *item = at(items, i), *first = at(items, item->first);
    const RbProof *proof = item->same ? NULL : first->proof;
    json_t *out = json_pack("{s:s, s:s, s:s, s:s}", "role", item->role->name, "account",
                            item->account->account->id, "account_name", item->account->account->name,
                            "verdict", verdicts[rb_prove_verdict(items, i)]);

    if (asked->no_new_access)
        (void)json_object_set_new(out, "new_role", json_boolean(item->is_new));
    if (!item->same && first->error != NULL)
        (void)json_object_set_new(out, "fault", json_string(first->error->message));
    if (proof != NULL && proof->reasons->len > 0)
        (void)json_object_set_new(out, "reasons", rb_command_texts(proof->reasons));
    if (proof != NULL && proof->action != NULL)
        (void)json_object_set_new(out, "request", request_json(asked, item, proof));
    if (proof != NULL && proof->allowed != NULL && proof->allowed->place.file != NULL)
        (void)json_object_set_new(
            out, "allowed_by", json_sprintf("%s:%u", proof->allowed->place.file, proof->allowed->place.line));
    return out;
}

json_t *
rb_prove_json(const RbProveAsked *asked, const GPtrArray *items)
{
    g_autofree char *what = claim(asked);
    Count n = count(items);
    json_t *list = json_array();

    for (guint i = 0; i < items->len; i++)
        (void)json_array_append_new(list, item_json(asked, items, i));
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:o}", "asked", what, "proved", (int)n.of[RB_PROVED],
                     "refuted", (int)n.of[RB_REFUTED], "not_known", (int)n.of[RB_NOT_KNOWN], "questions",
                     (int)n.questions, "roles", list);
}
